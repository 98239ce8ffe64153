"""A session plan: presets across lessons, and questions of one's own, in the order of a class, as one link says it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from lessons.classroom.own_question import OWN, Item, OwnQuestion
from lessons.classroom.posed import posed_of
from lessons.course.discovery import LESSONS
from lessons.recipe.bad_input import BadInput

LONGEST = 30  # items; more than a day of teaching, and the link still fits into a chat
INTRODUCTION = 3  # minutes that a lesson's first item takes for its question and the padded batch
# Minutes of each phase of the cycle. Crouch and Mazur (2001) give a question 5 to 10; a run and its charts come on top.
PACE = {"vote": 2, "discuss": 3, "revote": 1, "run": 2, "reveal": 4}

FORMAT = "unmasked plan 1"  # by which a file is known
LARGEST = 100_000  # bytes of a file


@dataclass(frozen=True)
class Agenda:
    """Each preset once at most, so that what comes after it has one meaning. Raises BadInput.

    An item is a slug and the name of a preset, or OWN and what `OwnQuestion.name` says.
    """

    items: tuple[Item, ...] = field(default=())

    def __post_init__(self):
        if len(self.items) > LONGEST:
            raise BadInput(f"steps: got {len(self.items)} of them; a plan has up to {LONGEST}.")
        for place, item in enumerate(self.items):
            question = posed_of(item)
            if item in self.items[:place]:
                named = question.label if question.own else item_text(item)
                raise BadInput(f"steps: got “{named}” twice; a plan has each question once.")

    @classmethod
    def kept(cls, text: str) -> tuple[Agenda, str]:
        """What can be read of `slug:preset,slug:preset`, and one sentence about the rest; none where all could."""
        return cls.gathered(parts_of(text))

    @classmethod
    def gathered(cls, given: Iterable[object]) -> tuple[Agenda, str]:
        """What can be read, in order, and one sentence about the first that cannot."""
        agenda, problems = cls(), []
        for part in given:
            try:
                agenda = agenda.adding(item_of(part) if isinstance(part, str) else own_item(part))
            except BadInput as problem:
                problems.append(str(problem))
                if len(agenda.items) == LONGEST:
                    break
        return agenda, problems[0] if problems else ""

    @classmethod
    def from_file(cls, given: bytes) -> tuple[Agenda, str]:
        """What can be read of a file that `file` has made, and one sentence about the rest. Raises BadInput.

        A course changes from one year to the next: what it has no more is told, and the rest is taken.
        """
        refused = BadInput(f"plan: takes a file that “Save” has made, of up to {LARGEST} bytes.")
        if len(given) > LARGEST:
            raise refused
        try:
            found = json.loads(given)
        except (ValueError, RecursionError):  # no JSON, no text, or nested without end
            raise refused from None
        steps = found.get("steps") if isinstance(found, dict) else None
        if (
            not isinstance(steps, list)
            or found.get("format") != FORMAT
            or not all(isinstance(one, str | dict) for one in steps)
        ):
            raise refused
        return cls.gathered(steps)

    @property
    def file(self) -> str:
        """As a file to keep for next year; a person can read it, and change it."""
        steps = [OwnQuestion.named(name).plain if slug == OWN else f"{slug}:{name}" for slug, name in self.items]
        return json.dumps({"format": FORMAT, "steps": steps}, indent=1, ensure_ascii=False) + "\n"

    @property
    def address(self) -> str:
        return ",".join(item_text(item) for item in self.items)

    @property
    def minutes(self) -> int:
        """What it takes in class, each lesson introduced once."""
        return len(self.items) * sum(PACE.values()) + len({slug for slug, _ in self.items} - {OWN}) * INTRODUCTION

    def after(self, item: Item) -> Item | None:
        """The one that follows; the first where the item is not in the plan."""
        return next(iter(self.items[self._place(item) + 1 :]), None)

    def before(self, item: Item) -> Item | None:
        """The one in front of it; none where the item is not in the plan."""
        place = self._place(item)
        return self.items[place - 1] if place > 0 else None

    def adding(self, *items: Item, after: Item | None = None) -> Agenda:
        """At the end; or behind `after`, where the plan has it."""
        place = self._place(after) + 1 if after in self.items else len(self.items)
        return Agenda((*self.items[:place], *items, *self.items[place:]))

    def without(self, item: Item) -> Agenda:
        return Agenda(tuple(kept for kept in self.items if kept != item))

    def moved(self, item: Item, by: int) -> Agenda:
        """The item earlier or later; at either end it stays."""
        rest = [other for other in self.items if other != item]
        if item in self.items:
            rest.insert(max(0, self._place(item) + by), item)
        return Agenda(tuple(rest))

    def _place(self, item: Item) -> int:
        """-1 where it is not in the plan."""
        return self.items.index(item) if item in self.items else -1


def parts_of(text: str) -> list[str]:
    """Each on one line, whatever was typed: it may be told in a sentence."""
    return [part for part in (" ".join(given.split()) for given in text.split(",")) if part]


def item_text(item: Item) -> str:
    slug, name = item
    return f"{slug}:{OwnQuestion.named(name).packed if slug == OWN else name}"


def own_item(told: object) -> Item:
    """Of a question of one's own, as a file has it. Raises BadInput."""
    return OWN, OwnQuestion.of(told).name


def item_of(part: str) -> Item:
    """Raises BadInput."""
    slug, colon, name = " ".join(part.split()).partition(":")
    if colon and slug == OWN:
        return OWN, OwnQuestion.unpacked(name).name
    if not colon or slug not in LESSONS:
        raise BadInput(f"steps: got “{part[:40]}”; takes LESSON:PRESET, and the lessons are {', '.join(LESSONS)}.")
    LESSONS[slug].preset(name)
    return slug, name
