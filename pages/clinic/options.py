"""How the loss is used: what the learner declares, and what is inferred."""

import streamlit as st

from lessons.doctor.usage import ACTIVATIONS, LABELS, PADDINGS, TASKS
from pages.clinic.consultation import OPTIONS, Consultation, key_of
from pages.parts.layout import button
from pages.parts.quotation import warn

SHAPES = ("B", "B,1", "B,3", "B,T", "B,T,1", "B,T,3")  # that are offered
# label, help, what the list offers, whether other values can be typed
CHOICES = {
    "task": ("Task", "What the model is for.", TASKS, False),
    "activation": (
        "Activation",
        "What the model's last layer applies. For heads with several columns one for each: linear,softplus.",
        ACTIVATIONS,
        True,
    ),
    "shape": ("Prediction's shape", "B is the batch and T time; other sizes can be typed.", SHAPES, True),
    "label_shape": ("Label's shape", "Where it differs from the prediction's.", SHAPES, True),
    "labels": ("Labels", "What a label is.", LABELS, False),
    "padding": (
        "Padding",
        "How padded or missing labels are marked: keras is a Masking layer, a number is the label that marks them.",
        (*PADDINGS, "0", "-1", "-999"),
        True,
    ),
}
assert tuple(CHOICES) == OPTIONS


def options(mine: Consultation) -> None:
    """How the loss is used. What is left out is inferred, and what was inferred is shown in its place."""
    if mine.refusal is None and (len(mine.admission.candidates) > 1 or mine.admission.default is None):
        default = mine.admission.default
        st.selectbox(
            "Function",
            mine.admission.candidates,
            index=None,
            placeholder=f"the last: {default}" if default else "choose one",
            accept_new_options=True,
            key="clinic:function",
            help="Which one is examined. One that makes a loss is called: focal(2.0).",
        )
    for names in (OPTIONS[:2], OPTIONS[2:4], OPTIONS[4:]):
        for place, name in zip(st.columns(2, gap="small"), names, strict=True):
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
    if mine.mistake:
        warn(mine.mistake)
    if mine.options:
        button(st, "Infer everything", "clinic:infer", "undo", infer_everything, mine, quiet=True)


def inferred(mine: Consultation, name: str) -> str:
    """What stands where nothing was chosen."""
    result = mine.result
    if result and not mine.stale and name in result.get("inferred", ()):
        return f"inferred: {result['usage'][name]}"
    return "infer"


def infer_everything(mine: Consultation) -> None:
    mine.collect()
    mine.options = {}
    mine.lay()
