"""The bench of one lesson: controls, runs, charts, findings, comparison, map."""
