"""The doctor on a run: `diagnose` says what is wrong and what repairs it, `next_steps` what to try next. NumPy only."""

from dataclasses import replace

import numpy as np

from lessons.doctor.rule import SEVERITIES, Evidence
from lessons.doctor.run import rules
from lessons.doctor.run.advice import next_steps
from lessons.doctor.run.finding import Finding
from lessons.doctor.run.next_step import NextStep
from lessons.doctor.run.view import RunView
from lessons.runs.nan_origin import NaNOrigin
from lessons.runs.run import Run

__all__ = ["Finding", "NextStep", "diagnose", "next_steps"]

RUN_RULES = rules.RUN_RULES
RUN_RULES.read(rules)  # causes before what they cause


def diagnose(run: Run, nan_origin: NaNOrigin | None = None) -> tuple[Finding, ...]:
    """What is wrong with the run, worst first; of equals, causes before what they cause."""
    view = RunView(run, nan_origin)
    with np.errstate(all="ignore"):  # what is not finite is a finding, and no warning
        seen = [(rule, RUN_RULES.evidence(view, code)) for code, rule in RUN_RULES.rules.items()]
    found = [Finding.of(rule, within(run, evidence)) for rule, evidence in seen if evidence]
    return tuple(sorted(found, key=lambda finding: SEVERITIES.index(finding.severity)))


def within(run: Run, evidence: Evidence) -> Evidence:
    """A fix that moves fields which this family does not have is advice in words only."""
    return evidence if evidence.changes.keys() <= run.settings.specs().keys() else replace(evidence, changes={})
