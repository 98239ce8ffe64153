"""Taking it home: the run as a script and as a notebook, its numbers as tables, its figures as a page."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from lessons.export import page, sheets
from lessons.export.archive import ending_of, taken
from lessons.export.bundle import Bundle
from lessons.export.own_notebook import FILES, text
from lessons.export.script import beside, script
from lessons.recipe.bad_input import BadInput
from lessons.sandbox.admission import Refused
from lessons.server.laboratory import Training
from pages.lab.bench import Bench
from pages.parts.download import offer
from pages.parts.quotation import warn


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
        problem = attempted(bundle)[1] if bundle.recipe.walled else ""  # of the lessons' own losses all can be taken
        if problem:
            warn(problem)
        row = st.container(horizontal=True, gap="small")
        for label, ending in (("Script", ".py"), ("Notebook", ".ipynb")):
            name = bundle.file(ending_of(bundle, ending))
            file(bench, row, label, name, partial(taken, bundle, ending), bool(problem))
        if beside(bundle.recipe):
            st.caption("Your data are large: they lie beside it as a table. Unpack both into one folder.")
        results(bench, bench.runs.training)
        st.caption("For a model of your own, in your own notebook:")
        own_notebook(bench.key("takeaway"))


def own_notebook(key: str) -> None:
    """Files of ours that look at any model; the first lines of each say how."""
    row = st.container(horizontal=True, gap="small")
    for name, says in FILES.items():
        says = says[0].upper() + says[1:] + "."
        offer(row, name, name, partial(text, name), f"{key}:{name}", help=says, type="tertiary")


def results(bench: Bench, training: Training | None) -> None:
    """What a run has told so far."""
    run = training.run() if training else None
    st.caption(about(bench, training) if run else "Press Run: its curve, gradients and figures can be taken too.")
    if not run:
        return
    bundle = Bundle(bench.lesson.slug, bench.form.preset.name, training.recipe)
    row = st.container(horizontal=True, gap="small")
    file(bench, row, "Curve", bundle.file("-curve.csv"), lambda: sheets.curve(training.run()))
    file(bench, row, "Gradients", bundle.file("-gradients.csv"), lambda: sheets.gradients(training.run()))
    file(bench, row, "Figures", bundle.file("-figures.html"), lambda: page.page(bundle, training.run()))
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
        text, problem = attempted(packed(bench))
        warn(problem, box) if problem else box.code(text, language="python", height=520)


def packed(bench: Bench) -> Bundle:
    """What is on the form. What the predictions of a pasted loss are, its run has told, if there is one."""
    run = bench.runs.training.run() if bench.runs.training and bench.form.walled and not bench.outdated else None
    output = run.opening.output if run else None
    return Bundle(bench.lesson.slug, bench.form.preset.name, bench.form.recipe, output)


def attempted(bundle: Bundle) -> tuple[str, str]:
    """The script, of own data its first rows; and why there is none, if there is none."""
    try:
        return script(bundle, shortened=True), ""
    except (BadInput, Refused) as problem:
        return "", str(problem)


def file(bench: Bench, place, label: str, name: str, make: Callable[[], str | bytes], off: bool = False) -> None:
    """A button that makes the file when it is clicked."""
    offer(place, f"{label} .{name.rpartition('.')[2]}", name, make, bench.key(f"take:{label}"), disabled=off)
