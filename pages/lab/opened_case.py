"""What is done with a case: made of what is on the page, and put there. Nothing of it runs."""

import streamlit as st

from lessons.course.case import Case
from lessons.recipe.recipe import Pasted
from lessons.recipe.settings import Settings
from pages.lab.bench import Bench
from pages.lab.brought import BROUGHT
from pages.lab.own_model import TEXT
from pages.parts.notice import refusing

PROBLEM, OPENED, TAKEN = "case:problem", "case:opened", "case:taken"  # session keys
ARRIVING = "case:arriving"  # session key: the text of a case that another page sends here


def case_of(bench: Bench) -> Case:
    """What is on this page."""
    form = bench.form
    loss = form.pasted or Pasted("")
    changed = form.settings.to_query(bench.lesson.presets[0].settings)
    return Case(st.session_state.get(TEXT, ""), loss.text, loss.function or "", changed)


def now(bench: Bench) -> Case:
    """What is on this page, with what a click has brought along."""
    bench.collect()
    return case_of(bench)


def arrive(bench: Bench) -> None:
    """Put on the page what another page has sent."""
    if text := st.session_state.pop(ARRIVING, ""):
        take(bench, text)
        bench.redraw = False  # nothing is drawn yet


def open_file(bench: Bench, key: str) -> None:
    file = st.session_state[key]
    if file is None:
        return
    st.session_state[OPENED] = st.session_state.get(OPENED, 0) + 1
    take(bench, file.getvalue().decode("utf-8", "replace"))


def take(bench: Bench, text: str | None) -> None:
    """Put a case on the page. What cannot be used of it is told."""
    if not text:
        return
    state, bench.redraw = st.session_state, True  # what is told stands above what asked
    with refusing(PROBLEM):
        case = Case.read(text)
        settings, problems = Settings.read(case.settings, bench.lesson.presets[0].settings)
        bench.problems = list(map(str, problems))
        bench.lay(settings)
        state[TEXT], state[TAKEN] = case.model, True
        if case.loss:
            state[BROUGHT] = Pasted(case.loss, case.function or None)
