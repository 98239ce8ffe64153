"""Classes of pasted code, without handing out an object: `self` is a record, the Keras loss is made by us."""

from collections.abc import Callable
from functools import partial
from types import FunctionType
from typing import Any

from lessons.sandbox.admission import guards, vocabulary

Members = dict[str, Any]  # what a class body defines: functions, Static ones and constants


class Static:
    """A method without `self`."""

    def __init__(self, function: Callable):
        self.function = function


class Record:
    """What pasted code holds as an object of its own: fields by name, then what the class body defined, no attributes.

    Of a subclass of keras.losses.Loss it is only `self`; the loss itself is Keras'.
    """

    def __init__(self, name: str, members: Members, made: object = None):
        self._name, self._members, self._object = name, members, made
        self._fields: dict[str, object] = {}

    def __getitem__(self, name: str) -> object:
        if name in self._fields:
            return self._fields[name]
        if name not in self._members:
            raise AttributeError(f"'{self._name}' object has no attribute '{name}'")
        member = self._members[name]
        if isinstance(member, Static):
            return member.function
        return partial(member, self) if isinstance(member, FunctionType) else member

    def __setitem__(self, name: str, value: object) -> None:
        self._fields[name] = value


class CallableRecord(Record):
    """The same of a plain class that defines `__call__`."""

    def __call__(self, *args: object, **kwargs: object) -> object:
        return self["__call__"](*args, **kwargs)  # type: ignore[operator]


class Made:
    """What every Keras loss of a pasted class is as well. `record` is its `self`."""

    record: Record


class Maker:
    """A pasted class as a value: called, it makes an object of it. `make` takes a record's arguments."""

    def __init__(self, members: Members, make: Callable):
        self._members, self._make = members, make

    def __call__(self, *args: object, **kwargs: object) -> object:
        return self._make(*args, **kwargs)

    def __getitem__(self, name: str) -> object:
        if name not in self._members:
            raise AttributeError(f"type object has no attribute '{name}'")
        member = self._members[name]
        return member.function if isinstance(member, Static) else member


def field(name: str, value: object) -> object:
    """`value.name`, for a name that a class of the text defines: of such a class and its objects, else as `read`.

    Raises AttributeError.
    """
    if isinstance(value, Made):
        value = value.record
    return value[name] if isinstance(value, Record | Maker) else guards.read(name, value)


def plain_arguments(function: Callable, *args: object, **kwargs: object) -> object:
    """Calls one of Keras' classes. A dictionary would be a configuration, and Keras builds what those name.

    Raises TypeError for one.
    """
    for value in (*args, *kwargs.values()):
        if isinstance(value, dict | Record | Maker):
            raise TypeError("a Keras loss takes numbers and names here, no dictionary")
    return function(*args, **kwargs)


def initialise(record: Record, *args: object, **kwargs: object) -> None:
    """`super().__init__(…)` in pasted code. Raises TypeError for arguments that the base takes none of."""
    loss: Any = record._object
    if loss is None:  # a plain class
        if args or kwargs:
            raise TypeError(f"{record._name}() takes no arguments")
        return
    base: Any = type(loss).__mro__[2]  # behind the class itself and Made
    plain_arguments(partial(base.__init__, loss), *args, **kwargs)
    for name, value in vars(loss).items():
        if isinstance(value, int | float | str) and not name.startswith("_"):
            record[name] = value
    record["dtype"] = loss.dtype


def inherited(record: Record, name: str, *args: object, **kwargs: object) -> object:
    """`super().call(…)` and `super().__call__(…)` in pasted code. Raises AttributeError in a plain class."""
    loss: Any = record._object
    if loss is None:
        raise AttributeError(f"'super' object has no attribute '{name}'")
    base: Any = type(loss).__mro__[2]
    return getattr(base, name)(loss, *args, **kwargs)


def loss_class(name: str, members: Members, path: str) -> Maker:
    """A maker of the real subclass of Keras' class `path` whose `call` is the pasted one."""
    base: Any = vocabulary.resolve(path)

    def method(called: str) -> Callable:
        return lambda self, *args, **kwargs: self.record[called](*args, **kwargs)

    made: Any = type(
        name, (Made, base), {called: method(called) for called in ("call", "__call__") if called in members}
    )

    def make(*args: object, **kwargs: object) -> object:
        loss = made.__new__(made)
        loss.record = Record(name, members, loss)
        members.get("__init__", initialise)(loss.record, *args, **kwargs)
        return loss

    return Maker(members, make)


def plain_class(name: str, members: Members) -> Maker:
    """A maker of records."""

    def make(*args: object, **kwargs: object) -> Record:
        record = (CallableRecord if "__call__" in members else Record)(name, members)
        members.get("__init__", initialise)(record, *args, **kwargs)
        return record

    return Maker(members, make)


NAMESPACE: dict[str, object] = {
    "<loss class>": loss_class,
    "<plain class>": plain_class,
    "<static>": Static,
    "<field>": field,
    "<super>": initialise,
    "<inherited>": inherited,
}
