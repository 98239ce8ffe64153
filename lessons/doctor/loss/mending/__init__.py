"""Mending a loss: edits of its text, each kept only if the examination of the mended text says that it helped.

What a mend may not do: bring a finding that was not there, or change the value at ordinary inputs, unless the value is
what was wrong. Nothing is shown that was not examined.
"""

from __future__ import annotations

import ast
import itertools
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lessons.doctor.loss.examination import look, subject_of
from lessons.doctor.loss.mending.edit import Edit, Impossible
from lessons.doctor.loss.mending.page import Page
from lessons.doctor.loss.mending.register import MENDS, Mend
from lessons.doctor.loss.rules import LOSS_RULES
from lessons.doctor.loss.subject import Subject
from lessons.doctor.usage import Usage
from lessons.recipe import modules
from lessons.recipe.bad_input import BadInput
from lessons.sandbox.admission import Refused, admit

modules.imported(sys.modules[__name__])  # its mends fill MENDS
EXAMINATIONS = 8  # whole ones, the first included
TRIALS = 24  # texts that are tried for one finding
SECONDS = 9.0  # of the processor; a job may have 20
SHOWN = 3
ALIKE = 0.01  # relative difference of values that are the same
ORDER = (  # what hides other findings comes first
    *("raises_in_fit", "no_gradient", "broadcast_bug", "wrong_sign", "drops_legit_zeros", "not_batch_safe"),
    *("log_of_zero", "graph_differs", "eps_underflow_fp16", "unbounded_below", "where_grad_nan", "exploding_gradient"),
    *("absent_label", "all_ignored", "wrong_activation"),
    *("nan_labels", "ignores_mask", "wrong_normalisation", "dead_region", "minimum_not_at_truth"),
)
CRASHES = ("raises_in_fit", "no_gradient")
OF_THE_VALUE = ("wrong_sign", "not_batch_safe", "broadcast_bug")  # findings whose mend has to change it
OF_MARKED_LABELS = {"drops_legit_zeros": 0.0}  # where only labels other than this keep their value


@dataclass(frozen=True)
class State:
    """A text with what was found in it."""

    text: str
    subject: Subject
    codes: frozenset[str]
    unprobed: int

    @property
    def ran(self) -> bool:
        return self.subject.crash is None and self.subject.never_run is None


def mend(text: str, function: str | None, options: Mapping[str, Any]) -> list[dict]:
    """The mended texts, the most mended first: {title, codes that went, text, left: codes that stay}."""
    try:
        declared = Usage.parse(options)
        name = function or admit(text).default
        budget = Budget()
        first = examined(text, function, declared, budget)
    except (Refused, BadInput):
        return []
    states, titles, hopeless = [first], [], set[str]()
    while budget.left and (code := next((c for c in ORDER if c in states[-1].codes - hopeless), None)):
        found = better(states[-1], code, function, name, declared, budget)
        if found is None:
            hopeless.add(code)
            continue
        title, state = found
        titles.append(title)
        states.append(state)
    steps = [version(first, state, titles[: i + 1]) for i, state in enumerate(states[1:])]
    return [step for step in steps[::-1] if step["codes"]][:SHOWN]


def version(first: State, state: State, titles: list[str]) -> dict:
    return {
        "title": "; ".join(dict.fromkeys(titles)),
        "codes": sorted(first.codes - state.codes),
        "text": state.text,
        "left": sorted(state.codes),
    }


class Budget:
    """What one mending may cost."""

    def __init__(self):
        self.examinations, self.until = EXAMINATIONS, time.process_time() + SECONDS

    @property
    def left(self) -> bool:
        return self.examinations > 0 and time.process_time() < self.until


def examined(text: str, function: str | None, usage: Usage, budget: Budget) -> State:
    """Raises Refused."""
    return judged(text, subject_of(admit(text), function, usage), budget)


def judged(text: str, subject: Subject, budget: Budget) -> State:
    budget.examinations -= 1
    findings, unprobed = look(subject)
    return State(text, subject, frozenset(finding["code"] for finding in findings), len(unprobed))


def better(
    state: State, code: str, function: str | None, name: str | None, declared: Usage, budget: Budget
) -> tuple[str, State] | None:
    """(title, state without that finding), from the first edits that do it."""
    usage = state.subject.usage
    page = Page(state.text, called(name), usage, lambda: ordinary_values(state.subject))
    for title, mends, text in itertools.islice(candidates(page, code), TRIALS):
        if not budget.left:
            return None
        try:
            # What crashed was never used in any way: only now can its usage be settled.
            subject = subject_of(admit(text), function, usage if state.ran else declared)
        except Refused:
            continue
        if subject.crash or subject.never_run or not helps(state, subject, code, mends):
            continue
        found = judged(text, subject, budget)
        if found.unprobed <= state.unprobed and (found.codes < state.codes or not state.ran):
            return title, found
    return None


def called(name: str | None) -> str | None:
    """`focal` for `focal(2.0)`."""
    node = ast.parse(name, mode="eval").body if name else None
    node = node.func if isinstance(node, ast.Call) else node
    return node.id if isinstance(node, ast.Name) else None


def helps(state: State, subject: Subject, code: str, mends: list[Mend]) -> bool:
    """Whether the finding is gone and the value is what it was."""
    try:
        return same_value(state, subject, code, mends) and LOSS_RULES.evidence(subject, code) is None
    except Exception:  # it fails on one of the batches
        return False


def candidates(page: Page, code: str) -> Iterator[tuple[str, list[Mend], str]]:
    """(title, mends, text): each mend alone, then those that may be needed together, then the late ones."""
    seen = {page.text}
    for chosen in combinations([mend for mend in MENDS if code in mend.codes], page):
        text = written(page, [edit for _, edits in chosen for edit in edits])
        if text not in seen:
            seen.add(text)
            mends = [mend for mend, _ in chosen]
            yield "; ".join(mend.title for mend in mends), mends, text


def combinations(mends: list[Mend], page: Page) -> Iterator[list[tuple[Mend, list[Edit]]]]:
    joint: list[tuple[Mend, list[Edit]]] = []
    for mend in mends:
        for edits in () if mend.late else alternatives(page, mend):
            yield [(mend, edits)]
            if mend.joint:
                joint.append((mend, edits))
    for count in range(2, len(joint) + 1):
        for chosen in itertools.combinations(joint, count):
            if len({mend.title for mend, _ in chosen}) == count:
                yield list(chosen)
    for mend in mends:
        for edits in alternatives(page, mend) if mend.late else ():
            yield [(mend, edits)]


def alternatives(page: Page, mend: Mend) -> Iterator[list[Edit]]:
    """The lists of edits of one mend that do anything."""
    try:
        yield from (edits for edits in mend.edits(page) if edits)
    except Impossible:
        return


def written(page: Page, edits: list[Edit]) -> str:
    """The edited text; the original where it cannot be done."""
    try:
        return page.applied(edits)
    except (Impossible, SyntaxError):
        return page.text


def ordinary_values(subject: Subject) -> list[float]:
    return [subject.value(*subject.draw()) for _ in range(3)]


def same_value(state: State, subject: Subject, code: str, mends: list[Mend]) -> bool:
    """Whether the loss is what it was at ordinary inputs, as far as the finding is not about the value itself."""
    if code in OF_THE_VALUE or any(mend.rescales for mend in mends):
        return True
    before = state.subject
    usage = subject.usage
    y, z = subject.draw()
    mark = OF_MARKED_LABELS.get(code, usage.padding)
    if isinstance(mark, float) and (y == mark).any():
        return True
    pairs = []
    for rows in (slice(None), *(slice(i, i + 1) for i in range(min(8, len(y))))):
        try:
            old = before.at(y[rows], z[rows]) if state.ran else before.eagerly(y[rows], z[rows])
        except Exception:  # it never ran: there is nothing to compare with
            return True
        live = code != "dead_region" or old.size.reshape(len(old.size), -1).any(axis=1).all()
        if live and np.isfinite(old.value):
            pairs.append((old.value, subject.value(y[rows], z[rows])))
    return bool(pairs) and all(abs(new - old) <= ALIKE * max(abs(old), 1e-3) for old, new in pairs)
