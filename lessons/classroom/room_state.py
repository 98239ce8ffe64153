"""What is known of a room at one moment. Needs no SQLAlchemy."""

from collections.abc import Mapping
from dataclasses import dataclass

from lessons.classroom.phase import BALLOTS, SHOWN, Phase
from lessons.classroom.steps import Step

# What an instructor may ask of learners for the gradebook, by the name under which the database has it.
ASKS = {"": "nothing", "number": "student number", "username": "user name", "email": "e-mail address"}
IDENTITY_LONGEST = 80
CASES = 20  # that are published in one room
NAME_LONGEST = 60  # letters of a case's name


@dataclass(frozen=True)
class Room:
    """What everybody in a room may know of it. `question` counts them; the lesson is empty before the first."""

    code: str
    watch: str  # a word to ask for news with
    expires: float
    slug: str
    preset: str  # its name; where the slug is OWN, the question itself
    question: int
    phase: Phase
    following: bool
    plan: str  # the presets in order, as an address says them; empty: none
    variation: int = 0  # which variation of the preset is asked about; 0: the preset itself
    closes: float = 0.0  # seconds since 1970 at which the open vote closes by itself; 0: it does not
    asks: str = ""  # one of ASKS
    cases: int = 0  # counts what was published in it and withdrawn

    @property
    def ballot(self) -> int | None:
        """Which vote is open."""
        return BALLOTS.get(self.phase)

    @property
    def revealed(self) -> bool:
        return self.phase == SHOWN

    @property
    def place(self) -> str:
        """Another one as soon as the room has moved: learners who follow go there."""
        return f"{self.question}:{self.phase}:{int(self.following)}:{self.asks}"

    @property
    def state(self) -> str:
        """Another one as soon as something has changed that learners see."""
        return f"{self.place}:{self.cases}"


@dataclass(frozen=True)
class OwnVote:
    """A member's own, in one ballot. `confidence`: how sure they said they are; empty where they said nothing."""

    answer: int
    confidence: str = ""


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


# --- all that happened in a room, for whoever teaches


@dataclass(frozen=True)
class Asked:
    """One question that was put before the room."""

    question: int
    slug: str
    preset: str  # as in Room
    variation: int
    at: float


@dataclass(frozen=True)
class Member:
    number: int
    nickname: str
    identity: str  # what they gave where the room asks for something; may be empty
    joined: float


@dataclass(frozen=True)
class Vote:
    """The last answer of a member in one ballot. `confidence`: one of CONFIDENCE, or empty."""

    member: int
    question: int
    ballot: int
    answer: int
    confidence: str
    at: float


@dataclass(frozen=True)
class Log:
    """A room as it stood at one moment. Everything in the order in which it happened.

    `ran`: by member and question, when the preset was run. `deeds`: of each member on lessons' own pages.
    """

    code: str
    plan: str
    asks: str
    asked: tuple[Asked, ...]
    members: tuple[Member, ...]
    votes: tuple[Vote, ...]
    ran: Mapping[tuple[int, int], float]
    deeds: Mapping[int, tuple[Step, ...]]
