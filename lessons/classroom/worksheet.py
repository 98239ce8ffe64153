"""A session plan on paper: one HTML file that prints by itself, for learners or for whoever teaches."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape

from lessons.classroom.agenda import Agenda, Item, lesson_of, preset_of
from lessons.course.lesson import CONFIDENCE, UNANSWERED, Lesson, Preset
from lessons.families.recurrent import Recurrent
from lessons.recipe import losses
from lessons.recipe.recipe import Recipe
from lessons.recipe.settings import SPECS, Choice

BOX = '<span class="box"></span>'
NOTE_LINES = 5
STYLE = """
@page { size: A4; margin: 16mm 15mm }
* { box-sizing: border-box }
body { font: 11pt/1.4 system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; color: #000; background: #fff;
  max-width: 180mm; margin: 8mm auto; padding: 0 4mm }
h1 { font-size: 16pt; margin: 0 0 2mm } h2 { font-size: 13pt; margin: 0 0 1mm }
h3 { font-size: 11pt; margin: 3mm 0 1mm }
h2, h3, p.question { break-after: avoid }
section { break-before: page } section:first-of-type { break-before: auto }
table, pre, .votes, .notes { break-inside: avoid }
table { border-collapse: collapse; width: 100% } th, td { border-bottom: 1px solid #999; padding: 1.5mm 2mm;
  text-align: left; vertical-align: top } th { font-weight: 600; font-size: 9pt } th.vote, td.vote { width: 18mm;
  text-align: center }
table.recipe td { padding: .5mm 2mm; border: 0; font-size: 10pt } table.recipe td:first-child { width: 50mm }
pre { font: 8.5pt/1.35 ui-monospace, Menlo, Consolas, monospace; border: 1px solid #999; padding: 2mm;
  white-space: pre-wrap }
code { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: .92em }
p { margin: 1mm 0 2mm } p.question { font-weight: 600 } .small, .belief { font-size: 9.5pt }
.box { display: inline-block; width: 4mm; height: 4mm; border: 1px solid #000; vertical-align: -.6mm; margin: 0 1mm }
.line { border-bottom: 1px solid #999; height: 9mm } .fill { display: inline-block; width: 60mm;
  border-bottom: 1px solid #000 }
tr.true td { font-weight: 600; background: #eee; print-color-adjust: exact; -webkit-print-color-adjust: exact }
ul { margin: 1mm 0 2mm; padding-left: 5mm }
@media print { body { margin: 0; padding: 0; max-width: none } }
"""


def worksheet(agenda: Agenda, answers: Mapping[Item, int | None] | None = None) -> str:
    """The learners' copy; with `answers` the teacher's, where each item's number is the answer that came true.

    An item without one is told as not measured: nobody knows an answer before it has been run. One whose answer is None
    was run, and its run cannot answer the question.
    """
    title = "Unmasked: worksheet" + (", teacher's copy" if answers is not None else "")
    parts = [f"<h1>{escape(title)}</h1>"]
    if answers is None:
        parts.append('<p>Name <span class="fill"></span> &nbsp; Date <span class="fill"></span></p>')
    else:
        parts.append(
            f"<p>{len(agenda.items)} questions, about {agenda.minutes} minutes. The right answers were read off runs "
            "on the server that made this copy.</p>"
        )
    if not agenda.items:
        parts.append("<p>This plan is empty.</p>")
    introduced: set[str] = set()
    for number, item in enumerate(agenda.items, 1):
        parts.append(section(number, item, answers, first=item[0] not in introduced))
        introduced.add(item[0])
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>",
            *parts,
            "</body>\n</html>\n",
        ]
    )


def section(number: int, item: Item, answers: Mapping[Item, int | None] | None, first: bool) -> str:
    """One question on a page of its own. `first`: of its lesson, whose aims and notes stand here."""
    lesson, preset = lesson_of(item), preset_of(item)
    parts = [
        f"<section>\n<h2>{number}. {escape(lesson.title)}</h2>",
        f"<p>Experiment: <b>{prose(preset.label)}</b></p>",
        recipe(lesson, preset),
        f"<pre>{escape(losses.source(preset.settings.loss))}</pre>",
        f'<p class="question">{prose(lesson.prediction.question)}</p>',
    ]
    if answers is None:
        parts += [ballots(lesson), '<div class="notes"><h3>Why? What did the run show?</h3>']
        parts += ['<div class="line"></div>' * NOTE_LINES, "</div>"]
    else:
        parts += [key(lesson, answers.get(item), item in answers), f'<p class="small">{prose(preset.says)}</p>']
        parts += [guidance(lesson)] if first else []
    return "\n".join([*parts, "</section>"])


def recipe(lesson: Lesson, preset: Preset) -> str:
    """What is trained: the controls in sight, and those behind “More” that the preset or the lesson has moved.

    A control that cannot change this run would only be in the way.
    """
    off, usual = Recipe(preset.settings).idle(), (Recurrent(), lesson.presets[0].settings)
    rows = []
    for name in (*lesson.controls, *lesson.more):
        value = getattr(preset.settings, name)
        moved = any(value != getattr(settings, name) for settings in usual)
        if name not in off and (name in lesson.controls or moved):
            rows.append(f"<tr><td>{escape(SPECS[name].label)}</td><td>{escape(in_words(name, value))}</td></tr>")
    return f'<table class="recipe">{"".join(rows)}</table>'


def in_words(name: str, value: object) -> str:
    """A field's value as its control shows it."""
    spec = SPECS[name]
    if name == "loss":
        return losses.label(str(value))
    return spec.options[value] if isinstance(spec, Choice) else f"{value:g}"


def ballots(lesson: Lesson) -> str:
    """Two votes: before the discussion and after it."""
    boxes = f'<td class="vote">{BOX}</td>' * 2
    rows = [f"<tr><td>{prose(answer.text)}</td>{boxes}</tr>" for answer in lesson.prediction.answers]
    rows += [f'<tr><td class="small">How sure: {escape(word)}</td>{boxes}</tr>' for word in CONFIDENCE]
    head = '<tr><th>Answer</th><th class="vote">first vote</th><th class="vote">after the discussion</th></tr>'
    return f'<table class="votes">{head}{"".join(rows)}</table>'


def key(lesson: Lesson, true: int | None, measured: bool) -> str:
    """The answers as a teacher needs them: which came true, and what those believe who chose another."""
    rows = []
    for index, answer in enumerate(lesson.prediction.answers):
        if index == true:
            rows.append(f'<tr class="true"><td>{prose(answer.text)}</td><td>Came true.</td></tr>')
        else:
            rows.append(f'<tr><td>{prose(answer.text)}</td><td class="belief">{prose(answer.belief)}</td></tr>')
    untold = UNANSWERED if measured else "Not measured yet: run it to see which answer comes true."
    untold = "" if true is not None else f"<p>{untold}</p>"
    head = "<tr><th>Answer</th><th>What to say to those who chose it</th></tr>"
    return f'{untold}<table class="votes">{head}{"".join(rows)}</table>'


def guidance(lesson: Lesson) -> str:
    aims = "".join(f"<li>{prose(aim)}</li>" for aim in lesson.aims)
    notes = "".join(f"<p>{prose(paragraph)}</p>" for paragraph in lesson.notes.split("\n\n"))
    return f'<h3>Aims</h3><ul>{aims}</ul><h3>Notes</h3><div class="small">{notes}</div>'


def prose(text: str) -> str:
    """The little Markdown that lessons use for such texts, as HTML; all else as it stands."""
    marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
    return re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", marked)
