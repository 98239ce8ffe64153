"""The mends: functions that say what can be tried for a finding."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lessons.doctor.loss.mending.edit import Edit
from lessons.doctor.loss.mending.page import Page


@dataclass(frozen=True)
class Mend:
    """`edits` makes alternatives from a Page, each a list of Edits. `joint`: it may be needed together with others.

    `rescales`: it changes what the numbers mean, so that the values before and after cannot be compared. `late`: it is
    tried when nothing else helped.
    """

    title: str
    codes: tuple[str, ...]
    edits: Callable[[Page], Iterable[list[Edit]]]
    joint: bool
    rescales: bool
    late: bool


MENDS: list[Mend] = []


def mend_for(*codes: str, title: str, joint: bool = False, rescales: bool = False, late: bool = False) -> Callable:
    """Decorator: the function is what can be tried for these findings, in the order in which it was written."""

    def add(edits: Callable) -> Callable:
        MENDS.append(Mend(title, codes, edits, joint, rescales, late))
        return edits

    return add
