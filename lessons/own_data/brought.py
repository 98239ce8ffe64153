"""Brought: a file that a learner has brought, with the roles as guessed or said, and the table that they make."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from lessons.own_data.building import Built, built
from lessons.own_data.joined import joined
from lessons.own_data.reading import read
from lessons.own_data.roles import Roles, guess
from lessons.own_data.sheet import Sheet
from lessons.own_data.turning import turned
from lessons.recipe.bad_input import BadInput
from lessons.recipe.table import Table


@dataclass(frozen=True, eq=False)
class Brought:
    """Its file is read once: other roles are other tables of the same sheet. All that it raises is BadInput."""

    name: str
    file: Sheet  # as it was read
    given: Mapping[str, Any] = field(default_factory=dict)  # roles as they were said; the others are guessed
    turn: bool = True  # a table with a column per time is turned, where it is one

    @classmethod
    def parse(cls, data: bytes, name: str, given: Mapping[str, Any] | None = None) -> Brought:
        """Read here and now: a file that can be trusted, or in a process of its own."""
        return cls(name, read(data), dict(given or {}))

    @cached_property
    def across(self) -> Sheet:
        """The file with its columns turned to rows, or the file itself where it has no column per time."""
        return turned(self.file)

    @cached_property
    def sheet(self) -> Sheet:
        """What the roles are of."""
        return joined(self.across if self.turn else self.file)

    @cached_property
    def roles(self) -> Roles:
        """As said, else as guessed. Raises BadInput."""
        return guess(self.sheet, self.given)

    @cached_property
    def outcome(self) -> Built | BadInput:
        """The table and what was done on the way, or why there is none: found out once, for it may take a second."""
        try:
            return built(self.sheet, self.roles, self.name)
        except BadInput as problem:
            return problem

    @property
    def problem(self) -> str:
        """Why there is no table, with what to do; empty where there is one."""
        return str(self.outcome) if isinstance(self.outcome, BadInput) else ""

    @property
    def built(self) -> Built:
        """The table and what was done on the way. Raises BadInput."""
        if isinstance(self.outcome, BadInput):
            raise self.outcome
        return self.outcome

    @cached_property
    def shown_roles(self) -> Roles:
        """The roles; where those that were said cannot be, what is guessed without them."""
        for given in (self.given, {}):
            with suppress(BadInput):
                return guess(self.sheet, given)
        return Roles(self.sheet.names[0], self.sheet.names[:1])

    @property
    def table(self) -> Table:
        """What a run takes. Raises BadInput."""
        return self.built.table

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out or made, in sentences. Raises BadInput."""
        return (*self.sheet.notes, *self.built.notes)

    def with_roles(self, **said: Any) -> Brought:
        """The same file with these roles, too."""
        return Brought(self.name, self.file, {**self.given, **said}, self.turn)
