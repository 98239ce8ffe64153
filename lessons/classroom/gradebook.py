"""What each learner of a room did, as a CSV: to look at, or as Moodle and Canvas import it.

Who gave the same name for the gradebook from two devices is one row: of their votes in one ballot the last counts.

Canvas takes a column for a grade where it stands behind Section, and its maximum from the row “Points Possible”; it
finds a learner by SIS User ID, then by SIS Login ID, then by the name in the first column. Moodle asks which column is
which, and its own files call those that name a learner as ours do; a new grade item of its has a maximum of 100, and an
empty cell is a 0 there. So a column in which nothing could be reached is left out of both.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from lessons.classroom.agenda import Agenda
from lessons.classroom.course_map import passed
from lessons.classroom.csv_text import csv_text, harmless
from lessons.classroom.own_question import OWN
from lessons.classroom.posed import posed
from lessons.classroom.room_state import ASKS, Asked, Log, Member
from lessons.course.discovery import LESSONS
from lessons.recipe.bad_input import BadInput

FORMS = {"table": "a table", "moodle": "for Moodle", "canvas": "for Canvas"}
MOODLE = {"number": "ID number", "username": "Username", "email": "Email address"}
CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
MAXIMA = "Points Possible"  # Canvas takes a row for that of the maxima whose first cell has these words
SCORES = ("voted", "right first", "right second", "ran", "exercises passed")
DECIMALS = (0, 1, 2)

Item = tuple[str, str, int]  # slug, preset, variation
Outcomes = Mapping[Item, int | None]  # which answer came true; None: the run cannot say; missing: not known yet


@dataclass(frozen=True)
class Form:
    """How a gradebook is written. Raises BadInput. `plan`: of the questions of the room's plan only, in its order."""

    form: str = "table"
    percent: bool = False
    decimals: int = 0
    plan: bool = False

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise BadInput(f"form: got “{self.form[:40]}”; takes {', '.join(FORMS)}.")
        if self.decimals not in DECIMALS:
            raise BadInput(f"decimals: got {self.decimals}; takes {', '.join(map(str, DECIMALS))}.")

    def number(self, value: float) -> str:
        """Half is rounded up, as teachers do."""
        return str(Decimal(str(value)).quantize(Decimal(1).scaleb(-self.decimals), ROUND_HALF_UP))

    def score(self, points: int, of: int) -> str:
        """Empty where there was nothing to reach."""
        if not of:
            return ""
        return self.number(100 * points / of) if self.percent else str(points)


@dataclass(frozen=True)
class Learner:
    """One row: a member, or all members who gave the same name for the gradebook."""

    name: str
    identity: str
    joined: float
    last: float  # when they did something for the last time
    right: Mapping[tuple[int, int], bool | None]  # by question and ballot, of each vote; None: nobody knows
    ran: frozenset[int]  # questions
    exercises: frozenset[tuple[str, str]]  # slug, name

    @property
    def known(self) -> bool:
        """Whether another system can be told who it is: to PHP, and so to Moodle, a “0” is as good as nothing."""
        return self.identity not in ("", "0")

    def scores(self, questions: Iterable[Asked]) -> tuple[int, ...]:
        """As SCORES names them, of these questions."""
        asked = {one.question: one for one in questions}
        slugs = {one.slug for one in asked.values()}
        return (
            len({question for question, _ in self.right} & set(asked)),
            *(sum(self.right.get((one, ballot)) is True for one in asked) for ballot in (1, 2)),
            len(self.ran & set(asked)),
            sum(slug in slugs for slug, _ in self.exercises),
        )


def item(one: Asked) -> Item:
    return one.slug, one.preset, one.variation


def questions(log: Log, form: Form) -> list[Asked]:
    """Those that count. What a plan has and nobody was asked is nothing to be graded on."""
    if not form.plan:
        return list(log.asked)
    agenda, _ = Agenda.kept(log.plan)
    last = {(one.slug, one.preset): one for one in log.asked if not one.variation}
    return [last[place] for place in agenda.items if place in last]


def learners(log: Log, outcomes: Outcomes) -> list[Learner]:
    """In the order in which they joined."""
    groups: dict[str, list[Member]] = defaultdict(list)
    for member in log.members:
        groups[member.identity.casefold() or f"\n{member.number}"].append(member)
    return [learner(log, outcomes, group) for group in groups.values()]


def learner(log: Log, outcomes: Outcomes, members: list[Member]) -> Learner:
    first, mine = members[0], {member.number for member in members}
    votes = [vote for vote in log.votes if vote.member in mine]
    asked = {one.question: one for one in log.asked}
    right: dict[tuple[int, int], bool | None] = {}
    for vote in votes:  # the last one stays
        true = outcomes.get(item(asked[vote.question])) if vote.question in asked else None
        right[vote.question, vote.ballot] = None if true is None else vote.answer == true
    ran = {question: at for (member, question), at in log.ran.items() if member in mine}
    deeds = [step for number in mine for step in log.deeds.get(number, ())]
    times = [first.joined, *(vote.at for vote in votes), *ran.values(), *(step.at for step in deeds)]
    name = next((member.nickname for member in members if member.nickname), f"learner {first.number}")
    return Learner(name, first.identity, first.joined, max(times), right, frozenset(ran), frozenset(passed(deeds)))


def most(log: Log, outcomes: Outcomes, asked: list[Asked]) -> tuple[int, ...]:
    """What could be reached, as SCORES names it. A ballot that was not held, or whose answer nobody knows, is none."""
    held = {(vote.question, vote.ballot) for vote in log.votes}
    known = [one.question for one in asked if outcomes.get(item(one)) is not None]
    exercises = sum(len(LESSONS[slug].exercises) for slug in {one.slug for one in asked} if slug in LESSONS)
    return len(asked), *(sum((one, ballot) in held for one in known) for ballot in (1, 2)), len(asked), exercises


def gradebook(log: Log, outcomes: Outcomes, form: Form) -> str:
    """As CSV. Raises BadInput where Moodle or Canvas could not tell whose rows they are, or what of."""
    asked = questions(log, form)
    rows, reached = learners(log, outcomes), most(log, outcomes, asked)
    if form.form == "table":
        return csv_text(table(log, rows, asked, reached, form))
    if not log.asks:
        raise BadInput(f"gradebook: {form.form} needs to know who is who; ask learners for their number or name first.")
    if not asked:
        raise BadInput(f"gradebook: nothing that counts has been asked yet, and {form.form} takes no empty one.")
    named = [row for row in rows if row.known]
    write = moodle if form.form == "moodle" else canvas
    return csv_text(write(log, named, asked, reached, form))


def cells(row: Learner, asked: list[Asked], reached: tuple[int, ...], form: Form) -> list[str]:
    return [form.score(points, of) for points, of in zip(row.scores(asked), reached, strict=True)]


def table(log: Log, rows: list[Learner], asked: list[Asked], reached: tuple[int, ...], form: Form) -> list[list[str]]:
    """All that is known of each learner; then each question, 1 for right and 0 for wrong."""
    unit = " %" if form.percent else ""
    head = ["learner", *([ASKS[log.asks]] if log.asks else []), "joined (UTC)", "minutes"]
    head += [f"{name}{unit or f' of {of}'}" for name, of in zip(SCORES, reached, strict=True)]
    for place, one in enumerate(asked, 1):
        called = f"{place}. {short(one)}"
        head += [f"{called}: first", f"{called}: second", f"{called}: ran"]
    sheet = [head]
    for row in rows:
        identity = [harmless(row.identity)] if log.asks else []
        joined = time.strftime("%Y-%m-%d %H:%M", time.gmtime(row.joined))
        line = [harmless(row.name), *identity, joined, form.number((row.last - row.joined) / 60)]
        line += cells(row, asked, reached, form)
        for one in asked:
            given = (row.right.get((one.question, ballot)) for ballot in (1, 2))
            line += ["" if right is None else str(int(right)) for right in given]
            line.append(str(int(one.question in row.ran)))
        sheet.append(line)
    return sheet


def short(one: Asked) -> str:
    """What a question is called in the head of a column. It may be one that the course has no more."""
    if one.slug == OWN:
        return posed(one.slug, one.preset).label
    return f"{one.slug} {one.preset}{' variation' * bool(one.variation)}"


def titles(log: Log, reached: tuple[int, ...]) -> list[str]:
    """Of the columns in a course that may have several of our rooms."""
    return [f"Unmasked {log.code}: {name}" for name, of in zip(SCORES, reached, strict=True) if of]


def grades(row: Learner, asked: list[Asked], reached: tuple[int, ...], form: Form) -> list[str]:
    """What stands below `titles`."""
    return [cell for cell, of in zip(cells(row, asked, reached, form), reached, strict=True) if of]


def moodle(log: Log, rows: list[Learner], asked: list[Asked], reached: tuple[int, ...], form: Form) -> list[list[str]]:
    head = [MOODLE[log.asks], *titles(log, reached)]
    return [head, *([row.identity, *grades(row, asked, reached, form)] for row in rows)]


def canvas(log: Log, rows: list[Learner], asked: list[Asked], reached: tuple[int, ...], form: Form) -> list[list[str]]:
    possible = ["100" if form.percent else str(of) for of in reached if of]
    sheet = [[*CANVAS, *titles(log, reached)], [f"    {MAXIMA}", "", "", "", "", *possible]]
    for row in rows:
        known = (row.identity, "") if log.asks == "number" else ("", row.identity)
        sheet.append([shown(row), "", *known, "", *grades(row, asked, reached, form)])
    return sheet


def shown(row: Learner) -> str:
    """What a teacher sees where Canvas does not know a learner. Nobody else has this name, and no row of maxima."""
    return harmless(f"{row.name.replace(MAXIMA, MAXIMA.lower())} ({row.identity})")
