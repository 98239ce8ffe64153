"""The lesson page: one template for all lessons."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import streamlit as st

from lessons.course.lesson import Lesson
from lessons.recipe import losses
from lessons.recipe.recipe import Recipe
from lessons.server.laboratory import shared
from pages.lab.bench import Bench
from pages.lab.brought import BROUGHT, COMPILED
from pages.lab.case import case_in_link, travel
from pages.lab.comparison_panel import PIN, comparison, pin_button, strip
from pages.lab.controls import controls
from pages.lab.exercises import exercises
from pages.lab.grid_panel import map_of_failure
from pages.lab.instruments import INSTRUMENTS, instruments
from pages.lab.link import PRESENT, bench_of, query
from pages.lab.luck import luck
from pages.lab.measurements import experiment
from pages.lab.own_data import bring_data, own_data_row, shown_at_once, uploader
from pages.lab.own_model import in_use, own_model
from pages.lab.prediction import ask
from pages.lab.state import Form
from pages.lab.takeaway import preview, takeaway
from pages.learner.identity import remember
from pages.parts.address import root_link
from pages.parts.layout import button, row
from pages.parts.quotation import quoted, warn

LARGE = "<style>html { font-size: 17px; } h3 { font-size: 1.6rem !important; }</style>"  # for a projector


def render(lesson: Lesson, pages: Mapping[str, Any] = MappingProxyType({})) -> None:
    """`pages`: the course's st.Page of each slug, for the links from one lesson to another."""
    bench = bench_of(lesson, pages)
    if bench.presenting:
        st.html(LARGE)
    head = row("head", horizontal_alignment="distribute")
    head.markdown(f"### {lesson.title}")
    idle = lesson.open and not (bench.form.table or bench.form.model)  # there is nothing to train yet
    if not idle:
        tools = head.container(horizontal=True, horizontal_alignment="right", gap="small")
        with tools:
            takeaway(bench)
        label, icon = ("Leave", "close") if bench.presenting else ("Present", "slideshow")
        button(tools, label, bench.key("present"), icon, bench.present, quiet=True)
    if not bench.presenting:
        st.markdown(lesson.text)
    if lesson.open:
        case_in_link(bench)
    if bench.form.model:  # what comes of it is what one looks at
        with st.expander("Your model, layer by layer", icon=":material/layers:"):
            own_model(bench, travel)
    laboratory(bench)
    if lesson.open and not bench.form.model:
        own_model(bench, travel)
    if bench.presenting:  # the teacher says it; below the fold it is still there
        st.markdown(lesson.text)
    if idle:
        return
    measurements(bench)
    exercises(bench)
    if lesson.reading:
        links = " · ".join(f"[{title}]({address})" for title, address in lesson.reading)
        st.caption(f"Further reading: {links}")
    # Last, because starting workers slows the first paint down.
    shared().prepare(*map(Recipe, (bench.form.settings, *(preset.settings for preset in lesson.presets))))


@st.fragment
def laboratory(bench: Bench) -> None:
    """Presets, controls and instruments. A fragment: a click draws this again and not the whole page."""
    bench.collect()
    if bench.redraw:
        st.rerun()  # what is measured below has to do with the data and the loss too
    for problem in bench.problems:
        warn(problem)
    form = bench.form
    if not bench.lesson.open or form.table or form.model:
        presets(bench)
        own_loss(bench)
        in_use(bench)
    own_data_row(bench)
    if form.unfit:
        warn(form.unfit)
    if bench.lesson.open and not (form.table or form.model):
        uploader(bench)
        return
    bar(bench)
    shown_at_once(bench)
    if bench.asks:
        ask(bench)
    left, right = st.columns([1, 3.6], gap="medium")
    with left.container(key="controls"):
        controls(bench)  # while the training that a click began is under way
    with right:
        instruments(bench)
    if bench.pin.settings:
        strip(bench)
        comparison(bench)
    bench.address.write(query(bench))
    published(bench)
    code(bench.form)
    preview(bench)
    map_of_failure(bench)  # in here, because it marks where the settings stand
    remember("laboratory")  # in here: a prediction draws this again, and not the page around it; it takes a line's room


@st.fragment
def measurements(bench: Bench) -> None:
    """What the lesson measures besides this one training."""
    luck(bench)
    for index, it in enumerate(bench.lesson.experiments):
        experiment(bench, str(index), it)


def presets(bench: Bench) -> None:
    key, lesson = bench.key("preset"), bench.lesson
    st.pills(
        "Preset",
        [preset.name for preset in lesson.presets],
        format_func=lambda name: lesson.preset(name).label,
        key=key,
        required=True,
        label_visibility="collapsed",
        on_change=lambda: bench.take(lesson.preset(st.session_state[key])),
    )


def own_loss(bench: Bench) -> None:
    """The loss that the learner brought, from the clinic or in a model's text, and whether it is trained here."""
    brought = st.session_state.get(BROUGHT)
    if not brought:
        return
    name, place = brought.function or "your loss", row("own_loss")
    origin = "as `compile` of your model names it" if brought == st.session_state.get(COMPILED) else "from the clinic"
    words = f"Train **{quoted(name)}**, {origin}, in place of this lesson's loss"
    place.toggle(words, True, key=bench.key("own"))
    place.button("Forget it", key=bench.key("forget"), type="tertiary", on_click=bench.forget_loss)


def bar(bench: Bench) -> None:
    """Run and Stop, what the preset shows, the way back to it, and the link."""
    place, preset = row("bar"), bench.form.preset
    why = "Predict first: answer the question above." if bench.locked else None
    button(place, "Run", bench.key("run"), "play_arrow", run, bench, type="primary", shortcut="Ctrl+Enter",
           disabled=bench.locked, help=why)  # fmt: skip
    button(place, "Stop", bench.key("stop"), "stop", bench.stop)
    with place.container(width="content"):
        pin_button(bench)
    place.caption(preset.says)
    if many := len(bench.changed):
        button(place, f"Reset {many} changed", bench.key("reset"), "undo", bench.take, preset, quiet=True)
    if bench.presenting:
        step_button(bench, place, -1, "Left", "chevron_left")
        step_button(bench, place, 1, "Right", "chevron_right")
    bring_data(bench, place)
    share(bench, place)


def run(bench: Bench) -> None:
    """Train what is on the form, and draw again what shows a run: the whole bench takes five times as long."""
    before = bench.form.settings, bench.problems
    bench.run()
    moved = bench.redraw or (bench.form.settings, bench.problems) != before
    if not (moved or bench.pin.settings or bench.form.own):
        st.rerun([PIN, INSTRUMENTS])


def step_button(bench: Bench, place, step: int, shortcut: str, icon: str) -> None:
    """A button and an arrow key to the preset before or after."""
    presets = bench.lesson.presets
    at = [preset.name for preset in presets].index(bench.form.preset.name) + step
    there = 0 <= at < len(presets)
    name = "Preset before" if step < 0 else "Next preset"  # the style shows the icon alone
    button(place, name, bench.key(f"step{step}"), icon, bench.take, presets[at] if there else None, quiet=True,
           help=name, shortcut=shortcut, disabled=not there)  # fmt: skip


def share(bench: Bench, place) -> None:
    form, key = bench.form, bench.key("share")
    fold = place.popover("Share", icon=":material/link:", type="tertiary", key=key, on_change="rerun")
    if not fold.open:  # for a browser code costs more than all controls together
        return
    with fold:
        st.caption(
            "This link opens the lesson with these settings."
            + " It does not carry your loss." * bool(form.pasted)
            + " It does not carry your data." * bool(form.table)
            + " It does not carry your model." * bool(form.model)
        )
        slug = bench.lesson.slug
        st.code(root_link({"lesson": slug, **query(bench)}, slug), language=None, wrap_lines=True)
        st.caption(f"For a projector add `&mode={PRESENT}`; `&hide=epsilon,loss` leaves controls out.")


def published(bench: Bench) -> None:
    """What the published answer claimed of this preset's example, what is true, and its code where that is another."""
    preset = bench.form.preset
    if preset.claimed:
        said, true = st.columns(2)
        said.markdown(f"**The answer claims** ({', '.join(preset.examples)}): {preset.claimed}")
        true.markdown(f"**What is true:** {preset.truth}")
    if preset.published:
        experiment(bench, f"published:{preset.name}", preset.published)


def code(form: Form) -> None:
    """The loss as it runs."""
    settings = form.settings
    fold = st.expander("The loss as it runs", icon=":material/code:", key=form.key("loss_code"), on_change="rerun")
    if not fold.open:
        return
    with fold:
        if form.pasted:
            st.code(form.pasted.text, language="python")
            return
        call = f", epsilon={settings.epsilon:g}" if losses.uses_epsilon(settings.loss) else ""
        st.code(losses.source(settings.loss), language="python")
        st.caption(f"Keras calls {settings.loss.rpartition('.')[2]}(y_true, y_pred{call}) inside `fit`.")
