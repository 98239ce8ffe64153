"""The panel of a form, and the training that it shows: begun, watched, stopped, diagnosed."""

import time

import streamlit as st

from lessons.classroom import pace
from lessons.classroom.refusal import TooOften
from lessons.recipe.data import training_batch
from lessons.runs.run import Run
from lessons.sandbox.walled_pool import Busy
from lessons.server.laboratory import Training, shared
from pages.lab.again import ask_again
from pages.lab.comparison_panel import hint, stop_pinned, train_pinned
from pages.lab.diagnosis import Diagnosis, diagnosis_below, diagnosis_of, shade_of, status_words
from pages.lab.form import Form
from pages.lab.prediction import judge, tell
from pages.learner import identity
from pages.parts import quotation
from pages.parts.charts import content, lab
from pages.parts.quotation import fail, first_line
from pages.server.presence import watch

FIRST_LOOK = 0.1  # seconds a click waits for a run to finish before it shows what there is
NEXT_LOOK = 0.25  # seconds between two pictures of a run under way
QUEUE_LOOK = 1.0  # between two looks at a run that has not begun: asking costs more than it tells


def press(form: Form) -> None:
    """Run what the widgets stand at."""
    form.collect()
    start(form)


def start(form: Form) -> None:
    """Begin a training. A second click on the same settings finds the first one's."""
    if form.outdated and form.training is not form.pinned_training:
        leave(form)
    try:
        me = identity.who() if form.pasted else None
        if form.pasted:
            pace.spend("clinic", me)
        form.training = shared().train(form.recipe, id(form), me)
        train_pinned(form)
    except (Busy, TooOften) as problem:
        form.problems = [str(problem)]
        return
    form.watching = True
    form.presses += 1


def stop(form: Form) -> None:
    """Keep what there is of the training in sight, and of the pinned one."""
    if form.watching:
        leave(form)
        halted = form.training.halted()
        if form.pinned_training is form.training:
            form.pinned_training = halted
        form.training = halted
    stop_pinned(form)


def leave(form: Form) -> None:
    if form.watching:
        form.training.leave(id(form))
        form.watching = False


def look(form: Form) -> None:
    """Wait for the training, a moment at most: for its end, or for its beginning once the page says that it waits."""
    training = form.training
    watch(training, id(form))
    waited = form.looked == form.presses
    if waited and not training.job.items:
        training.job.wait_beyond(0, QUEUE_LOOK)
    until = time.monotonic() + (NEXT_LOOK if waited else FIRST_LOOK)
    while not training.done and (left := until - time.monotonic()) > 0:
        training.job.wait_beyond(len(training.job.items), left)
    form.looked = form.presses
    if training.done:
        form.watching = False
        if not (form.outdated or form.own) and (run := training.run()):
            judge(form, run)


@st.fragment
def instruments(form: Form) -> None:
    """The panel, with as much of the run as there is by now; the browser asks for more while it trains.

    A fragment of its own, for that asking: sixty learners' pages ask several times a second.
    """
    form.catch_up()
    if form.watching:
        look(form)
    if not (form.presenting or form.own):
        tell(form)
    training = form.training
    run = training.run() if training else None
    token = f"{form.presses}:{run.epochs}:{form.watching}" if run else ""
    diagnosis = diagnosis_of(form, run)
    lab(
        form.key("lab"),
        content(
            form.settings,
            training_batch(form.recipe),
            run,
            token,
            status(form, run, diagnosis),
            known=token == form.delivered,
            shade=shade_of(diagnosis),
            reveal=form.moves,
        ),
        on_tick=lambda: None,
        on_resend=lambda: forget_delivery(form),
    )
    form.delivered = token
    if training and training.failure:
        fail(f"This cannot be trained: {first_line(training.failure)}")
    for warning in run.opening.warnings if run else ():
        quotation.tell(f"Keras warns: {warning}")
    if not (form.presenting or form.own):
        ask_again(form)
    if diagnosis:
        diagnosis_below(form, run, diagnosis, start)


def forget_delivery(form: Form) -> None:
    form.delivered = ""


def status(form: Form, run: Run | None, diagnosis: Diagnosis | None) -> dict:
    """How far things are, in words, for the panel's status line. `live`: the panel shall ask again."""
    training = form.training
    if training is None:
        if trouble := shared().trouble:
            return {"live": False, "words": trouble, "share": 0}
        ready = shared().ready()
        return {"live": not ready, "words": "" if ready else "warming up: TensorFlow is loading", "share": 0}
    trained, wanted = (run.epochs if run else 0), training.recipe.settings.epochs
    if form.watching:
        words = f"epoch {trained} of {wanted}" if run else waiting(training)
    elif training.failure:
        words = "not trained"
    elif trained < wanted:
        words = f"stopped after {trained} of {wanted} epochs"
    else:
        keras = run.opening.versions["keras"]
        words = f"{trained} epochs in {spent(run)}, Keras {keras}{status_words(diagnosis)}{hint(form)}"
    stale = "The settings have changed since: press Run." if form.outdated else ""
    return {"live": form.watching, "words": words, "share": trained / wanted, "stale": stale}


def waiting(training: Training) -> str:
    if training.recipe.pasted:
        return "starting behind walls, a few seconds the first time"
    if not shared().ready():
        return "warming up: TensorFlow is loading"
    traced = shared().traced(training.recipe)
    return "waiting for a free worker" if traced else "compiling the graph, about a second"


def spent(run: Run) -> str:
    seconds = run.closing.seconds if run.closing else 0
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
