"""The exercises at the end of a lesson: an answer is run, and what came of it is shown with its own curve and leak."""

from __future__ import annotations

import time
from collections.abc import Callable

import streamlit as st

from lessons.course.exercise import FindSetting, OrderLines
from lessons.figures import run_figures
from lessons.recipe.recipe import Recipe
from lessons.recipe.settings import Settings
from lessons.recipe.spec import Choice, Number
from lessons.runs.run import Run
from lessons.sandbox import walled_pool
from lessons.server.attempt import Trial
from lessons.server.laboratory import shared
from pages.lab.form import Form
from pages.lab.sheet import Exercises, Sheet, exercises_of
from pages.parts.charts import chart
from pages.parts.findings import MARKS
from pages.parts.quotation import quoted, warn
from pages.server.presence import watch

FIRST_LOOK = 0.15  # seconds that a click waits for an answer: a run that is known is there at once
LOOK = 0.3  # between two looks while something is under way
LINE = 20  # pixels of a line of text, as in style.css
PASSED = ":green-badge[:material/check_circle: solved]"
FAILED = ":orange-badge[:material/pending: not yet]"
CHART_HEIGHT = 230
COLUMNS = (1.15, 1)  # widths: the answer, and what came of it


@st.fragment
def exercises(form: Form) -> None:
    """The titles, and the one that is open. A fragment: a click here draws nothing else again."""
    if not form.lesson.exercises:
        return
    mine = exercises_of(form.lesson)
    form.exercised_drawn = form.exercised
    sheet = mine.sheet
    if sheet:
        # A button's value is nobody's to set: it is there as long as Streamlit knows the widgets of the last run.
        if sheet.key("check") in st.session_state:
            sheet.collect()
        else:
            sheet.lay()
        look(sheet)
        sheet.settle(keep=not form.presenting)
    st.markdown("#### Exercises")
    choice(form, mine)
    if sheet is None:
        return
    with st.container(key="exercise", border=True, gap="small"):
        task(sheet)
        left, right = st.columns(COLUMNS, gap="medium")
        with left:
            answer(form, sheet)
            buttons(form, sheet)
            status(form, sheet)
        with right.container(key="exercise-result", gap="small"):
            with st.container(key="exercise-verdict", gap="small"):
                result(sheet)
            hints(form, sheet)
            if isinstance(sheet.exercise, OrderLines):
                st.code(sheet.answer, language="python")
        with st.container(key="exercise-pictures"):  # not there as long as there is no run: elements match by place
            if sheet.trial and sheet.trial.done and (run := sheet.trial.run):
                pictures(sheet, run)
        attempts(sheet)


def choice(form: Form, mine: Exercises) -> None:
    """The titles as pills, those that are solved with a mark."""
    key = form.key("exercise")
    st.session_state[key] = mine.chosen
    row = st.container(key="exercise-titles", horizontal=True, vertical_alignment="center", gap="small")
    row.pills(
        "Exercise",
        list(mine.sheets),
        format_func=lambda name: ":material/check: " * mine.sheets[name].solved + mine.sheets[name].exercise.title,
        key=key,
        label_visibility="collapsed",
        width="content",
        on_change=lambda: choose(form, mine, st.session_state[key]),
    )
    row.caption(f"{mine.solved} of {len(mine.sheets)} solved. Each is checked by running your answer.")


def choose(form: Form, mine: Exercises, name: str | None) -> None:
    if mine.sheet:
        mine.sheet.collect()
    mine.chosen = name
    form.exercised += 1


def act(form: Form, sheet: Sheet, deed: Callable[[], None]) -> None:
    """Do what a button says with what the widgets stand at."""
    sheet.collect()
    deed()
    form.exercised += 1


def look(sheet: Sheet) -> None:
    """How far the attempt is, with a moment for one that is nearly done."""
    trial = sheet.trial
    if trial is None:
        return
    until = time.monotonic() + FIRST_LOOK
    advance(trial)
    while (job := trial.waits_for) and (left := until - time.monotonic()) > 0:
        job.wait_beyond(len(job.items), left)
        advance(trial)


def advance(trial: Trial) -> None:
    """Let it go on, as long as this session is there."""
    trial.advance()
    if trial.training:
        watch(trial.training, trial.who)


# --- the task


def task(sheet: Sheet) -> None:
    exercise = sheet.exercise
    st.markdown(exercise.asks)
    judges = "" if isinstance(exercise, FindSetting) else " The clinic must find no error."
    settings = exercise.start if isinstance(exercise, FindSetting) else exercise.settings
    begun = "It starts with" if isinstance(exercise, FindSetting) else "Trained with"
    st.markdown(f"**Goal** {exercise.goal.wanted}{judges} :gray[:small[{begun} {quoted(circumstances(settings))}.]]")


def circumstances(settings: Settings) -> str:
    """What a loss is trained with, in words: what it has to do with."""
    words = [f"mask {settings.said('mask')}"]
    if settings.padding_share:
        words += [f"{settings.padding}-padding", f"padded labels {settings.said('padded_labels')}"]
    if settings.loss_dtype != "float32":
        words.append(f"a loss in {settings.loss_dtype}")
    return ", ".join([*words, f"{settings.epochs} epochs"])


# --- the answer


def answer(form: Form, sheet: Sheet) -> None:
    if isinstance(sheet.exercise, FindSetting):
        with st.container(key="exercise-settings", gap="small"):
            moves = sheet.exercise.moves
            for row in range(0, len(moves), 2):
                for place, name in zip(st.columns(2, gap="small"), moves[row : row + 2], strict=False):
                    with place:
                        setting(form, sheet, name)
    elif isinstance(sheet.exercise, OrderLines):
        lines(form, sheet)
    else:
        key = sheet.field_key("text")
        height = LINE * (max(sheet.text.count("\n"), sheet.exercise.solution.count("\n")) + 2)
        with st.container(key="exercise-text"):
            st.text_area("Your loss", key=key, height=height, label_visibility="collapsed")


def setting(form: Form, sheet: Sheet, name: str) -> None:
    """One field's widget; where it cannot matter it is off and says why."""
    spec, key = sheet.settings.specs()[name], sheet.field_key(name)
    reason = Recipe(sheet.settings).idle().get(name)
    label = f"{spec.label} :gray[· {reason}]" if reason else spec.label
    common = {"key": key, "disabled": bool(reason), "help": spec.help}
    values = offered(form, sheet, name)
    if isinstance(spec, Choice):
        st.selectbox(label, values, format_func=spec.said, **common)
    else:
        st.select_slider(label, values, format_func=spec.said, **common)


def offered(form: Form, sheet: Sheet, name: str) -> list:
    """What a field can be moved to: the start's and the solution's values are among it."""
    spec = sheet.settings.specs()[name]
    here = {getattr(settings, name) for settings in (sheet.exercise.start, sheet.exercise.solution, sheet.settings)}
    if isinstance(spec, Number):
        return sorted({*(spec.offered or range(int(spec.low), int(spec.high) + 1)), *here})
    return list(dict.fromkeys([*(form.lesson.losses if name == "loss" else spec.options), *here]))


def lines(form: Form, sheet: Sheet) -> None:
    """The lines as a choice, and buttons that stay where they are: the keyboard and a thumb can move a line on."""
    st.session_state[sheet.key("line")] = sheet.line
    with st.container(key="exercise-lines", gap="small"):
        st.radio(
            "The lines in your order",
            [*sheet.lines, *sheet.out],
            format_func=lambda line: f":gray[left out] {as_code(line)}" if line in sheet.out else as_code(line),
            key=sheet.key("line"),
        )
        row = st.container(horizontal=True, gap="small")
        out = sheet.line in sheet.out
        at = None if out else sheet.lines.index(sheet.line)
        buttons = (
            ("Up", "arrow_upward", at in (None, 0), lambda: sheet.move(-1)),
            ("Down", "arrow_downward", at in (None, len(sheet.lines) - 1), lambda: sheet.move(1)),
            ("Put back", "add", False, sheet.take_back) if out else ("Leave out", "remove", False, sheet.leave_out),
        )
        for label, icon, off, deed in buttons:
            row.button(
                label,
                key=sheet.key(label),
                icon=f":material/{icon}:",
                disabled=off,
                on_click=lambda deed=deed: act(form, sheet, deed),
            )


def as_code(line: str) -> str:
    """A line of ours as inline code; Markdown would drop the spaces before it."""
    return f"`{line.replace(' ', chr(0xA0))}`" if line.startswith(" ") else f"`{line}`"


def buttons(form: Form, sheet: Sheet) -> None:
    row = st.container(key="exercise-bar", horizontal=True, vertical_alignment="center", gap="small")
    row.button(
        "Check",
        key=sheet.key("check"),
        type="primary",
        icon=":material/play_arrow:",
        on_click=lambda: act(form, sheet, sheet.check),
    )
    if sheet.waiting:
        row.button("Stop", key=sheet.key("stop"), icon=":material/stop:", on_click=lambda: act(form, sheet, sheet.stop))
    row.button(
        "Start over",
        key=sheet.key("again"),
        type="tertiary",
        icon=":material/undo:",
        on_click=lambda: act(form, sheet, sheet.begin_again),
    )
    known = len(sheet.exercise.hints)
    if sheet.hints <= known:
        label = f"Next hint ({sheet.hints + 1} of {known})" if sheet.hints < known else "Show the solution"
        row.button(
            label,
            key=sheet.key("hint"),
            type="tertiary",
            icon=":material/lightbulb:",
            on_click=lambda: act(form, sheet, lambda: sheet.take_hint(keep=not form.presenting)),
        )


def hints(form: Form, sheet: Sheet) -> None:
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
    place.button(
        "Take it over",
        key=sheet.key("solution"),
        icon=":material/content_paste_go:",
        on_click=lambda: act(form, sheet, sheet.show_solution),
    )


def moved(exercise: FindSetting) -> str:
    """What the solution moves, in words."""
    names = exercise.solution.to_query(exercise.start)
    specs = exercise.solution.specs()
    return "; ".join(f"{specs[name].label}: **{exercise.solution.said(name)}**" for name in names)


# --- what came of it


def status(form: Form, sheet: Sheet) -> None:
    """One line below the buttons. Polling is a fragment of that line; news draw the page anew."""
    with st.container(key="exercise-status"):
        if sheet.busy:
            warn(sheet.busy)
        drawn = sheet.trial.waits_for if sheet.trial else None
        st.fragment(progress, run_every=LOOK if drawn else None)(form, sheet, drawn)


def progress(form: Form, sheet: Sheet, drawn: object) -> None:
    if drawn is None:
        return
    form.catch_up()
    advance(sheet.trial)
    job = sheet.trial.waits_for
    if job is None:
        st.rerun()
    st.markdown(f":material/hourglass_top: {doing(sheet.trial)}, {time.monotonic() - job.asked:.0f} s")


def doing(trial: Trial) -> str:
    """What is under way, in words."""
    walled = trial.examination is not None
    if walled and not walled_pool.shared().ready():
        return "warming up: TensorFlow is loading"
    if trial.training is None:
        return "the clinic looks at it" if trial.examination.running() else "waiting for its turn"
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
    for finding in trial.findings:
        if finding is not trial.crash:  # that is the sentence above
            st.markdown(f"{MARKS[finding['severity']]} **{quoted(finding['title'])}** {quoted(finding['message'])}")
    if trial.examined and not trial.findings and not trial.refusal:
        st.caption("The clinic found nothing.")


def pictures(sheet: Sheet, run: Run) -> None:
    """The curves of the attempt in sight, and where its gradient went."""
    words = run_figures.run_words(run)
    left, right = st.columns(COLUMNS, gap="medium")
    with left:
        st.caption("Loss and error of this attempt")
        chart(sheet.key("curve"), run_figures.curve_figure(run), words["curve"], height=CHART_HEIGHT)
    at = "inputs" if sheet.exercise.goal.input_leak is not None else "predictions"
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
