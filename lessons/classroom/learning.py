"""Did they learn? What a room's votes say before the discussion, after it, and on the variation of a question.

The normalised gain is the share of what could be gained that was: (after - before) / (1 - before), of the same learners
(Hake, Am. J. Phys. 66 (1998) 64). Its interval is the middle 95 % of what it comes to when learners are drawn again
with replacement: questions of one learner stay together.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from lessons.classroom import paper
from lessons.classroom.course_map import last_records, observed
from lessons.classroom.gradebook import Outcomes, item
from lessons.classroom.own_question import OWN
from lessons.classroom.posed import answers_of, posed
from lessons.classroom.record import Tally
from lessons.classroom.room_state import Asked, Log, Vote
from lessons.course.discovery import LESSONS
from lessons.course.lesson import CONFIDENCE, Answer
from lessons.recipe.bad_input import BadInput

FEWEST = 10  # learners for an interval: of fewer, drawing again says little
DRAWS = 2000
MIDDLE = (2.5, 97.5)  # percent

Pair = tuple[bool, bool]  # right before, right after


@dataclass(frozen=True)
class Change:
    """The same learners before and after, and how many questions each answered twice."""

    pairs: tuple[tuple[int, Pair], ...] = ()  # learner's number, and one pair for each question

    @property
    def learners(self) -> int:
        return len({number for number, _ in self.pairs})

    @property
    def before(self) -> Tally:
        return Tally(sum(first for _, (first, _) in self.pairs), len(self.pairs))

    @property
    def after(self) -> Tally:
        return Tally(sum(second for _, (_, second) in self.pairs), len(self.pairs))

    @property
    def found(self) -> int:
        """How many went from wrong to right."""
        return sum(second and not first for _, (first, second) in self.pairs)

    @property
    def lost(self) -> int:
        return sum(first and not second for _, (first, second) in self.pairs)

    @property
    def gain(self) -> float | None:
        """None without pairs, and where all were right before."""
        before, after = self.before.share, self.after.share
        return None if before is None or after is None or before == 1 else (after - before) / (1 - before)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Of the gain; None where there is none, or with fewer than FEWEST learners."""
        if self.gain is None or self.learners < FEWEST:
            return None
        places = {number: place for place, number in enumerate(sorted({number for number, _ in self.pairs}))}
        sums = np.zeros((len(places), 3))  # of each learner: right before, right after, pairs
        for number, (first, second) in self.pairs:
            sums[places[number]] += first, second, 1
        drawn = np.random.default_rng(0).integers(len(places), size=(DRAWS, len(places)))
        before, after, count = sums[drawn].sum(axis=1).T  # each (draws,)
        could = count > before  # a draw in which all were right before has no gain
        gains = (after - before)[could] / (count - before)[could]
        low, high = np.percentile(gains, MIDDLE)
        return float(low), float(high)

    def __add__(self, other: Change) -> Change:
        return Change(self.pairs + other.pairs)


@dataclass(frozen=True)
class Belief:
    """A wrong answer of the last vote."""

    text: str
    belief: str  # the misconception behind it
    last: int  # who chose it in the last vote
    kept: int  # of those, who had chosen it in the first vote too


@dataclass(frozen=True)
class Question:
    """One question of the session. `true`: the answer's text; empty where nobody knows."""

    number: int
    title: str
    label: str
    true: str
    first: Tally
    second: Tally
    change: Change
    beliefs: tuple[Belief, ...] = ()
    votes: int = 0


@dataclass(frozen=True)
class Report:
    """`calibration`: by how sure they said they were, in the first vote, in the second, and on lessons' pages."""

    questions: tuple[Question, ...]
    learners: int
    calibration: dict[str, tuple[Tally, Tally, Tally]]
    posttest: Change  # the first vote on a question, and the first vote on its variation
    twins: Tally  # variations that learners asked themselves for on lessons' pages
    unknown: int = 0  # questions whose answer is not known yet
    change: Change = field(default_factory=Change)

    @property
    def stayed(self) -> list[tuple[Question, Belief]]:
        """Misconceptions that somebody had in the first vote and still in the last, the most frequent first."""
        found = [(question, belief) for question in self.questions for belief in question.beliefs if belief.kept]
        return sorted(found, key=lambda one: -one[1].kept)


def report(log: Log, outcomes: Outcomes) -> Report:
    questions = tuple(question(log, outcomes, one) for one in log.asked)
    return Report(
        questions,
        len(log.members),
        {word: calibration(log, outcomes, word) for word in CONFIDENCE},
        posttest(log, outcomes),
        tally(told for steps in log.deeds.values() for told in last_records(steps, "twin").values()),
        sum(item(one) not in outcomes for one in log.asked),
        sum((one.change for one in questions), Change()),
    )


def question(log: Log, outcomes: Outcomes, one: Asked) -> Question:
    true = outcomes.get(item(one))
    ballots = [cast(log, one.question, ballot) for ballot in (1, 2)]
    title, label, answers = words(one)
    rights = [Tally() if true is None else Tally(right(votes, true), len(votes)) for votes in ballots]
    return Question(
        one.question,
        title,
        label,
        answers[true].text if true is not None and true < len(answers) else "",
        rights[0],
        rights[1],
        change(ballots[0], ballots[1], true, true),
        beliefs(ballots, true, answers),
        len(ballots[0] | ballots[1]),
    )


def words(one: Asked) -> tuple[str, str, tuple[Answer, ...]]:
    """Title of the lesson, label of the preset, answers; a name alone where the course has it no more.

    A question of the teacher's own is its own title.
    """
    answers = answers_of(one.slug, one.preset)
    try:
        found = posed(one.slug, one.preset)
    except BadInput:
        title = LESSONS[one.slug].title if one.slug in LESSONS else one.slug
        return title, "" if one.slug == OWN else one.preset + ", a variation" * bool(one.variation), answers
    if found.own:
        return found.text, found.preset.label if found.preset else "", answers
    return found.title, found.label + ", a variation" * bool(one.variation), answers


def cast(log: Log, number: int, ballot: int) -> dict[int, Vote]:
    """By member."""
    return {vote.member: vote for vote in log.votes if (vote.question, vote.ballot) == (number, ballot)}


def right(votes: dict[int, Vote], true: int) -> int:
    return sum(vote.answer == true for vote in votes.values())


def change(before: dict[int, Vote], after: dict[int, Vote], true: int | None, later: int | None) -> Change:
    """Of those who voted in both. `true`, `later`: the right answer of each."""
    if true is None or later is None:
        return Change()
    both = sorted(before.keys() & after.keys())
    return Change(tuple((who, (before[who].answer == true, after[who].answer == later)) for who in both))


def beliefs(ballots: list[dict[int, Vote]], true: int | None, answers: tuple[Answer, ...]) -> tuple[Belief, ...]:
    """None where no answer came true: then nobody was wrong."""
    first, last = ballots[0], ballots[1] or ballots[0]
    if true is None:
        return ()
    given = Counter(vote.answer for vote in last.values() if vote.answer != true and vote.answer < len(answers))
    kept = Counter(
        vote.answer
        for who, vote in ballots[1].items()
        if vote.answer != true and who in first and first[who].answer == vote.answer
    )
    return tuple(Belief(answers[at].text, answers[at].belief, n, kept[at]) for at, n in given.most_common())


def calibration(log: Log, outcomes: Outcomes, word: str) -> tuple[Tally, Tally, Tally]:
    by_ballot = []
    known = {one.question: true for one in log.asked if (true := outcomes.get(item(one))) is not None}
    for ballot in (1, 2):
        votes = [vote for vote in log.votes if vote.ballot == ballot and vote.confidence == word]
        judged = [vote for vote in votes if vote.question in known]
        by_ballot.append(Tally(sum(vote.answer == known[vote.question] for vote in judged), len(judged)))
    alone = tally(
        told
        for steps in log.deeds.values()
        for kind in ("prediction", "twin")
        for told in last_records(steps, kind).values()
        if told.get("confidence") == word
    )
    return by_ballot[0], by_ballot[1], alone


def tally(told: Iterable) -> Tally:
    judged = [one for one in told if observed(one)]
    return Tally(sum(one.get("answer") == one["outcome"] for one in judged), len(judged))


def posttest(log: Log, outcomes: Outcomes) -> Change:
    """Each variation beside the last time that its preset was asked before it."""
    found = Change()
    for one in log.asked:
        earlier = [
            old
            for old in log.asked
            if (old.slug, old.preset) == (one.slug, one.preset) and not old.variation and old.question < one.question
        ]
        if one.variation and earlier:
            old = earlier[-1]
            before, after = cast(log, old.question, 1), cast(log, one.question, 1)
            found += change(before, after, outcomes.get(item(old)), outcomes.get(item(one)))
    return found


# --- as a page


STYLE = paper.text("learning.css")


def html(found: Report, code: str, now: float | None = None) -> str:
    """One file that needs nothing else and prints by itself."""
    return page("learning_page.html", found, code, now)


def body(found: Report, code: str, now: float | None = None) -> str:
    """What the page says, to be put on another page that has STYLE."""
    return page("learning.html", found, code, now)


def page(template: str, found: Report, code: str, now: float | None) -> str:
    at = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(time.time() if now is None else now))
    return paper.rendered(template, found=found, code=code, at=at, fewest=FEWEST, gained=gained, share=share)


def gained(change: Change) -> str:
    """The gain in words, with its interval."""
    if not change.pairs:
        return "nobody voted twice"
    if change.gain is None:
        return "all were right before"
    if change.interval is None:
        return f"{change.gain:.2f}".replace("-", "−")
    low, high = change.interval
    return f"{change.gain:.2f} ({low:.2f} to {high:.2f})".replace("-", "−")


def share(tally: Tally) -> str:
    return "–" if tally.share is None else f"{tally.share:.0%} ({tally})"
