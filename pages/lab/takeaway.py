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
from pages.lab.form import Form
from pages.parts.download import kind, made_on_click
from pages.parts.quotation import warn

SCRIPTS_KEPT = 64  # in memory, ten kilobytes each


@st.fragment
def takeaway(form: Form) -> None:
    """What can be downloaded. Opening it draws it again: a run may have come since."""
    key = form.key("takeaway")
    menu = st.popover("Take it home", icon=":material/download:", type="tertiary", key=key, on_change="rerun")
    menu.caption("This experiment in plain Keras. It needs tensorflow and numpy, and gives the same numbers.")
    if not menu.open:
        return
    bundle = packed(form)
    with menu:
        problem = refused(bundle) if bundle.recipe.pasted else None  # of the lessons' own losses all can be taken
        if problem:
            warn(problem)
        row = st.container(horizontal=True, gap="small")
        offer(form, row, "Script", bundle.file(".py"), lambda: written(bundle), off=bool(problem))
        offer(form, row, "Notebook", bundle.file(".ipynb"), lambda: notebook(bundle), off=bool(problem))
        results(form, form.training)


def results(form: Form, training: Training | None) -> None:
    """What a run has told so far."""
    run = training.run() if training else None
    st.caption(about(form, training) if run else "Press Run: its curve, gradients and figures can be taken too.")
    if not run:
        return
    bundle = Bundle(form.lesson.slug, form.preset.name, training.recipe)
    row = st.container(horizontal=True, gap="small")
    offer(form, row, "Curve", bundle.file("-curve.csv"), lambda: sheets.curve(training.run()))
    offer(form, row, "Gradients", bundle.file("-gradients.csv"), lambda: sheets.gradients(training.run()))
    offer(form, row, "Figures", bundle.file("-figures.html"), lambda: page.page(bundle, training.run()))
    st.caption("A single figure is saved as PNG or SVG from the corner of its chart.")


def about(form: Form, training: Training) -> str:
    if form.outdated:
        return "Of the run in sight, which had other settings:"
    return "Of the run so far:" if not training.done else "Of the run in sight:"


def preview(form: Form) -> None:
    """The script, to be read here. It is made when it is opened."""
    key = form.key("script")
    box = st.expander("The whole run as a script", icon=":material/description:", key=key, on_change="rerun")
    if box.open:
        bundle = packed(form)
        problem = refused(bundle)
        warn(problem, box) if problem else box.code(written(bundle, shortened=True), language="python", height=520)


def packed(form: Form) -> Bundle:
    """What is on the form. What the predictions of a pasted loss are, its run has told, if there is one."""
    run = form.training.run() if form.training and form.pasted and not form.outdated else None
    output = run.opening.output if run else None
    return Bundle(form.lesson.slug, form.preset.name, form.recipe, output)


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


def offer(form: Form, place, label: str, file: str, make: Callable[[], str], off: bool = False) -> None:
    """A button that makes the file when it is clicked."""
    ending, key = file.rpartition(".")[2], form.key(f"take:{label}")
    data = made_on_click(make, file)
    place.download_button(f"{label} .{ending}", data, file, kind(file), key=key, on_click="ignore", disabled=off)
