"""Which layer loses the mask? A model as text, read behind the walls, and its x-ray layer by layer."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from lessons.classroom import pace
from lessons.classroom.refusal import TooOften
from lessons.course.model_examples import EXAMPLES
from lessons.recipe.words import first_line, sentence
from lessons.sandbox import walled_pool
from lessons.sandbox.walled_pool import Busy
from lessons.server import walled_tasks
from lessons.workers.job import Job
from pages.lab.takeaway import own_notebook
from pages.learner import identity
from pages.parts.layout import button, row
from pages.parts.quotation import quoted, warn
from pages.parts.waiting import poll

TEXT, EXAMPLE, PLACE = "own_model:text", "own_model:example", "own_model:look"  # session keys
CHOICE = "own_model:choice"
KEPT = "own_model:kept"  # the text: Streamlit forgets that of a widget which another page does not show
HEIGHT = 260
ASK = (
    "Paste a Keras model: layers in a row, by calls, or a class of your own. It is run here, behind walls, on a small "
    "padded batch: where a mask goes in and comes out, and whether what stands on masked steps gets in."
)
OTHERS = (
    "`python -m lessons examine MODEL.py` does the same on your machine, where nothing is refused, and so does the "
    "first of these files in your notebook."
)
MADE = {"lost before": "lost on the way here", "ended": "ends here", "": "–"}
ENTERS = {True: "yes", False: "no", None: ""}


@dataclass
class Look:
    """What was asked of a text, and the job that finds it out."""

    text: str
    job: Job | None  # None: it was not begun
    problem: str = ""  # why not
    since: float = field(default_factory=time.monotonic)


@st.fragment
def own_model() -> None:
    """The text, what came of it, and where any other model can be looked at."""
    st.markdown("#### Which layer loses the mask?")
    st.markdown(ASK)
    state = st.session_state
    state[KEPT] = text = state.setdefault(TEXT, state.get(KEPT, next(iter(EXAMPLES.values()))))
    state[EXAMPLE] = next((label for label, example in EXAMPLES.items() if example == text), None)
    st.pills("Example", list(EXAMPLES), key=EXAMPLE, label_visibility="collapsed", on_change=take_example)
    left, right = st.columns([1, 1.4], gap="medium")
    with left:
        st.text_area("Your model", key=TEXT, height=HEIGHT, label_visibility="collapsed")
        place = row("own_model_bar")
        look: Look | None = st.session_state.get(PLACE)
        button(place, "Look at it", "own_model:go", "search", begin, type="primary")
        if look and look.job and not look.job.done():
            button(place, "Stop", "own_model:stop", "stop", stop)
            with place:
                poll(look.job.done, lambda: f"looking, {time.monotonic() - look.since:.0f} s")
    with right:
        result(look)
    st.caption(OTHERS)
    own_notebook("own_model")


def take_example() -> None:
    if label := st.session_state[EXAMPLE]:
        st.session_state[TEXT] = EXAMPLES[label]
        begin()


def begin(choice: str | None = None) -> None:
    """Have the text looked at; one that is under way is stopped. `choice`: of several models in it."""
    stop()
    text = st.session_state[TEXT]
    try:
        pace.spend("clinic", identity.who())
        job = walled_pool.shared().submit(walled_tasks.inspect_model, text, choice, who=identity.who())
    except (Busy, TooOften) as problem:
        st.session_state[PLACE] = Look(text, None, str(problem))
    else:
        st.session_state[PLACE] = Look(text, job)


def stop() -> None:
    look: Look | None = st.session_state.pop(PLACE, None)
    if look and look.job:
        look.job.stop()


def result(look: Look | None) -> None:
    """What was found, or why nothing was."""
    if look is None:
        st.caption("Press “Look at it”: each layer appears here, with what became of the mask.")
        return
    if look.job is None:
        warn(look.problem)
        return
    if not look.job.done() or look.job.stopped:
        return
    if look.text != st.session_state[TEXT]:
        st.caption("The text has changed since: look at it again.")
    if failure := look.job.exception():
        warn(sentence(first_line(failure)))
        return
    found: Mapping[str, Any] = look.job.result()
    if refused := found["refused"]:
        warn(f"line {refused['line']}: {refused['message']}" if refused["line"] else refused["message"])
        return
    if len(found["candidates"]) > 1:
        candidates = found["candidates"]
        st.selectbox("Model", candidates, candidates.index(found["choice"]), key=CHOICE,
                     on_change=lambda: begin(st.session_state[CHOICE]))  # fmt: skip
    for said in found["says"]:
        st.markdown(f"- {quoted(said)}")
    st.dataframe([told(call) for call in found["calls"]], hide_index=True)
    for call in found["calls"]:
        for warning in call["warnings"]:
            st.caption(f"Keras warns: {quoted(warning)}")


def told(call: Mapping[str, Any]) -> dict[str, str]:
    """A call as a row of the table."""
    return {
        "layer": "\u2003" * call["depth"] + call["layer"],
        "shape": " × ".join(map(str, call["shape"][1:])) or "1",
        "mask in": "yes" if call["mask_in"] else "–",
        "mask out": "yes" if call["mask_out"] else "–",
        "what became of it": MADE.get(call["verdict"], call["verdict"]),
        "padding gets in": ENTERS[call["enters"]],
        "where": f"line {call['line']}" if call["line"] else "",
    }
