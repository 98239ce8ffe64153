"""Experiments of a lesson: press, measure, read."""

import streamlit as st

from lessons.course.experiment import Experiment, Measured
from lessons.server.laboratory import shared
from pages.lab.form import Form
from pages.parts.charts import chart
from pages.parts.quotation import fail

LOOK = 0.2  # seconds between two looks whether the worker is done


def experiment(form: Form, name: str, it: Experiment) -> None:
    """Title, button, code; once measured, what came out. `name` keys its widgets."""
    with st.container(border=True):
        st.markdown(f"**{it.title}**")
        st.caption(it.says)
        picked = ()
        if it.pick:
            chosen = st.multiselect("Take", it.pick, default=it.pick, key=form.key(f"pick:{name}"))
            picked = (tuple(chosen),)
        row = st.container(horizontal=True, vertical_alignment="center")
        row.button(
            "Measure",
            key=form.key(f"measure:{name}"),
            icon=":material/science:",
            disabled=picked == ((),),
            on_click=lambda: form.asked.update({name: picked}),
        )
        if form.asked.get(name) == picked:
            outcome(form, name, it, picked)
        else:
            row.caption("not yet measured")
        with st.expander("The code that is measured", icon=":material/code:"):
            st.code(it.source, language="python")


def outcome(form: Form, name: str, it: Experiment, picked: tuple) -> None:
    job = shared().measure(it.measure, *picked)
    if not job.done():
        with st.spinner("measuring"):
            while not job.wait_beyond(0, LOOK):
                st.empty()  # lets Streamlit interrupt: another click must not wait for this
    failure = job.exception()
    if failure is not None:
        fail(f"It raises: {failure}" if it.explains else f"The measurement failed: {failure}")
        if it.explains:
            st.markdown(it.explains)
        return
    show(form, name, job.result())


def show(form: Form, name: str, measured: Measured) -> None:
    st.markdown(measured.sentence)
    if measured.figure:
        chart(form.key(f"chart:{name}"), measured.figure, measured.sentence)
    if measured.rows:
        st.dataframe(list(measured.rows), hide_index=True, width="stretch")
