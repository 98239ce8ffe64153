"""Loss and metrics of a learner's own model side by side, and why they differ."""

import math

import streamlit as st

from lessons.figures.marks import number
from lessons.runs.metrics import MetricValues, says
from lessons.runs.run import Run
from pages.parts.quotation import quoted


def model_metrics(run: Run) -> None:
    """What `evaluate` says of the trained model, where metrics were chosen."""
    st.markdown("#### Metrics beside the loss")
    st.caption("What `evaluate` says of the training data after the training, in one batch and in smaller ones.")
    st.dataframe([told(one) for one in run.metrics], hide_index=True)
    for said in says(run.metrics):
        st.markdown(f"- {quoted(said)}")


def told(one: MetricValues) -> dict[str, str]:
    """A loss or metric as a row of the table."""
    values = (one.whole, one.batches, one.real, one.padded)
    names = ("one batch", f"batches of {one.size}", "real steps alone", "all steps, no mask")
    shown = ("–" if math.isnan(value) else number(value) for value in values)
    return {"": one.said, **dict(zip(names, shown, strict=True))}
