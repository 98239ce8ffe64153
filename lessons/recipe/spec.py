"""How a field of Settings is declared: what it takes, how it is parsed, shown and refused."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

from lessons.recipe import losses, numeral
from lessons.recipe.bad_input import BadInput
from lessons.recipe.words import shortened

Stops = tuple[float, ...]  # of a widget


@dataclass(frozen=True)
class Spec:
    """What one field takes and how it is shown. `retraces`: another value needs another traced graph."""

    label: str
    help: str
    retraces: bool

    def parse(self, name: str, given: Any) -> Any:
        """The value meant by `given` (text or number). Raises BadInput."""
        raise NotImplementedError

    def refuse(self, name: str, given: Any) -> BadInput:
        """What is raised for a value that the field does not take: the name, what was given, what is taken."""
        shown = given if isinstance(given, str) else repr(given)
        return BadInput(f"{name}: got “{shortened(shown)}”; takes {self.takes}.")

    @property
    def takes(self) -> str:
        """What the field accepts, in words that follow “takes”."""
        raise NotImplementedError

    def said(self, value: Any) -> str:
        """A value as the control says it."""
        raise NotImplementedError


@dataclass(frozen=True)
class Number(Spec):
    """A number in [low, high]; `offered` are the stops of its widget, any other value in range is accepted too."""

    whole: bool
    low: float
    high: float
    offered: Stops = ()

    @property
    def takes(self) -> str:
        """Its range, in words."""
        return f"a {'whole number' if self.whole else 'number'} from {self.low:g} to {self.high:g}"

    def parse(self, name: str, given: Any) -> int | float:
        """The number meant by `given`, an int where the field takes whole ones. Raises BadInput."""
        if isinstance(given, bool) or not isinstance(given, str | Real):
            raise self.refuse(name, given)
        try:
            value = numeral.number(given) if isinstance(given, str) else float(given)
        except (ValueError, OverflowError):
            raise self.refuse(name, given) from None
        if not math.isfinite(value) or not self.low <= value <= self.high or (self.whole and value % 1):
            raise self.refuse(name, given)
        return int(value) if self.whole else value

    def said(self, value: float) -> str:
        """Up to six significant digits, the unit left out."""
        return f"{value:g}"


@dataclass(frozen=True)
class Choice(Spec):
    """One of a few named values; `options` maps each to its label."""

    options: Mapping[str, str]

    @property
    def takes(self) -> str:
        """Its options, in words."""
        return "one of " + ", ".join(self.options)

    def parse(self, name: str, given: Any) -> str:
        """`given`, where it is one of the options. Raises BadInput."""
        if not isinstance(given, str) or given not in self.options:
            raise self.refuse(name, given)
        return given

    def said(self, value: str) -> str:
        """The label of an option. Raises KeyError for a value that is none."""
        return self.options[value]


@dataclass(frozen=True)
class LossName(Choice):
    """A loss of lessons/recipe/losses.py, or `<slug>.<function>` of a lesson file."""

    def parse(self, name: str, given: Any) -> str:
        """`given`, where a loss has that name. Raises BadInput."""
        if not isinstance(given, str) or not losses.exists(given):
            raise self.refuse(name, given)
        return given

    def said(self, value: str) -> str:
        """The label of the loss: its docstring's first line. Raises KeyError for a name that none has."""
        return losses.label(value)


def whole(
    default: int, low: int, high: int, label: str, help: str, retraces: bool = False, offered: tuple[int, ...] = ()
) -> int:
    """A field of a dataclass of settings that takes a whole number from low to high."""
    return field(default=default, metadata={"spec": Number(label, help, retraces, True, low, high, offered)})


def number(
    default: float, low: float, high: float, label: str, help: str, retraces: bool = False, offered: Stops = ()
) -> float:
    """A field that takes a number from low to high."""
    return field(default=default, metadata={"spec": Number(label, help, retraces, False, low, high, offered)})


def choice(
    default: str,
    options: Mapping[str, str] | tuple[str, ...],
    label: str,
    help: str,
    retraces: bool = False,
    kind: type[Choice] = Choice,
) -> str:
    """A field that takes one of the options, value → label; a tuple where each value is its own label."""
    labels = options if isinstance(options, Mapping) else {name: name for name in options}
    return field(default=default, metadata={"spec": kind(label, help, retraces, labels)})
