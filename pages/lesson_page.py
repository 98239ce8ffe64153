"""The lesson page: one template for all lessons."""

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
from pages.lab.form import BROUGHT, PRESENT, Form, form_of
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
    form = form_of(lesson)
    form.pages = pages
    if not form.presenting:
        moved(lesson.slug)
        recall(form)
    form.exercised_drawn = form.exercised
    if form.presenting:
        st.html(LARGE)
    head = st.container(key="head", horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
    head.markdown(f"### {lesson.title}")
    tools = head.container(horizontal=True, horizontal_alignment="right", gap="small")
    with tools:
        takeaway(form)
    label, icon = ("Leave", "close") if form.presenting else ("Present", "slideshow")
    tools.button(
        label, key=form.key("present"), type="tertiary", icon=f":material/{icon}:", on_click=lambda: toggle(form)
    )
    if not form.presenting:
        st.markdown(lesson.text)
    laboratory(form)
    if form.presenting:  # the teacher says it; below the fold it is still there
        st.markdown(lesson.text)
    measurements(form)
    exercises(form)
    if lesson.reading:
        links = " · ".join(f"[{title}]({address})" for title, address in lesson.reading)
        st.caption(f"Further reading: {links}")
    # Last, because starting workers slows the first paint down.
    shared().prepare(*map(Recipe, (form.settings, *(preset.settings for preset in lesson.presets))))


def toggle(form: Form) -> None:
    """Presenter mode on or off: larger type, no prediction asked, arrow keys step through the presets."""
    form.presenting = not form.presenting


@st.fragment
def laboratory(form: Form) -> None:
    """Presets, controls and instruments. A fragment: a click draws this again and not the whole page."""
    form.collect()
    if settle(form):
        unpin(form)
        st.rerun()  # all of the page: what is measured below has to do with the data too
    for problem in form.problems:
        warn(problem)
    presets(form)
    own_loss(form)
    form.drawn = form.standing
    own_data_row(form)
    bar(form)
    if not (form.presenting or form.own):
        ask(form)
    left, right = st.columns([1, 3.6], gap="medium")
    with left.container(key="controls"):
        controls(form)  # while the training that a click began is under way
    with right:
        instruments(form)
    if form.pinned:
        strip(form)
        comparison(form)
    form.address.write(form.query())
    published(form)
    code(form)
    preview(form)
    map_of_failure(form, start)  # in here, because it marks where the settings stand
    remember("laboratory")  # in here: a prediction draws this again, and not the page around it; it takes a line's room


@st.fragment
def measurements(form: Form) -> None:
    """What the lesson measures besides this one training."""
    luck(form)
    for index, it in enumerate(form.lesson.experiments):
        experiment(form, str(index), it)


def presets(form: Form) -> None:
    key = form.key("preset")
    st.pills(
        "Preset",
        [preset.name for preset in form.lesson.presets],
        format_func=lambda name: form.lesson.preset(name).label,
        key=key,
        required=True,
        label_visibility="collapsed",
        on_change=lambda: form.take(form.lesson.preset(st.session_state[key])),
    )


def own_loss(form: Form) -> None:
    """The loss that the learner brought from the clinic, and whether it is trained here."""
    brought = st.session_state.get(BROUGHT)
    before, form.pasted = form.pasted, None
    if brought:
        name = brought.function or "your loss"
        row = st.container(key="own_loss", horizontal=True, vertical_alignment="center", gap="small")
        if row.toggle(
            f"Train **{quoted(name)}**, from the clinic, in place of this lesson's loss", True, key=form.key("own")
        ):
            form.pasted = brought
        row.button("Forget it", key=form.key("forget"), type="tertiary", on_click=lambda: st.session_state.pop(BROUGHT))
    if form.pasted != before:
        st.rerun()  # all of the page: what is measured below trains the loss too


def bar(form: Form) -> None:
    """Run and Stop, what the preset shows, the way back to it, and the link."""
    row = st.container(key="bar", horizontal=True, vertical_alignment="center", gap="small")
    buttons(form, row)
    row.caption(form.preset.says)
    if form.changed:
        row.button(
            f"Reset {len(form.changed)} changed",
            key=form.key("reset"),
            type="tertiary",
            icon=":material/undo:",
            on_click=lambda: form.take(form.preset),
        )
    if form.presenting:
        step_button(form, row, -1, "Left", "chevron_left")
        step_button(form, row, 1, "Right", "chevron_right")
    bring_data(form, row)
    share(form, row)


def step_button(form: Form, place, step: int, shortcut: str, icon: str) -> None:
    """A button and an arrow key to the preset before or after."""
    presets = form.lesson.presets
    at = [preset.name for preset in presets].index(form.preset.name) + step
    place.button(
        "",
        key=form.key(f"step{step}"),
        type="tertiary",
        icon=f":material/{icon}:",
        help="Preset before" if step < 0 else "Next preset",
        shortcut=shortcut,
        disabled=not 0 <= at < len(presets),
        on_click=lambda: form.take(presets[at]),
    )


def buttons(form: Form, row) -> None:
    row.button(
        "Run",
        key=form.key("run"),
        type="primary",
        icon=":material/play_arrow:",
        shortcut="Ctrl+Enter",
        disabled=form.locked,
        help="Predict first: answer the question above." if form.locked else None,
        on_click=lambda: press(form),
    )
    row.button(
        "Stop",
        key=form.key("stop"),
        icon=":material/stop:",
        on_click=lambda: stop(form),
    )
    pin_button(form, row)


def share(form: Form, place) -> None:
    with place.popover("Share", icon=":material/link:", type="tertiary"):
        st.caption(
            "This link opens the lesson with these settings."
            + " It does not carry your loss." * bool(form.pasted)
            + " It does not carry your data." * bool(form.table)
        )
        st.code(share_link(form), language=None, wrap_lines=True)
        st.caption(f"For a projector add `&mode={PRESENT}`; `&hide=epsilon,loss` leaves controls out.")


def published(form: Form) -> None:
    """What the published answer claimed of this preset's example, what is true, and its code where that is another."""
    preset = form.preset
    if preset.claimed:
        said, true = st.columns(2)
        said.markdown(f"**The answer claims** ({', '.join(preset.examples)}): {preset.claimed}")
        true.markdown(f"**What is true:** {preset.truth}")
    if preset.published:
        experiment(form, f"published:{preset.name}", preset.published)


def code(form: Form) -> None:
    """The loss as it runs."""
    settings = form.settings
    with st.expander("The loss as it runs", icon=":material/code:"):
        if form.pasted:
            st.code(form.pasted.text, language="python")
            return
        call = f", epsilon={settings.epsilon:g}" if losses.uses_epsilon(settings.loss) else ""
        st.code(losses.source(settings.loss), language="python")
        st.caption(f"Keras calls {settings.loss.rpartition('.')[2]}(y_true, y_pred{call}) inside `fit`.")


def share_link(form: Form) -> str:
    return root_link({"lesson": form.lesson.slug, **form.query()}, form.lesson.slug)
