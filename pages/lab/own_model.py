"""A model as text, read behind the walls: its x-ray layer by layer, and the way to train it."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from lessons.classroom import pace
from lessons.classroom.refusal import TooOften
from lessons.course.model_examples import EXAMPLES
from lessons.doctor.usage import read_class_weight
from lessons.figures.layer_figures import layer_figure, layer_words
from lessons.recipe import model, weights
from lessons.recipe.bad_input import BadInput
from lessons.recipe.data import training_batch
from lessons.recipe.interface import Interface
from lessons.recipe.metrics import SUITED, Metric, compiled_metrics
from lessons.recipe.otherwise import left_out
from lessons.recipe.recipe import Recipe
from lessons.recipe.table import Table
from lessons.recipe.words import first_line, sentence
from lessons.sandbox import walled_pool
from lessons.sandbox.admission.model.compiled_loss import loss_itself
from lessons.sandbox.walled_pool import Busy
from lessons.server import walled_tasks
from lessons.workers.job import Job
from pages.lab.bench import Bench
from pages.lab.brought import forget_model
from pages.lab.state import Form
from pages.lab.takeaway import own_notebook
from pages.learner import identity
from pages.learner.seat import ran
from pages.parts.charts import chart
from pages.parts.layout import button, row
from pages.parts.quotation import quoted, warn
from pages.parts.waiting import poll

TEXT, EXAMPLE, PLACE = "own_model:text", "own_model:example", "own_model:look"  # session keys
CHOICE = "own_model:choice"
KEPT = "own_model:kept"  # the text: Streamlit forgets that of a widget which another page does not show
SAMPLE, OUTPUT, METRICS = "own_model:sample", "own_model:output", "own_model:metrics"
WEIGHTS = "own_model:weights"
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
    table: Table | None  # the data that it was looked at with
    job: Job | None  # None: it was not begun
    problem: str = ""  # why not
    since: float = field(default_factory=time.monotonic)


def in_use(bench: Bench) -> None:
    """That the learner's own model is trained, and the way back."""
    if bench.form.model:
        place = row("own_model_in_use")
        place.markdown("**Your model** is trained, in place of a recurrent layer.")
        place.button("Forget it", key="own_model:forget", type="tertiary", on_click=forget_model)


@st.fragment
def own_model(bench: Bench, travel: Callable[[Bench], None]) -> None:
    """The text, what came of it, and where any other model can be looked at. `travel`: draws how a case is shared."""
    if bench.redraw:
        st.rerun()  # it is trained in another part of the page
    st.markdown("#### Which layer loses the mask?")
    st.markdown(ASK)
    state = st.session_state
    state[KEPT] = text = state.setdefault(TEXT, state.get(KEPT, next(iter(EXAMPLES.values()))))
    state[EXAMPLE] = next((label for label, example in EXAMPLES.items() if example == text), None)
    look_at = partial(begin, bench.form)
    st.pills(
        "Example", list(EXAMPLES), key=EXAMPLE, label_visibility="collapsed", on_change=take_example, args=[look_at]
    )
    left, right = st.columns([1, 1.4], gap="medium")
    with left:
        st.text_area("Your model", key=TEXT, height=HEIGHT, label_visibility="collapsed")
        place = row("own_model_bar")
        look: Look | None = st.session_state.get(PLACE)
        button(place, "Look at it", "own_model:go", "search", look_at, type="primary")
        if look and look.job and not look.job.done():
            button(place, "Stop", "own_model:stop", "stop", stop)
            with place:
                poll(look.job.done, lambda: f"looking, {time.monotonic() - look.since:.0f} s")
        travel(bench)
    with right:
        result(bench, look)
    st.caption(OTHERS)
    own_notebook("own_model")


def take_example(look_at: Callable[[], None]) -> None:
    if label := st.session_state[EXAMPLE]:
        st.session_state[TEXT] = EXAMPLES[label]
        look_at()


def begin(form: Form, choice: str | None = None) -> None:
    """Have the text looked at, on own data where there are some; one that is under way is stopped.

    `choice`: of several models in it.
    """
    stop()
    text, batch = st.session_state[TEXT], []
    if form.table:
        padded = training_batch(Recipe(form.settings, form.table))
        batch = [np.nan_to_num(padded.x), padded.real, max(2, len(form.table.classes))]
    try:
        pace.spend("clinic", identity.who())
        job = walled_pool.shared().submit(walled_tasks.inspect_model, text, choice, *batch, who=identity.who())
    except (Busy, TooOften) as problem:
        st.session_state[PLACE] = Look(text, form.table, None, str(problem))
    else:
        st.session_state[PLACE] = Look(text, form.table, job)
        ran()


def stop() -> None:
    look: Look | None = st.session_state.pop(PLACE, None)
    if look and look.job:
        look.job.stop()


def result(bench: Bench, look: Look | None) -> None:
    """What was found, or why nothing was."""
    if look is None:
        st.caption("Press “Look at it”: each layer appears here, with what became of the mask.")
        return
    if look.job is None:
        warn(look.problem)
        return
    if not look.job.done() or look.job.stopped:
        return
    if changed := look.text != st.session_state[TEXT]:
        st.caption("The text has changed since: look at it again.")
    elif changed := look.table != bench.form.table:
        st.caption("Your data have changed since: look at it again.")
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
                     on_change=lambda: begin(bench.form, st.session_state[CHOICE]))  # fmt: skip
    for one in found["findings"]:
        st.markdown(f"- {quoted(one['message'])} :gray[:small[{quoted(one['code'])}]]")
    if not found["findings"]:
        st.markdown(f"- {quoted(found['says'][0])}")
    if not changed:
        to_train(bench, look.text, found)
    table(found)
    samples(found)
    for call in found["calls"]:
        for warning in call["warnings"]:
            st.caption(f"Keras warns: {quoted(warning)}")


def to_train(bench: Bench, text: str, found: Mapping[str, Any]) -> None:
    """The button that trains it; else why it cannot be trained here."""
    if not found["interface"]:
        st.caption(f"It is not trained here. {quoted(found['untrained'])}")
        return
    try:
        choices = Interface.read(found["interface"]).choices()
    except BadInput as problem:
        warn(str(problem))
        return
    interface = picked(choices)
    metrics = asked_metrics(interface, found["compiled"])
    given = asked_weights(interface, found["compiled"])
    mine = model.Model(text, found["choice"], interface, metrics, given)
    label = "Train it again" if bench.form.model == mine else "Train it"
    place = row("own_model_train")
    begins = model.outset(interface, found["compiled"])
    loss = loss_itself(interface, found["compiled"], text)
    button(place, label, "own_model:train", "play_arrow", bench.train_model, mine, begins, loss)
    data = "your data" if bench.form.table else "generated ids" if interface.words else "generated sequences"
    per = "step" if interface.per_step else "sequence"
    place.caption(f"On {data}, a label per {per}: curve, gradient at each step, findings.")
    for said in (*given.sentences(interface), *left_out(interface, found["compiled"], itself=loss is not None)):
        st.caption(quoted(said))
    if found["steps"]:
        st.caption(f"{' and '.join(map(quoted, found['steps']))} of your text is not run: Keras' own takes its place.")


def picked(choices: Sequence[Interface]) -> Interface:
    """Of several inputs and outputs those that are looked at; the others are trained too."""
    if len(choices) == 1:
        return choices[0]
    names = [one.said() for one in choices]
    chosen = st.selectbox("Looked at: predictions, and their gradient; all is trained together", names, key=OUTPUT)
    return choices[names.index(chosen) if chosen in names else 0]


def asked_metrics(interface: Interface, compiled: Mapping[str, Any] | None) -> tuple[Metric, ...]:
    """Those that are chosen for what is looked at, at first as the text names them, and those of other outputs."""
    named = compiled_metrics(interface, compiled)
    own = [one.name for one in named if one.at == interface.at and not one.weighted]
    labels = interface.put_out.labels
    key = f"{METRICS}:{interface.at}:{labels}:{','.join(own)}"
    chosen = st.multiselect("Metrics beside the loss", SUITED[labels], own, key=key)
    others = (one for one in named if one.at != interface.at or one.weighted)
    return (*(Metric(interface.at, name) for name in chosen), *others)


def asked_weights(interface: Interface, compiled: Mapping[str, Any] | None) -> weights.Weights:
    """What `fit` is given: sample_weight by its shape, or class_weight, at first that of the text."""
    place = row("own_model_weights")
    kinds = weights.offered(interface)
    key = f"{WEIGHTS}:{interface.at}:{interface.per_step}"
    kind = place.selectbox("sample_weight", kinds, key=key, format_func=weights.KINDS.__getitem__) or weights.NONE
    last = weights.LAST
    try:
        if kind != weights.NONE:
            last = place.number_input("From 1 to", 0.0, weights.MOST, weights.LAST, key=f"{WEIGHTS}:last")
            return weights.Weights(kind, last)
        if weights.untakable(interface):
            return weights.Weights()
        own = ", ".join(f"{label}: {weight:g}" for label, weight in weights.class_weight_of(interface, compiled))
        typed = place.text_input("class_weight", own, key=f"{WEIGHTS}:classes:{own}", placeholder="0: 1, 1: 5")
        pairs = read_class_weight("class_weight", typed) if typed.strip() else ()
        return weights.Weights(classes=pairs)
    except BadInput as problem:
        warn(str(problem))
        return weights.Weights()


def samples(found: Mapping[str, Any]) -> None:
    """A picture of what a layer puts out for one padded sequence."""
    calls = [call for call in found["calls"] if call["sample"] is not None]
    if not calls:
        return
    names = [f"{number + 1} · {call['name']}" for number, call in enumerate(calls)]
    picked = st.selectbox("What a layer puts out, for one sequence", names, key=SAMPLE)
    call = calls[names.index(picked) if picked in names else 0]
    real = np.array(found["real"])
    chart("own_model:sample_chart", layer_figure(call["sample"], real), layer_words(call["sample"], real), height=220)


def table(found: Mapping[str, Any]) -> None:
    """The calls of the layers, a row each."""
    st.dataframe([told(call) for call in found["calls"]], hide_index=True)


def told(call: Mapping[str, Any]) -> dict[str, str]:
    """A call as a row of the table."""
    return {
        "layer": "\u2003" * call["depth"] + call["layer"],
        "shape": " × ".join(map(str, call["shape"][1:])) or "1",
        "mask in": "yes" if call["mask_in"] else "–",
        "mask out": "yes" if call["mask_out"] else "–",
        "what became of it": MADE.get(call["verdict"], call["verdict"]),
        "on masked steps": call["on_padding"],
        "padding gets in": ENTERS[call["enters"]],
        "where": f"line {call['line']}" if call["line"] else "",
    }
