"""What a measurement prints: one row for each figure, with its peer from the same run beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Row:
    """One figure. Where it has a peer, the aim is of their ratio, and else of the figure; without one it is a fact.

    `ahead`: the ratio says how many times less it is than its peer, and the aim how many at least.
    """

    what: str  # with its unit
    value: float
    peer: str = ""  # in the same unit
    beside: float | None = None  # how much the peer is
    aim: float | None = None
    ahead: bool = False

    @property
    def ratio(self) -> float | None:
        """To the peer; None where there is none."""
        if self.beside is None:
            return None
        return self.beside / self.value if self.ahead else self.value / self.beside

    @property
    def reached(self) -> bool | None:
        """Whether the aim is; None where there is none."""
        if self.aim is None:
            return None
        found = self.value if self.ratio is None else self.ratio
        return found >= self.aim if self.ahead else found <= self.aim

    @property
    def words(self) -> str:
        """As a line of a table: figure, peer, ratio, aim."""
        ratio, limit = self.ratio, "≥" if self.ahead else "≤"
        peer = f"{self.peer}: {self.beside:.3g}" if self.beside is not None else ""
        times = "" if ratio is None else f"{ratio:.3g} ×"
        mark = {None: "", True: "  reached", False: "  not reached"}[self.reached]
        aim = "" if self.aim is None else f"{limit} {self.aim:g}{mark}"
        return f"{self.what:62} {self.value:>9.3g}   {peer:52} {times:>9}  {aim}".rstrip()


@dataclass(frozen=True)
class Missing:
    """What could not be measured, and why."""

    what: str
    why: str

    @property
    def words(self) -> str:
        return f"{self.what}: not measured: {self.why}"


def shown(rows: Iterable[Row | Missing], as_json: bool) -> None:
    """Print them as they come, or at the end as one line of JSON, which `read` takes."""
    if as_json:
        print(json.dumps([asdict(row) for row in rows]))
        return
    for row in rows:
        print(row.words, flush=True)


def read(line: str) -> list[Row | Missing]:
    """The rows of a line that `shown` has printed."""
    return [Missing(**row) if "why" in row else Row(**row) for row in json.loads(line)]
