"""Taking it home: the run as a script and as a notebook, its numbers as tables, its figures as a page."""

from collections.abc import Callable
from functools import lru_cache

import streamlit as st

from lessons.export import page, sheets
from lessons.export.bundle import Bundle
from lessons.export.notebook import notebook
from lessons.export.script import script
from lessons.recipe.bad_input import BadInput
from lessons.sandbox.admission import Refused
from lessons.server.laboratory import Training
from pages.lab.bench import Bench
from pages.parts.download import kind, made_on_click
from pages.parts.quotation import warn

SCRIPTS_KEPT = 64  # in memory, ten kilobytes each


@st.fragment
def takeaway(bench: Bench) -> None:
    """What can be downloaded. Opening it draws it again: a run may have come since."""
    key = bench.key("takeaway")
    menu = st.popover("Take it home", icon=":material/download:", type="tertiary", key=key, on_change="rerun")
    menu.caption("This experiment in plain Keras. It needs tensorflow and numpy, and gives the same numbers.")
    if not menu.open:
        return
    bundle = packed(bench)
    with menu:
        problem = refused(bundle) if bundle.recipe.pasted else None  # of the lessons' own losses all can be taken
        if problem:
            warn(problem)
        row = st.container(horizontal=True, gap="small")
        offer(bench, row, "Script", bundle.file(".py"), lambda: written(bundle), off=bool(problem))
        offer(bench, row, "Notebook", bundle.file(".ipynb"), lambda: notebook(bundle), off=bool(problem))
        results(bench, bench.runs.training)


def results(bench: Bench, training: Training | None) -> None:
    """What a run has told so far."""
    run = training.run() if training else None
    st.caption(about(bench, training) if run else "Press Run: its curve, gradients and figures can be taken too.")
    if not run:
        return
    bundle = Bundle(bench.lesson.slug, bench.form.preset.name, training.recipe)
    row = st.container(horizontal=True, gap="small")
    offer(bench, row, "Curve", bundle.file("-curve.csv"), lambda: sheets.curve(training.run()))
    offer(bench, row, "Gradients", bundle.file("-gradients.csv"), lambda: sheets.gradients(training.run()))
    offer(bench, row, "Figures", bundle.file("-figures.html"), lambda: page.page(bundle, training.run()))
    st.caption("A single figure is saved as PNG or SVG from the corner of its chart.")


def about(bench: Bench, training: Training) -> str:
    if bench.outdated:
        return "Of the run in sight, which had other settings:"
    return "Of the run so far:" if not training.done else "Of the run in sight:"


def preview(bench: Bench) -> None:
    """The script, to be read here. It is made when it is opened."""
    key = bench.key("script")
    box = st.expander("The whole run as a script", icon=":material/description:", key=key, on_change="rerun")
    if box.open:
        bundle = packed(bench)
        problem = refused(bundle)
        warn(problem, box) if problem else box.code(written(bundle, shortened=True), language="python", height=520)


def packed(bench: Bench) -> Bundle:
    """What is on the form. What the predictions of a pasted loss are, its run has told, if there is one."""
    run = bench.runs.training.run() if bench.runs.training and bench.form.pasted and not bench.outdated else None
    output = run.opening.output if run else None
    return Bundle(bench.lesson.slug, bench.form.preset.name, bench.form.recipe, output)


def written(bundle: Bundle, shortened: bool = False) -> str:
    """The script; one that holds a learner's data is not remembered."""
    return script(bundle, shortened) if bundle.recipe.table else remembered(bundle)


@lru_cache(maxsize=SCRIPTS_KEPT)
def remembered(bundle: Bundle) -> str:
    return script(bundle)


def refused(bundle: Bundle) -> str | None:
    """Why there is no script, if there is none."""
    try:
        written(bundle, shortened=True)
    except (BadInput, Refused) as problem:
        return str(problem)
    return None


def offer(bench: Bench, place, label: str, file: str, make: Callable[[], str], off: bool = False) -> None:
    """A button that makes the file when it is clicked."""
    ending, key = file.rpartition(".")[2], bench.key(f"take:{label}")
    data = made_on_click(make, file)
    place.download_button(f"{label} .{ending}", data, file, kind(file), key=key, on_click="ignore", disabled=off)
