"""The lesson page: one template for all lessons (DESIGN §3)."""

import time
from urllib.parse import urlencode

import streamlit as st

from lessons import losses
from lessons.data import training_batch
from lessons.laboratory import Training, shared
from lessons.lesson import Lesson
from lessons.settings import Settings
from pages.ui.controls import controls
from pages.ui.desk import Desk, desk_of, write_address
from pages.ui.lab import content, lab

FIRST_LOOK = 0.1  # seconds a click waits for a run to finish before it shows what there is
NEXT_LOOK = 0.25


def render(lesson: Lesson) -> None:
    desk = desk_of(lesson)
    shared().prepare(*(preset.settings for preset in lesson.presets))
    st.markdown(f"### {lesson.title}")
    st.markdown(lesson.text)
    laboratory(desk)


@st.fragment
def laboratory(desk: Desk) -> None:
    """Presets, controls and instruments. A fragment: a click draws this again and not the whole page."""
    if desk.watching:
        look(desk, NEXT_LOOK if desk.delivered else FIRST_LOOK)
    for problem in desk.problems:
        st.warning(problem)
    presets(desk)
    left, right = st.columns([1, 3.6], gap="medium")
    with left.container(key="controls"):
        row = st.container(horizontal=True, gap="small")
        desk.settings = controls(desk)
        buttons(desk, row)
    with right:
        instruments(desk)
    write_address(desk)
    code(desk)


def presets(desk: Desk) -> None:
    names = [preset.name for preset in desk.lesson.presets]
    key = desk.key("preset")
    st.pills(
        "Preset",
        names,
        format_func=lambda name: desk.lesson.preset(name).label,
        key=key,
        required=True,
        label_visibility="collapsed",
        on_change=lambda: desk.take(desk.lesson.preset(st.session_state[key])),
    )
    row = st.container(horizontal=True, vertical_alignment="center")
    row.caption(desk.preset.says)
    if desk.changed:
        row.button(
            f"Reset {len(desk.changed)} changed",
            key=desk.key("reset"),
            type="tertiary",
            icon=":material/undo:",
            on_click=lambda: desk.take(desk.preset),
        )


def buttons(desk: Desk, row) -> None:
    row.button(
        "Run",
        key=desk.key("run"),
        type="primary",
        icon=":material/play_arrow:",
        shortcut="Ctrl+Enter",
        on_click=lambda: start(desk),
    )
    row.button(
        "Stop",
        key=desk.key("stop"),
        icon=":material/stop:",
        disabled=not desk.watching,
        on_click=lambda: stop(desk),
    )
    with row.popover("Share", icon=":material/link:"):
        st.caption("This link opens the lesson with these settings.")
        st.code(share_link(desk), language=None, wrap_lines=True)


def start(desk: Desk) -> None:
    """Begin a training. A second click on the same settings finds the first one's."""
    if desk.watching and desk.training.settings != desk.settings:
        stop(desk)
    desk.training = shared().train(desk.settings, id(desk))
    desk.watching = True
    desk.delivered = ""


def stop(desk: Desk) -> None:
    if desk.watching:
        desk.training.leave(id(desk))
        desk.watching = False


def instruments(desk: Desk) -> None:
    """The panel, with as much of the run as there is by now; the browser asks for more while it trains."""
    training = desk.training
    run = training.run() if training else None
    status = progress(desk)
    token = f"{hash(training.settings)}:{run.epochs}:{training.done}" if run else ""
    lab(
        desk.key("lab"),
        content(desk.settings, training_batch(desk.settings), run, token, status, known=token == desk.delivered),
        on_tick=lambda: None,
        on_resend=lambda: forget_delivery(desk),
    )
    desk.delivered = token
    if training and training.failure:
        st.error(f"Keras refuses this training: {first_line(training.failure)}")


def forget_delivery(desk: Desk) -> None:
    desk.delivered = ""


def look(desk: Desk, patience: float) -> None:
    """Wait for news of the training, a moment at most."""
    training = desk.training
    training.watch(id(desk))
    until = time.monotonic() + patience
    while not training.done and (left := until - time.monotonic()) > 0:
        training.job.wait_beyond(len(training.job.items), left)
    if training.done:
        desk.watching = False


def progress(desk: Desk) -> dict:
    """How far things are, in words, for the panel's status line."""
    training = desk.training
    if training is None:
        ready = shared().ready()
        return {"live": not ready, "words": "" if ready else "warming up: TensorFlow is loading", "share": 0}
    run = training.run()
    trained, wanted = (run.epochs if run else 0), training.settings.epochs
    if desk.watching:
        words = f"epoch {trained} of {wanted}" if run else waiting(training.settings)
    elif training.failure:
        words = "not trained"
    elif trained < wanted:
        words = f"stopped after {trained} of {wanted} epochs"
    else:
        words = f"{trained} epochs in {seconds(run)}"
    stale = "" if training.settings == desk.settings else "The settings have changed since this run: press Run."
    return {"live": desk.watching, "words": words, "share": trained / wanted, "stale": stale}


def waiting(settings: Settings) -> str:
    if not shared().ready():
        return "warming up: TensorFlow is loading"
    return "waiting for a free worker" if shared().traced(settings) else "compiling the graph, about a second"


def seconds(run) -> str:
    spent = run.closing.seconds if run.closing else 0
    return f"{1000 * spent:.0f} ms" if spent < 1 else f"{spent:.1f} s"


def code(desk: Desk) -> None:
    """The loss as it runs, and what Keras warned of."""
    settings = desk.settings
    with st.expander("The loss as it runs", icon=":material/code:"):
        call = f", epsilon={settings.epsilon:g}" if losses.uses_epsilon(settings.loss) else ""
        st.code(losses.source(settings.loss), language="python")
        st.caption(f"Keras calls {settings.loss.rpartition('.')[2]}(y_true, y_pred{call}) inside `fit`.")
        run = desk.training.run() if desk.training else None
        for warning in run.opening.warnings if run else ():
            st.info(f"Keras warns: {warning}")
        if run:
            versions = ", ".join(f"{name} {version}" for name, version in run.opening.versions.items())
            st.caption(f"Trained with {versions}.")
    if desk.lesson.reading:
        links = " · ".join(f"[{title}]({address})" for title, address in desk.lesson.reading)
        st.caption(f"Further reading: {links}")


def share_link(desk: Desk) -> str:
    base = (st.context.url or "").split("?")[0].removesuffix(desk.lesson.slug).rstrip("/")
    return f"{base}/?{urlencode({'lesson': desk.lesson.slug, **desk.query()})}"


def first_line(failure: BaseException) -> str:
    return str(failure).strip().splitlines()[0] if str(failure).strip() else type(failure).__name__
