"""What is known of a room at one moment. Needs no SQLAlchemy."""

from collections.abc import Mapping
from dataclasses import dataclass

from lessons.classroom.phase import BALLOTS, SHOWN, Phase


@dataclass(frozen=True)
class Room:
    """What everybody in a room may know of it. `question` counts them; the lesson is empty before the first."""

    code: str
    watch: str  # a word to ask for news with
    expires: float
    slug: str
    preset: str
    question: int
    phase: Phase
    following: bool
    plan: str  # the presets in order, as an address says them; empty: none

    @property
    def ballot(self) -> int | None:
        """Which vote is open."""
        return BALLOTS.get(self.phase)

    @property
    def revealed(self) -> bool:
        return self.phase == SHOWN

    @property
    def state(self) -> str:
        """Another one as soon as something has changed that learners see."""
        return f"{self.question}:{self.phase}:{int(self.following)}"


@dataclass(frozen=True)
class Counts:
    """How many, for everybody to see."""

    joined: int
    voted: int  # in the open ballot, or the last one
    done: int


@dataclass(frozen=True)
class Tally(Counts):
    """What only the instructor sees before the reveal. `votes`: by ballot, how many chose which answer."""

    votes: Mapping[int, Mapping[int, int]]
