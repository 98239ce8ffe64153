"""Taking it home: the run as a script and as a notebook, its numbers as tables, its figures as a page."""

from collections.abc import Callable
from functools import lru_cache

import streamlit as st

from lessons.export import page, sheets
from lessons.export.bundle import Parcel
from lessons.export.notebook import notebook
from lessons.export.script import script
from lessons.recipe.settings import BadInput
from lessons.sandbox.admission import Refused
from lessons.server.laboratory import Training
from pages.lab.form import Desk
from pages.parts.download import kind, made_on_click
from pages.parts.quotation import warn

SCRIPTS_KEPT = 64  # in memory, ten kilobytes each


@st.fragment
def takeaway(desk: Desk) -> None:
    """What can be downloaded. Opening it draws it again: a run may have come since."""
    key = desk.key("takeaway")
    menu = st.popover("Take it home", icon=":material/download:", type="tertiary", key=key, on_change="rerun")
    menu.caption("This experiment in plain Keras. It needs tensorflow and numpy, and gives the same numbers.")
    if not menu.open:
        return
    parcel = packed(desk)
    with menu:
        problem = refused(parcel) if parcel.recipe.pasted else None  # of the lessons' own losses all can be taken
        if problem:
            warn(problem)
        row = st.container(horizontal=True, gap="small")
        offer(desk, row, "Script", parcel.file(".py"), lambda: written(parcel), off=bool(problem))
        offer(desk, row, "Notebook", parcel.file(".ipynb"), lambda: notebook(parcel), off=bool(problem))
        results(desk, desk.training)


def results(desk: Desk, training: Training | None) -> None:
    """What a run has told so far."""
    run = training.run() if training else None
    st.caption(about(desk, training) if run else "Press Run: its curve, gradients and figures can be taken too.")
    if not run:
        return
    parcel = Parcel(desk.lesson.slug, desk.preset.name, training.recipe)
    row = st.container(horizontal=True, gap="small")
    offer(desk, row, "Curve", parcel.file("-curve.csv"), lambda: sheets.curve(training.run()))
    offer(desk, row, "Gradients", parcel.file("-gradients.csv"), lambda: sheets.gradients(training.run()))
    offer(desk, row, "Figures", parcel.file("-figures.html"), lambda: page.page(parcel, training.run()))
    st.caption("A single figure is saved as PNG or SVG from the corner of its chart.")


def about(desk: Desk, training: Training) -> str:
    if desk.outdated:
        return "Of the run in sight, which had other settings:"
    return "Of the run so far:" if not training.done else "Of the run in sight:"


def preview(desk: Desk) -> None:
    """The script, to be read here. It is made when it is opened."""
    key = desk.key("script")
    box = st.expander("The whole run as a script", icon=":material/description:", key=key, on_change="rerun")
    if box.open:
        parcel = packed(desk)
        problem = refused(parcel)
        warn(problem, box) if problem else box.code(written(parcel, shortened=True), language="python", height=520)


def packed(desk: Desk) -> Parcel:
    """What is on the desk. What the predictions of a pasted loss are, its run has told, if there is one."""
    run = desk.training.run() if desk.training and desk.pasted and not desk.outdated else None
    output = run.opening.output if run else None
    return Parcel(desk.lesson.slug, desk.preset.name, desk.recipe, output)


def written(parcel: Parcel, shortened: bool = False) -> str:
    """The script; one that holds a learner's data is not remembered."""
    return script(parcel, shortened) if parcel.recipe.table else remembered(parcel)


@lru_cache(maxsize=SCRIPTS_KEPT)
def remembered(parcel: Parcel) -> str:
    return script(parcel)


def refused(parcel: Parcel) -> str | None:
    """Why there is no script, if there is none."""
    try:
        written(parcel, shortened=True)
    except (BadInput, Refused) as problem:
        return str(problem)
    return None


def offer(desk: Desk, place, label: str, file: str, make: Callable[[], str], off: bool = False) -> None:
    """A button that makes the file when it is clicked."""
    ending, key = file.rpartition(".")[2], desk.key(f"take:{label}")
    data = made_on_click(make, file)
    place.download_button(f"{label} .{ending}", data, file, kind(file), key=key, on_click="ignore", disabled=off)
