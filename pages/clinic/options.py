"""How the loss is used: what the learner declares, and what is inferred."""

import streamlit as st

from lessons.doctor.usage import ACTIVATIONS, LABELS, PADDINGS, TASKS, WEIGHTS
from pages.clinic.consultation import OPTIONS, Consultation, key_of
from pages.parts.layout import button
from pages.parts.quotation import warn

SHAPES = ("B", "B,1", "B,3", "B,T", "B,T,1", "B,T,3")  # that are offered
WEIGHED = ("sample_weight", "class_weight")  # never inferred
FIRST = 4  # options that are in sight; the others are behind “More”
# label, help, what the list offers, whether other values can be typed
CHOICES = {
    "task": (
        "Task",
        "What the model is for: a number (regression), yes or no (binary), one of several classes …",
        TASKS,
        False,
    ),
    "shape": ("Prediction's shape", "B is the batch and T time; other sizes can be typed.", SHAPES, True),
    "labels": (
        "Labels",
        "What a label is. Where its columns are of different kinds one for each: float,binary.",
        LABELS,
        True,
    ),
    "padding": (
        "Padding",
        "How padded or missing labels are marked: keras is a Masking layer, a number is the label that marks them.",
        (*PADDINGS, "0", "-1", "-999"),
        True,
    ),
    "activation": (
        "Activation",
        "What the model's last layer applies. For heads with several columns one for each: linear,softplus.",
        ACTIVATIONS,
        True,
    ),
    "label_shape": ("Label's shape", "Where it differs from the prediction's.", SHAPES, True),
    "sample_weight": (
        "Sample weights",
        "Where fit is given sample_weight: one number for each sample, each step, or each column of the labels.",
        WEIGHTS,
        False,
    ),
    "class_weight": (
        "Class weights",
        "Where fit is given class_weight: each class with its weight, such as 0:1,1:5.",
        ("0:1,1:5", "0:1,1:2,2:4"),
        True,
    ),
}
assert tuple(CHOICES) == OPTIONS


def options(mine: Consultation) -> None:
    """How the loss is used. What is left out is inferred, and what was inferred is shown in its place."""
    found = mine.admitted
    if found and (len(found.candidates) > 1 or found.default is None):
        default = found.default
        st.selectbox(
            "Function",
            found.candidates,
            index=None,
            placeholder=f"the last: {default}" if default else "choose one",
            accept_new_options=True,
            key="clinic:function",
            help="Which one is examined. One that makes a loss is called: focal(2.0).",
        )
    fields(mine, OPTIONS[:FIRST])
    with st.expander("More", key="clinic-more", expanded=any(name in mine.options for name in OPTIONS[FIRST:])):
        fields(mine, OPTIONS[FIRST:])
    if mine.mistake:
        warn(mine.mistake)
    if mine.options:
        button(st, "Infer everything", "clinic:infer", "undo", infer_everything, mine, quiet=True)


def fields(mine: Consultation, names: tuple[str, ...]) -> None:
    """Two in a row."""
    for pair in zip(names[::2], names[1::2], strict=True):
        for place, name in zip(st.columns(2, gap="small"), pair, strict=True):
            label, help_, offered, free = CHOICES[name]
            place.selectbox(
                label,
                offered,
                index=None,
                placeholder=inferred(mine, name),
                accept_new_options=free,
                key=key_of(name),
                help=help_,
            )


def inferred(mine: Consultation, name: str) -> str:
    """What stands where nothing was chosen."""
    result = mine.result
    if result and not mine.stale and name in result.get("inferred", ()):
        return f"inferred: {result['usage'][name]}"
    return "none" if name in WEIGHED else "infer"


def infer_everything(mine: Consultation) -> None:
    mine.collect()
    mine.options = {}
    mine.lay()
