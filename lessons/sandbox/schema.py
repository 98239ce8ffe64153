"""What an answer has to look like. A walled process that was taken over may answer anything: no more reaches a page.

A form is a type, None, a set of texts of which it is one, a list with the form of its items, a dict with the form of
each key (“name?” may be missing), a tuple of forms of which it has one, or a function that says whether it fits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def answers(returned: Any, item: Callable[..., bool] | None = None, ends_process: bool = False) -> Callable[[Any], Any]:
    """Declare what a task of walled processes may answer, which `WalledPool` checks before it believes it.

    `returned`: the form of what the task returns. `item`: whether something can be the next item of a task that yields;
    called with the item, those before it and the task's arguments. Without it a task yields nothing. `ends_process`:
    whether a process does nothing after it, for the text that it ran could leave more behind than a loss can.
    """

    def declare(task: Any) -> Any:
        task.may_return = lambda answer: fits(answer, returned)
        task.may_yield = item or (lambda *_: False)
        task.ends_process = ends_process
        return task

    return declare


def fits(value: Any, form: Any) -> bool:
    """Whether a value has a form, as the module says; nothing is raised."""
    if isinstance(form, tuple):
        return any(fits(value, one) for one in form)
    if isinstance(form, list):
        return type(value) is list and all(fits(item, form[0]) for item in value)
    if isinstance(form, dict):
        forms = {name.removesuffix("?"): inner for name, inner in form.items()}
        wanted = {name for name in form if not name.endswith("?")}
        return (
            type(value) is dict
            and wanted <= value.keys() <= forms.keys()
            and all(fits(item, forms[name]) for name, item in value.items())
        )
    if isinstance(form, frozenset):
        return type(value) is str and value in form
    return type(value) is form if isinstance(form, type) else value is None if form is None else bool(form(value))


def empty(value: Any) -> bool:
    """Whether it is a list with nothing in it."""
    return type(value) is list and not value


def plain(value: Any) -> bool:
    """Numbers, texts and lists of them."""
    return fits(value, (None, bool, int, float, str, [plain]))


def plain_by_name(value: Any) -> bool:
    """A dict of plain values by texts."""
    return type(value) is dict and all(type(name) is str and plain(item) for name, item in value.items())


def texts_by_name(value: Any) -> bool:
    """A dict of texts by texts."""
    return type(value) is dict and all(type(part) is str for pair in value.items() for part in pair)


def by_name(value: Any) -> bool:
    """A dict by texts of plain values, lists of them, and dicts of these by texts."""
    return type(value) is dict and all(
        type(name) is str and (fits(item, (plain, plain_by_name))) for name, item in value.items()
    )


def array(value: Any, kinds: str, *shape: int) -> bool:
    """An array of this shape, whose numbers are of one of these kinds: i, f, …"""
    return isinstance(value, np.ndarray) and value.dtype.kind in kinds and value.shape == shape
