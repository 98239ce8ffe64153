"""One thing to try on a run, and how many are told."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

MOST = 3  # more is a list, and nobody tries a list


@dataclass(frozen=True)
class NextStep:
    """Set `field` to `value` and run again; `says` is what to look for."""

    field: str
    value: Any
    says: str


def few(steps: Iterable[NextStep]) -> tuple[NextStep, ...]:
    """At most MOST, other fields before other values. No more are asked for: each is tried on the recipe first."""
    of_field: dict[str, NextStep] = {}
    others: dict[NextStep, None] = {}
    for step in steps:
        if of_field.setdefault(step.field, step) != step:
            others[step] = None
        if len(of_field) == MOST:
            break
    return (*of_field.values(), *others)[:MOST]
