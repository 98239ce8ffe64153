"""A learner's record on one page: what was done and predicted. From steps to numbers to HTML, and nothing else.

“Right” is a prediction whose answer came true in the run that followed it; one that no run has judged is not counted.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from string import Template

from lessons.classroom.course_map import Standing, last_records, observed, passed, standing
from lessons.classroom.steps import Step
from lessons.course.discovery import LESSONS
from lessons.course.lesson import CONFIDENCE

NAME_LONGEST = 80


@dataclass(frozen=True)
class Tally:
    """How many of those that a run has judged were right."""

    right: int = 0
    observed: int = 0

    @property
    def share(self) -> float | None:
        return self.right / self.observed if self.observed else None

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.right + other.right, self.observed + other.observed)


@dataclass(frozen=True)
class Line:
    """One lesson of the record."""

    slug: str
    title: str
    standing: Standing
    predictions: Tally
    waiting: int  # predictions that no run has judged yet
    twins: Tally
    runs: int  # presets that were run
    exercises: int
    passed: int
    attempts: int
    hints: int


@dataclass(frozen=True)
class Record:
    """`calibration`: by how sure they said they were, the surest last; predictions and twins together."""

    lines: tuple[Line, ...]
    calibration: Mapping[str, Tally]
    began: float | None  # seconds since 1970, of the first step
    last: float | None

    @property
    def predictions(self) -> Tally:
        return sum((line.predictions for line in self.lines), Tally())

    @property
    def twins(self) -> Tally:
        return sum((line.twins for line in self.lines), Tally())

    @property
    def done(self) -> int:
        return sum(line.standing == "done" for line in self.lines)

    def total(self, name: str) -> int:
        """Of a number that each line has."""
        return sum(getattr(line, name) for line in self.lines)


def record(steps: Iterable[Step]) -> Record:
    """The record of these steps: every lesson of the course, in its order."""
    steps = list(steps)
    judged = [
        told
        for kind in ("prediction", "twin")
        for told in last_records(steps, kind).values()
        if observed(told) and told.get("confidence") in CONFIDENCE
    ]
    calibration = {word: tally(told for told in judged if told["confidence"] == word) for word in CONFIDENCE}
    times = [step.at for step in steps]
    lines = tuple(line(slug, [step for step in steps if step.slug == slug]) for slug in LESSONS)
    return Record(lines, calibration, min(times, default=None), max(times, default=None))


def line(slug: str, steps: list[Step]) -> Line:
    lesson = LESSONS[slug]
    predictions, twins = (list(last_records(steps, kind).values()) for kind in ("prediction", "twin"))
    kinds = Counter(step.kind for step in steps)
    return Line(
        slug,
        lesson.title,
        standing(lesson, steps),
        tally(predictions),
        sum(not observed(told) for told in predictions),
        tally(twins),
        len(last_records(steps, "run")),
        len(lesson.exercises),
        len(passed(steps)),
        kinds["exercise"],
        kinds["hint"],
    )


def tally(told: Iterable[Mapping]) -> Tally:
    judged = [one for one in told if observed(one)]
    return Tally(sum(one.get("answer") == one["outcome"] for one in judged), len(judged))


# --- as a page


def html(found: Record, name: str = "", now: float | None = None) -> str:
    """One file that needs nothing else and prints on one A4 page. `name` is the learner's to give, and may be empty."""
    return PAGE.substitute(style=STYLE, body=body(found, name, now))


def body(found: Record, name: str = "", now: float | None = None) -> str:
    """What the page says, to be put on another page that has STYLE."""
    name = " ".join(name.split())[:NAME_LONGEST]
    with_exercises = bool(found.total("exercises"))
    return BODY.substitute(
        whose=f"<p class=name>{escape(name)}</p>" if name else "",
        dates=escape(dates(found, time.time() if now is None else now)),
        done=found.done,
        lessons=len(found.lines),
        predictions=shown(found.predictions),
        twins=shown(found.twins),
        passed=f"{found.total('passed')} of {found.total('exercises')}" if with_exercises else "none set",
        rows="".join(row(one, with_exercises) for one in found.lines),
        heads="<th>Exercises passed</th><th>Attempts</th><th>Hints</th>" if with_exercises else "",
        calibration=calibration_bars(found.calibration),
    )


def shown(tally: Tally) -> str:
    return f"{tally.right} of {tally.observed}" if tally.observed else "–"


def dates(found: Record, now: float) -> str:
    if found.began is None:
        return f"Nothing done yet. Written on {day(now)}."
    return f"From {day(found.began)} to {day(found.last)}. Written on {day(now)}."


def day(at: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(at))


def row(one: Line, with_exercises: bool) -> str:
    waiting = f" <small>({one.waiting} not run)</small>" if one.waiting else ""
    cells = [shown(one.predictions) + waiting, shown(one.twins), str(one.runs or "–")]
    if with_exercises:
        cells.append(f"{one.passed} of {one.exercises}" if one.exercises else "–")
        cells += [str(number or "–") for number in (one.attempts, one.hints)]
    numbers = "".join(f"<td>{cell}</td>" for cell in cells)
    head = f'<th scope="row">{escape(one.title)}</th><td>{one.standing}</td>'
    return f'<tr class="{one.standing}">{head}{numbers}</tr>'


def calibration_bars(calibration: Mapping[str, Tally]) -> str:
    """For each word of confidence a bar: how often such a prediction was right."""
    rows = []
    for word, tally in calibration.items():
        share = tally.share
        label = f"{share:.0%} ({shown(tally)})" if share is not None else "none"
        bar = f'<span class="bar"><span style="width: {100 * (share or 0):.1f}%"></span></span>'
        rows.append(f"<span>{escape(word)}</span>{bar}<span>{label}</span>")
    return f'<div class="calibration">{"".join(rows)}</div>'


# Below `.record` everything, so that it may stand on another page; colours that fit a dark one too.
STYLE = """
.record { font-size: 10.5pt; line-height: 1.4; max-width: 182mm; }
.record h1 { font-size: 18pt; margin: 0; padding: 0; } .record h2 { font-size: 12pt; margin: 5mm 0 1.5mm; padding: 0; }
.record p { margin: 1mm 0; } .record .name { font-size: 13pt; } .record :is(.quiet, small, .open) { opacity: 0.75; }
.record dl { display: grid; grid-template-columns: repeat(4, 1fr); gap: 3mm; margin: 4mm 0 !important; padding: 0; }
.record dl div { border: 1px solid #8A96A1; border-radius: 2mm; padding: 2mm 3mm; }
.record dt { font-size: 8.5pt; opacity: 0.75; } .record dd { margin: 0 !important; font-size: 15pt; font-weight: 600; }
.record .table { overflow-x: auto; } .record table { border-collapse: collapse; width: 100%; font-size: 9.5pt; }
.record :is(th, td) { text-align: left; padding: 1.1mm 3mm 1.1mm 0; border: 0; border-bottom: 1px solid #8A96A1; }
.record :is(th, td) { vertical-align: top; } .record td { white-space: nowrap; }
.record tbody th { font-weight: 400; min-width: 32mm; } .record thead th { font-size: 8.5pt; }
.record .done td:nth-child(2) { font-weight: 600; }
.record .calibration { display: grid; grid-template-columns: max-content minmax(20mm, 80mm) max-content; gap: 1mm 3mm; }
.record .calibration { align-items: center; font-size: 9.5pt; }
.record .bar { border: 1px solid #8A96A1; height: 4mm; display: block; }
.record .bar span { display: block; height: 100%; background: #009E73; }
@media (max-width: 640px) { .record dl { grid-template-columns: repeat(2, 1fr); } }
"""

BODY = Template("""<div class="record">
<h1>Unmasked: a record</h1>
$whose
<p class="quiet">Why masks and losses of sequence models fail. $dates</p>
<dl>
<div><dt>Lessons done</dt><dd>$done of $lessons</dd></div>
<div><dt>Predictions right</dt><dd>$predictions</dd></div>
<div><dt>Twin questions right</dt><dd>$twins</dd></div>
<div><dt>Exercises passed</dt><dd>$passed</dd></div>
</dl>
<h2>How sure, and how often right</h2>
$calibration
<p class="quiet">Predictions and twins that a run has judged. Well calibrated
is who is right more often the surer they are.</p>
<h2>Lessons</h2>
<div class="table"><table>
<thead><tr><th>Lesson</th><th></th><th>Predictions right</th><th>Twins right</th><th>Presets run</th>$heads</tr></thead>
<tbody>$rows</tbody>
</table></div>
<p class="quiet">A prediction was made before its run, and counts once a run on the server has shown what came true.
This tells what was done under one private link or account; nobody has checked who that was.</p>
</div>""")

PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Unmasked: a record</title>
<style>
@page { size: A4; margin: 14mm; }
body { font-family: system-ui, sans-serif; color: #1D252C; background: #fff; margin: 0; }
.record { margin: 0 auto; }
@media screen { body { padding: 1.5rem 1rem; } }
@media print { .bar span { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
$style</style>
</head>
<body>
$body
</body>
</html>
""")
