"""Loss subclasses of pasted code, without handing out an object: `self` is a record, the Keras loss is made by us."""

from collections.abc import Callable
from functools import partial
from types import FunctionType
from typing import Any

Members = dict[str, Any]  # what a class body defines: functions and constants


class Record:
    """What pasted code holds as `self`: fields by name, then what the class body defined, no attributes."""

    def __init__(self, loss: object, members: Members):
        self._loss, self._members = loss, members
        self._fields: dict[str, object] = {}

    def __getitem__(self, name: str) -> object:
        if name in self._fields:
            return self._fields[name]
        if name not in self._members:
            raise AttributeError(f"'{type(self._loss).__name__}' object has no attribute '{name}'")
        member = self._members[name]
        return partial(member, self) if isinstance(member, FunctionType) else member

    def __setitem__(self, name: str, value: object) -> None:
        self._fields[name] = value


def plain_arguments(function: Callable, *args: object, **kwargs: object) -> object:
    """Calls one of Keras' classes. A dictionary would be a configuration, and Keras builds what those name.

    Raises TypeError for one.
    """
    for value in (*args, *kwargs.values()):
        if isinstance(value, dict | Record):
            raise TypeError("a Keras loss takes numbers and names here, no dictionary")
    return function(*args, **kwargs)


def initialise(record: Record, *args: object, **kwargs: object) -> None:
    """`super().__init__(…)` in pasted code."""
    import keras

    loss = record._loss
    plain_arguments(partial(keras.losses.Loss.__init__, loss), *args, **kwargs)
    for name in ("name", "reduction", "dtype"):
        record[name] = getattr(loss, name)


def loss_class(name: str, members: Members) -> Callable:
    """A function that makes the real `keras.losses.Loss` whose `call` is the pasted one."""
    import keras

    def call(self, y_true, y_pred):
        return members["call"](self.record, y_true, y_pred)

    made: Any = type(name, (keras.losses.Loss,), {"call": call} if "call" in members else {})

    def make(*args: object, **kwargs: object) -> object:
        loss = made.__new__(made)
        loss.record = Record(loss, members)
        members.get("__init__", initialise)(loss.record, *args, **kwargs)
        return loss

    return make


NAMESPACE: dict[str, object] = {"<loss class>": loss_class, "<super>": initialise}
