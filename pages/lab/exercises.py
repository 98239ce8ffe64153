"""The exercises at the end of a lesson: an answer is run, and what came of it is shown with its own curve and leak."""

import time
from typing import Any

import streamlit as st

from lessons.course.exercise import FindSetting, MendModel, OrderLines
from lessons.course.lesson import Lesson
from lessons.figures import run_figures
from lessons.recipe.recipe import Recipe
from lessons.recipe.settings import Settings
from lessons.recipe.spec import Choice, Number
from lessons.runs.run import Run
from lessons.sandbox import walled_pool
from lessons.server.attempt import Trial
from lessons.server.laboratory import shared
from pages.lab.bench import Bench
from pages.lab.own_model import table
from pages.lab.sheet import Exercises, Sheet, exercises_of
from pages.parts.charts import chart
from pages.parts.findings import MARKS
from pages.parts.layout import button, row
from pages.parts.quotation import quoted, warn
from pages.parts.waiting import poll

LINE = 20  # pixels of a line of text, as in style.css
PASSED = ":green-badge[:material/check_circle: solved]"
FAILED = ":orange-badge[:material/pending: not yet]"
CHART_HEIGHT = 230
COLUMNS = (1.15, 1)  # widths: the answer, and what came of it


@st.fragment
def exercises(bench: Bench) -> None:
    """The titles, and the one that is open. A fragment: a click here draws nothing else again."""
    if not bench.lesson.exercises:
        return
    mine = exercises_of(bench.lesson)
    sheet, keep = mine.sheet, not bench.presenting
    if sheet:
        sheet.look(keep)
    st.markdown("#### Exercises")
    choice(bench, mine)
    if sheet is None:
        return
    with st.container(key="exercise", border=True, gap="small"):
        task(sheet)
        left, right = st.columns(COLUMNS, gap="medium")
        with left:
            answer(bench.lesson, sheet)
            buttons(sheet, keep)
            status(sheet)
        with right.container(key="exercise-result", gap="small"):
            with st.container(key="exercise-verdict", gap="small"):
                result(sheet)
            hints(sheet)
            if isinstance(sheet.exercise, OrderLines):
                st.code(sheet.answer, language="python")
        with st.container(key="exercise-pictures"):  # not there as long as there is no run: elements match by place
            if sheet.trial and sheet.trial.done and (run := sheet.trial.run):
                pictures(sheet, run)
        attempts(sheet)


def choice(bench: Bench, mine: Exercises) -> None:
    """The titles as pills, those that are solved with a mark."""
    key = bench.key("exercise")
    st.session_state[key] = mine.chosen
    place = row("exercise-titles")
    place.pills(
        "Exercise",
        list(mine.sheets),
        format_func=lambda name: ":material/check: " * mine.sheets[name].solved + mine.sheets[name].exercise.title,
        key=key,
        label_visibility="collapsed",
        width="content",
        wrap=True,
        on_change=lambda: mine.choose(st.session_state[key]),
    )
    place.caption(f"{mine.solved} of {len(mine.sheets)} solved. Each is checked by running your answer.")


# --- the task


def task(sheet: Sheet) -> None:
    exercise = sheet.exercise
    st.markdown(exercise.asks)
    if isinstance(exercise, MendModel):
        st.markdown(f"**Goal** {exercise.wanted} :gray[:small[It is looked at on a small padded batch.]]")
        return
    judges = "" if isinstance(exercise, FindSetting) else " The clinic must find no error."
    settings = exercise.start if isinstance(exercise, FindSetting) else exercise.settings
    begun = "It starts with" if isinstance(exercise, FindSetting) else "Trained with"
    st.markdown(f"**Goal** {exercise.wanted}{judges} :gray[:small[{begun} {quoted(circumstances(settings))}.]]")


def circumstances(settings: Settings) -> str:
    """What a loss is trained with, in words: what it has to do with."""
    words = [f"mask {settings.said('mask')}"]
    if settings.padding_share:
        words += [f"{settings.padding}-padding", f"padded labels {settings.said('padded_labels')}"]
    if settings.loss_dtype != "float32":
        words.append(f"a loss in {settings.loss_dtype}")
    return ", ".join([*words, f"{settings.epochs} epochs"])


# --- the answer


def answer(lesson: Lesson, sheet: Sheet) -> None:
    if isinstance(sheet.exercise, FindSetting):
        with st.container(key="exercise-settings", gap="small"):
            moves = sheet.exercise.moves
            for start in range(0, len(moves), 2):
                for place, name in zip(st.columns(2, gap="small"), moves[start : start + 2], strict=False):
                    with place:
                        setting(lesson, sheet, name)
    elif isinstance(sheet.exercise, OrderLines):
        lines(sheet)
    else:
        key = sheet.field_key("text")
        height = LINE * (max(sheet.text.count("\n"), sheet.exercise.solution.count("\n")) + 2)
        with st.container(key="exercise-text"):
            label = "Your model" if isinstance(sheet.exercise, MendModel) else "Your loss"
            st.text_area(label, key=key, height=height, label_visibility="collapsed")


def setting(lesson: Lesson, sheet: Sheet, name: str) -> None:
    """One field's widget; where it cannot matter it is off and says why."""
    spec, key = sheet.settings.specs()[name], sheet.field_key(name)
    reason = Recipe(sheet.settings).idle().get(name)
    label = f"{spec.label} · {reason}" if reason else spec.label
    widget: Any = st.selectbox if isinstance(spec, Choice) else st.select_slider
    widget(label, offered(lesson, sheet, name), format_func=spec.said, key=key, disabled=bool(reason), help=spec.help)


def offered(lesson: Lesson, sheet: Sheet, name: str) -> list:
    """What a field can be moved to: the start's and the solution's values are among it."""
    spec = sheet.settings.specs()[name]
    here = {getattr(settings, name) for settings in (sheet.exercise.start, sheet.exercise.solution, sheet.settings)}
    if isinstance(spec, Number):
        return sorted({*(spec.offered or range(int(spec.low), int(spec.high) + 1)), *here})
    assert isinstance(spec, Choice)
    return list(dict.fromkeys([*(lesson.losses if name == "loss" else spec.options), *here]))


def lines(sheet: Sheet) -> None:
    """The lines as a choice, and buttons that stay where they are: the keyboard and a thumb can move a line on."""
    st.session_state[sheet.key("line")] = sheet.line
    with st.container(key="exercise-lines", gap="small"):
        st.radio(
            "The lines in your order",
            [*sheet.lines, *sheet.out],
            format_func=lambda line: f":gray[left out] {as_code(line)}" if line in sheet.out else as_code(line),
            key=sheet.key("line"),
        )
        place = st.container(horizontal=True, gap="small")
        out = sheet.line in sheet.out
        at = None if out else sheet.lines.index(sheet.line)
        button(place, "Up", sheet.key("Up"), "arrow_upward", sheet.move, -1, disabled=at in (None, 0))
        last = at in (None, len(sheet.lines) - 1)
        button(place, "Down", sheet.key("Down"), "arrow_downward", sheet.move, 1, disabled=last)
        if out:
            button(place, "Put back", sheet.key("Put back"), "add", sheet.take_back)
        else:
            button(place, "Leave out", sheet.key("Leave out"), "remove", sheet.leave_out)


def as_code(line: str) -> str:
    """A line of ours as inline code; Markdown would drop the spaces before it."""
    return f"`{line.replace(' ', chr(0xA0))}`" if line.startswith(" ") else f"`{line}`"


def buttons(sheet: Sheet, keep: bool) -> None:
    """`keep`: for later sessions too."""
    place, known = row("exercise-bar"), len(sheet.exercise.hints)
    button(place, "Check", sheet.key("check"), "play_arrow", sheet.check, type="primary")
    if sheet.waiting:
        button(place, "Stop", sheet.key("stop"), "stop", sheet.stop)
    button(place, "Start over", sheet.key("again"), "undo", sheet.begin_again, quiet=True)
    if sheet.hints <= known:
        label = f"Next hint ({sheet.hints + 1} of {known})" if sheet.hints < known else "Show the solution"
        button(place, label, sheet.key("hint"), "lightbulb", sheet.take_hint, keep, quiet=True)


def hints(sheet: Sheet) -> None:
    """The hints that were taken, and the solution after the last of them."""
    place = st.container(key="exercise-hints", gap="xsmall")
    known = sheet.exercise.hints
    if sheet.hints:
        place.markdown("\n".join(f"{number}. {hint}" for number, hint in enumerate(known[: sheet.hints], 1)))
    if sheet.hints <= len(known):
        return
    place.markdown("**One solution**")
    if isinstance(sheet.exercise, FindSetting):
        place.markdown(moved(sheet.exercise))
    else:
        place.code(sheet.exercise.solution, language="python")
    button(place, "Take it over", sheet.key("solution"), "content_paste_go", sheet.show_solution)


def moved(exercise: FindSetting) -> str:
    """What the solution moves, in words."""
    names = exercise.solution.to_query(exercise.start)
    specs = exercise.solution.specs()
    return "; ".join(f"{specs[name].label}: **{exercise.solution.said(name)}**" for name in names)


# --- what came of it


def status(sheet: Sheet) -> None:
    """One line below the buttons."""
    with st.container(key="exercise-status"):
        if sheet.busy:
            warn(sheet.busy)
        if sheet.waiting:
            poll(lambda: sheet.advance() is None, lambda: doing(sheet.trial))


def doing(trial: Trial) -> str:
    """What is under way, in words, and for how long; nothing where it has just ended."""
    job = trial.waits_for
    return f"{stage(trial)}, {time.monotonic() - job.asked:.0f} s" if job else ""


def stage(trial: Trial) -> str:
    walled = trial.examination is not None
    if walled and not walled_pool.shared().ready():
        return "warming up: TensorFlow is loading"
    if trial.training is None:
        return "it is looked at" if trial.examination.running() else "waiting for its turn"
    if run := trial.run:
        return f"training, epoch {run.epochs} of {run.settings.epochs}"
    if not walled and not shared().ready():
        return "warming up: TensorFlow is loading"
    return "the clinic is done, starting to train behind walls" if walled else "starting to train"


def result(sheet: Sheet) -> None:
    """How the attempt in sight ended: what the clinic says, what the training reached, its curve and its leak."""
    trial = sheet.trial
    if trial is None or not trial.done:
        if trial is None:
            st.caption("Press Check: what your answer does is shown here.")
        return
    if sheet.stale:
        st.markdown(":orange[:material/history: The answer has changed since this attempt.]")
    st.markdown(f"{PASSED if trial.passed else FAILED} {quoted(trial.reached)}")
    if isinstance(sheet.exercise, MendModel):
        model_found(trial)
        return
    for finding in trial.findings:
        if finding is not trial.crash:  # that is the sentence above
            st.markdown(f"{MARKS[finding['severity']]} **{quoted(finding['title'])}** {quoted(finding['message'])}")
    if trial.examined and not trial.findings and not trial.refusal:
        st.caption("The clinic found nothing.")


def model_found(trial: Trial) -> None:
    """What else the x-ray says of a model, and the layers that it calls."""
    for finding in trial.findings:
        if finding["message"] not in trial.reached:
            st.markdown(f"{MARKS[finding['severity']]} {quoted(finding['message'])}")
    if trial.examined and not trial.refusal:
        table(trial.examined)


def pictures(sheet: Sheet, run: Run) -> None:
    """The curves of the attempt in sight, and where its gradient went."""
    words = run_figures.run_words(run)
    left, right = st.columns(COLUMNS, gap="medium")
    with left:
        st.caption("Loss and error of this attempt")
        chart(sheet.key("curve"), run_figures.curve_figure(run), words["curve"], height=CHART_HEIGHT)
    at = "inputs" if sheet.trial.goal.input_leak is not None else "predictions"
    with right:
        st.caption(f"Gradient at the {at}, by epoch and step: padding is vermilion")
        figure = run_figures.gradient_over_epochs_figure(run, at=at)
        chart(sheet.key("leak"), figure, words["gradient"], height=CHART_HEIGHT)


def attempts(sheet: Sheet) -> None:
    """All of them, the last one first."""
    if not sheet.attempts:
        return
    place = st.container(key="exercise-attempts")
    with place.expander(f"Attempts: {len(sheet.attempts)}", icon=":material/history:"):
        for number, attempt in reversed(list(enumerate(sheet.attempts, 1))):
            mark = ":green[:material/check:]" if attempt.passed else ":gray[:material/close:]"
            st.markdown(f"{mark} {number}. {quoted(attempt.reached)}")
