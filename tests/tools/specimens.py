"""The set of losses: `tests/losses/tuned*` is what the rules were tuned on, `held*` was looked at only at the end.

A line of a manifest names a file, the options a careful user gives, the findings it must have and why. `reports` are
kinds of fault that people report: the kind's letter, the domain of the loss, and whether it was held back.
"""

import json
from pathlib import Path

LOSSES = Path(__file__).parent.parent / "losses"
PARTS = ("tuned", "held", "reports")
ABOUT = ("expect", "why", "file", "function", "kind", "domain", "held")


class Case:
    """One loss of the set."""

    def __init__(self, row: dict):
        self.name, self.function, self.expect = row["file"], row.get("function"), set(row["expect"])
        self.why, self.kind, self.domain = row["why"], row.get("kind"), row.get("domain")
        self.held = row.get("held", False)
        self.options = {name: value for name, value in row.items() if name not in ABOUT}
        self.text = (LOSSES / self.name).read_text(encoding="utf-8")


def cases(part: str) -> list[Case]:
    lines = (LOSSES / f"{part}.jsonl").read_text(encoding="utf-8").splitlines()
    return [Case(json.loads(line)) for line in lines]


def codes(result: dict) -> set[str]:
    """The codes of an examination's findings."""
    assert result["refused"] is None, result["refused"]
    assert not result["unprobed"], result["unprobed"]
    return {found["code"] for found in result["findings"]}
