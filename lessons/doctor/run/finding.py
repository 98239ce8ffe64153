"""What the doctor tells about a run: one thing found, where to look for it, and what repairs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from lessons.doctor.rule import Evidence, Rule
from lessons.recipe.plain import plain


@dataclass(frozen=True, eq=False)
class Finding:
    """One finding. `message`: a sentence with what was measured; `numbers`: the same for programs.

    `epochs`: the first and the last epoch, from 0, to shade in the curve. `cells`: what to outline in the heatmap of
    the gradient `at` the predictions or the inputs, (batch, time) bool; (batch, 1) for one label per sequence.
    `changes`: the fields of Settings whose change is the fix; where no field repairs it there are none.
    """

    code: str
    severity: str
    title: str
    message: str
    numbers: Mapping[str, Any]
    why: str
    fix: str
    lesson: str
    epochs: tuple[int, int] | None
    cells: np.ndarray | None
    changes: Mapping[str, Any]
    at: str = "predictions"

    @classmethod
    def of(cls, rule: Rule, evidence: Evidence) -> Finding:
        """What a rule found, with what the rule says of itself."""
        told = vars(rule) | vars(evidence) | {"fix": evidence.fix or rule.fix}
        return cls(**{each.name: told[each.name] for each in fields(cls)})

    def to_json(self) -> dict[str, Any]:
        """Plain values. Numbers that are not finite are None; `cells` is a list of rows of bool, or None."""
        return {"evidence" if name == "numbers" else name: plain(value) for name, value in vars(self).items()}
