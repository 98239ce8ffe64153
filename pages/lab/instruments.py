"""The panel of a desk, and the training that it shows: begun, watched, stopped, diagnosed."""

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
from pages.lab.diagnosis import Diagnosis, diagnosis_below, diagnosis_of, shade_of, told
from pages.lab.form import Desk
from pages.lab.prediction import judge, tell
from pages.learner import identity
from pages.parts import quotation
from pages.parts.charts import content, lab
from pages.parts.quotation import fail, first_line
from pages.server.presence import watch

FIRST_LOOK = 0.1  # seconds a click waits for a run to finish before it shows what there is
NEXT_LOOK = 0.25  # seconds between two pictures of a run under way
QUEUE_LOOK = 1.0  # between two looks at a run that has not begun: asking costs more than it tells


def press(desk: Desk) -> None:
    """Run what the widgets stand at."""
    desk.collect()
    start(desk)


def start(desk: Desk) -> None:
    """Begin a training. A second click on the same settings finds the first one's."""
    if desk.outdated and desk.training is not desk.pinned_training:
        leave(desk)
    try:
        me = identity.who() if desk.pasted else None
        if desk.pasted:
            pace.spend("clinic", me)
        desk.training = shared().train(desk.recipe, id(desk), me)
        train_pinned(desk)
    except (Busy, TooOften) as problem:
        desk.problems = [str(problem)]
        return
    desk.watching = True
    desk.presses += 1


def stop(desk: Desk) -> None:
    """Keep what there is of the training in sight, and of the pinned one."""
    if desk.watching:
        leave(desk)
        halted = desk.training.halted()
        if desk.pinned_training is desk.training:
            desk.pinned_training = halted
        desk.training = halted
    stop_pinned(desk)


def leave(desk: Desk) -> None:
    if desk.watching:
        desk.training.leave(id(desk))
        desk.watching = False


def look(desk: Desk) -> None:
    """Wait for the training, a moment at most: for its end, or for its beginning once the page says that it waits."""
    training = desk.training
    watch(training, id(desk))
    waited = desk.looked == desk.presses
    if waited and not training.job.items:
        training.job.wait_beyond(0, QUEUE_LOOK)
    until = time.monotonic() + (NEXT_LOOK if waited else FIRST_LOOK)
    while not training.done and (left := until - time.monotonic()) > 0:
        training.job.wait_beyond(len(training.job.items), left)
    desk.looked = desk.presses
    if training.done:
        desk.watching = False
        if not (desk.outdated or desk.own) and (run := training.run()):
            judge(desk, run)


@st.fragment
def instruments(desk: Desk) -> None:
    """The panel, with as much of the run as there is by now; the browser asks for more while it trains.

    A fragment of its own, for that asking: sixty learners' pages ask several times a second.
    """
    desk.catch_up()
    if desk.watching:
        look(desk)
    if not (desk.presenting or desk.own):
        tell(desk)
    training = desk.training
    run = training.run() if training else None
    token = f"{desk.presses}:{run.epochs}:{desk.watching}" if run else ""
    diagnosis = diagnosis_of(desk, run)
    lab(
        desk.key("lab"),
        content(
            desk.settings,
            training_batch(desk.recipe),
            run,
            token,
            status(desk, run, diagnosis),
            known=token == desk.delivered,
            shade=shade_of(diagnosis),
            reveal=desk.moves,
        ),
        on_tick=lambda: None,
        on_resend=lambda: forget_delivery(desk),
    )
    desk.delivered = token
    if training and training.failure:
        fail(f"This cannot be trained: {first_line(training.failure)}")
    for warning in run.opening.warnings if run else ():
        quotation.tell(f"Keras warns: {warning}")
    if not (desk.presenting or desk.own):
        ask_again(desk)
    if diagnosis:
        diagnosis_below(desk, run, diagnosis, start)


def forget_delivery(desk: Desk) -> None:
    desk.delivered = ""


def status(desk: Desk, run: Run | None, diagnosis: Diagnosis | None) -> dict:
    """How far things are, in words, for the panel's status line. `live`: the panel shall ask again."""
    training = desk.training
    if training is None:
        if trouble := shared().trouble:
            return {"live": False, "words": trouble, "share": 0}
        ready = shared().ready()
        return {"live": not ready, "words": "" if ready else "warming up: TensorFlow is loading", "share": 0}
    trained, wanted = (run.epochs if run else 0), training.recipe.settings.epochs
    if desk.watching:
        words = f"epoch {trained} of {wanted}" if run else waiting(training)
    elif training.failure:
        words = "not trained"
    elif trained < wanted:
        words = f"stopped after {trained} of {wanted} epochs"
    else:
        words = f"{trained} epochs in {spent(run)}, Keras {run.opening.versions['keras']}{told(diagnosis)}{hint(desk)}"
    stale = "The settings have changed since: press Run." if desk.outdated else ""
    return {"live": desk.watching, "words": words, "share": trained / wanted, "stale": stale}


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
