"""The lesson page: one template for all lessons (DESIGN §3)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import streamlit as st

from lessons.course.lesson import Lesson
from lessons.recipe import losses
from lessons.recipe.recipe import Recipe
from lessons.server.laboratory import shared
from pages.lab.comparison_panel import comparison, pin_button, strip, unpin
from pages.lab.controls import controls
from pages.lab.exercises import exercises
from pages.lab.form import BROUGHT, PRESENT, Desk, desk_of
from pages.lab.grid_panel import map_of_failure
from pages.lab.instruments import instruments, press, start, stop
from pages.lab.luck import luck
from pages.lab.measurements import experiment
from pages.lab.own_data import bring_data, own_data_row, settle
from pages.lab.prediction import ask, recall
from pages.lab.takeaway import preview, takeaway
from pages.learner.identity import moved, remember
from pages.parts.address import root_link
from pages.parts.quotation import quoted, warn

LARGE = "<style>html { font-size: 17px; } h3 { font-size: 1.6rem !important; }</style>"  # for a projector


def render(lesson: Lesson, pages: Mapping[str, Any] = MappingProxyType({})) -> None:
    """`pages`: the course's st.Page of each slug, for the links from one lesson to another."""
    desk = desk_of(lesson)
    desk.pages = pages
    if not desk.presenting:
        moved(lesson.slug)
        recall(desk)
    desk.exercised_drawn = desk.exercised
    if desk.presenting:
        st.html(LARGE)
    head = st.container(key="head", horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
    head.markdown(f"### {lesson.title}")
    tools = head.container(horizontal=True, horizontal_alignment="right", gap="small")
    with tools:
        takeaway(desk)
    label, icon = ("Leave", "close") if desk.presenting else ("Present", "slideshow")
    tools.button(
        label, key=desk.key("present"), type="tertiary", icon=f":material/{icon}:", on_click=lambda: toggle(desk)
    )
    if not desk.presenting:
        st.markdown(lesson.text)
    laboratory(desk)
    if desk.presenting:  # the teacher says it; below the fold it is still there
        st.markdown(lesson.text)
    measurements(desk)
    exercises(desk)
    if lesson.reading:
        links = " · ".join(f"[{title}]({address})" for title, address in lesson.reading)
        st.caption(f"Further reading: {links}")
    # Last, because starting workers slows the first paint down.
    shared().prepare(*map(Recipe, (desk.settings, *(preset.settings for preset in lesson.presets))))


def toggle(desk: Desk) -> None:
    """Presenter mode on or off: larger type, no prediction asked, arrow keys step through the presets."""
    desk.presenting = not desk.presenting


@st.fragment
def laboratory(desk: Desk) -> None:
    """Presets, controls and instruments. A fragment: a click draws this again and not the whole page."""
    desk.collect()
    if settle(desk):
        unpin(desk)
        st.rerun()  # all of the page: what is measured below has to do with the data too
    for problem in desk.problems:
        warn(problem)
    presets(desk)
    own_loss(desk)
    desk.drawn = desk.standing
    own_data_row(desk)
    bar(desk)
    if not (desk.presenting or desk.own):
        ask(desk)
    left, right = st.columns([1, 3.6], gap="medium")
    with left.container(key="controls"):
        controls(desk)  # while the training that a click began is under way
    with right:
        instruments(desk)
    if desk.pinned:
        strip(desk)
        comparison(desk)
    desk.address.write(desk.query())
    published(desk)
    code(desk)
    preview(desk)
    map_of_failure(desk, start)  # in here, because it marks where the settings stand
    remember("laboratory")  # in here: a prediction draws this again, and not the page around it; it takes a line's room


@st.fragment
def measurements(desk: Desk) -> None:
    """What the lesson measures besides this one training."""
    luck(desk)
    for index, it in enumerate(desk.lesson.experiments):
        experiment(desk, str(index), it)


def presets(desk: Desk) -> None:
    key = desk.key("preset")
    st.pills(
        "Preset",
        [preset.name for preset in desk.lesson.presets],
        format_func=lambda name: desk.lesson.preset(name).label,
        key=key,
        required=True,
        label_visibility="collapsed",
        on_change=lambda: desk.take(desk.lesson.preset(st.session_state[key])),
    )


def own_loss(desk: Desk) -> None:
    """The loss that the learner brought from the clinic, and whether it is trained here."""
    brought = st.session_state.get(BROUGHT)
    before, desk.pasted = desk.pasted, None
    if brought:
        name = brought.function or "your loss"
        row = st.container(key="own_loss", horizontal=True, vertical_alignment="center", gap="small")
        if row.toggle(
            f"Train **{quoted(name)}**, from the clinic, in place of this lesson's loss", True, key=desk.key("own")
        ):
            desk.pasted = brought
        row.button("Forget it", key=desk.key("forget"), type="tertiary", on_click=lambda: st.session_state.pop(BROUGHT))
    if desk.pasted != before:
        st.rerun()  # all of the page: what is measured below trains the loss too


def bar(desk: Desk) -> None:
    """Run and Stop, what the preset shows, the way back to it, and the link."""
    row = st.container(key="bar", horizontal=True, vertical_alignment="center", gap="small")
    buttons(desk, row)
    row.caption(desk.preset.says)
    if desk.changed:
        row.button(
            f"Reset {len(desk.changed)} changed",
            key=desk.key("reset"),
            type="tertiary",
            icon=":material/undo:",
            on_click=lambda: desk.take(desk.preset),
        )
    if desk.presenting:
        step_button(desk, row, -1, "Left", "chevron_left")
        step_button(desk, row, 1, "Right", "chevron_right")
    bring_data(desk, row)
    share(desk, row)


def step_button(desk: Desk, place, step: int, shortcut: str, icon: str) -> None:
    """A button and an arrow key to the preset before or after."""
    presets = desk.lesson.presets
    at = [preset.name for preset in presets].index(desk.preset.name) + step
    place.button(
        "",
        key=desk.key(f"step{step}"),
        type="tertiary",
        icon=f":material/{icon}:",
        help="Preset before" if step < 0 else "Next preset",
        shortcut=shortcut,
        disabled=not 0 <= at < len(presets),
        on_click=lambda: desk.take(presets[at]),
    )


def buttons(desk: Desk, row) -> None:
    row.button(
        "Run",
        key=desk.key("run"),
        type="primary",
        icon=":material/play_arrow:",
        shortcut="Ctrl+Enter",
        disabled=desk.locked,
        help="Predict first: answer the question above." if desk.locked else None,
        on_click=lambda: press(desk),
    )
    row.button(
        "Stop",
        key=desk.key("stop"),
        icon=":material/stop:",
        on_click=lambda: stop(desk),
    )
    pin_button(desk, row)


def share(desk: Desk, place) -> None:
    with place.popover("Share", icon=":material/link:", type="tertiary"):
        st.caption(
            "This link opens the lesson with these settings."
            + " It does not carry your loss." * bool(desk.pasted)
            + " It does not carry your data." * bool(desk.table)
        )
        st.code(share_link(desk), language=None, wrap_lines=True)
        st.caption(f"For a projector add `&mode={PRESENT}`; `&hide=epsilon,loss` leaves controls out.")


def published(desk: Desk) -> None:
    """What the published answer claimed of this preset's example, what is true, and its code where that is another."""
    preset = desk.preset
    if preset.claimed:
        said, true = st.columns(2)
        said.markdown(f"**The answer claims** ({', '.join(preset.examples)}): {preset.claimed}")
        true.markdown(f"**What is true:** {preset.truth}")
    if preset.published:
        experiment(desk, f"published:{preset.name}", preset.published)


def code(desk: Desk) -> None:
    """The loss as it runs."""
    settings = desk.settings
    with st.expander("The loss as it runs", icon=":material/code:"):
        if desk.pasted:
            st.code(desk.pasted.text, language="python")
            return
        call = f", epsilon={settings.epsilon:g}" if losses.uses_epsilon(settings.loss) else ""
        st.code(losses.source(settings.loss), language="python")
        st.caption(f"Keras calls {settings.loss.rpartition('.')[2]}(y_true, y_pred{call}) inside `fit`.")


def share_link(desk: Desk) -> str:
    return root_link({"lesson": desk.lesson.slug, **desk.query()}, desk.lesson.slug)
