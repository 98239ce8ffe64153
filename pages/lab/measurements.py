"""Experiments of a lesson: press, measure, read."""

import streamlit as st

from lessons.course.experiment import Experiment, Measured
from lessons.server.laboratory import shared
from pages.lab.bench import Bench
from pages.parts.charts import chart
from pages.parts.layout import button, row
from pages.parts.quotation import fail
from pages.parts.waiting import poll


def experiment(bench: Bench, name: str, it: Experiment) -> None:
    """Title, button, code; once measured, what came out. `name` keys its widgets."""
    with st.container(border=True):
        st.markdown(f"**{it.title}**")
        st.caption(it.says)
        picked: tuple = ()
        if it.pick:
            chosen = st.multiselect("Take", it.pick, default=it.pick, key=bench.key(f"pick:{name}"))
            picked = (tuple(chosen),)
        place = row(gap="medium")
        button(place, "Measure", bench.key(f"measure:{name}"), "science", bench.measure, name, picked,
               disabled=picked == ((),))  # fmt: skip
        if bench.measured.get(name) == picked:
            outcome(bench, name, it, picked)
        else:
            place.caption("not yet measured")
        with st.expander("The code that is measured", icon=":material/code:"):
            st.code(it.source, language="python")


def outcome(bench: Bench, name: str, it: Experiment, picked: tuple) -> None:
    job = shared().measure(it.measure, *picked)
    if not job.done():
        poll(job.done, "measuring")
        return
    failure = job.exception()
    if failure is not None:
        fail(f"It raises: {failure}" if it.explains else f"The measurement failed: {failure}")
        if it.explains:
            st.markdown(it.explains)
        return
    show(bench, name, job.result())


def show(bench: Bench, name: str, measured: Measured) -> None:
    st.markdown(measured.sentence)
    if measured.figure:
        chart(bench.key(f"chart:{name}"), measured.figure, measured.sentence)
    if measured.rows:
        st.dataframe(list(measured.rows), hide_index=True, width="stretch")
