"""Two runs compared: pin a run, change one toggle, run, and see where the two part. Both have the pinned run's seed."""

import numpy as np
import streamlit as st

from lessons.figures.comparison_figures import (
    curve_figure,
    curve_words,
    difference_sentence,
    gradient_figures,
    leak_words,
)
from lessons.figures.marks import number
from lessons.recipe.recipe import Recipe
from lessons.recipe.settings import Settings
from lessons.recipe.words import first_line, plural
from lessons.runs.comparison import (
    AT,
    QUANTITIES,
    Comparison,
    Difference,
    Parting,
    differences,
    headline,
    others,
    values,
)
from lessons.runs.comparison import place as spot
from lessons.runs.run import Run
from pages.lab.bench import Bench
from pages.lab.state import Form
from pages.parts.charts import chart
from pages.parts.layout import button, row
from pages.parts.quotation import fail, quoted

NOTHING = {"data": [], "layout": {"xaxis": {"visible": False}, "yaxis": {"visible": False}}}
PIN = "pin"  # the name of the button's fragment
EXCHANGE = "The pinned settings come back, and the present run is pinned in their place."


# --- what is pinned, and what differs


@st.fragment(key=PIN)
def pin_button(bench: Bench) -> None:
    """Pin the run in sight, or take the pin out. A fragment, for there is none before the first run."""
    if bench.redraw:
        st.rerun()
    if bench.pin.settings:
        button(st, "Unpin", bench.key("unpin"), "keep_off", bench.unpin)
        return
    nothing = bench.runs.training is None
    why = "Run first: the run in sight is pinned." if nothing else "Compare the next runs with this."
    button(st, "Pin", bench.key("pin"), "keep", bench.pin_run, disabled=nothing, help=why)


def hint(bench: Bench) -> str:
    """What to do next, for the status line above the charts."""
    if bench.pin.settings is None:
        return ""
    if bench.runs.training is bench.pin.training:
        return " · pinned: change one toggle and press Run"
    return " · compared with the pinned run below"


def strip(bench: Bench) -> None:
    """The pinned run by its name, the toggles that differ now, and the way back."""
    place = row("comparison-strip")
    place.markdown(f":material/keep: **Pinned:** {name_of(bench.form, bench.pin.settings)} {toggles(bench)}")
    button(place, "Swap", bench.key("swap"), "swap_horiz", bench.swap, quiet=True, help=EXCHANGE)


def name_of(form: Form, pinned: Settings) -> str:
    """The preset that the pinned settings are, or the nearest with what is changed."""
    preset = form.nearest(pinned)
    changes = [f"{each.label} {each.other}" for each in differences(Recipe(preset.settings), Recipe(pinned))]
    return quoted(preset.label + "".join(f" · {change}" for change in changes) + ".")


def toggles(bench: Bench) -> str:
    """The toggles that differ between the pinned run and the settings on the form."""
    form, training = bench.form, bench.pin.training
    found = differences(training.recipe if training else bench.pin.recipe(form.table), form.recipe)
    if not found:
        return "These settings are the same: **change one toggle and press Run.**"
    told = "; ".join(change(each) for each in found)
    if len(found) == 1:
        return f"One toggle differs: {told}."
    return f"{len(found)} toggles differ: {told}. One at a time tells more."


def change(each: Difference) -> str:
    idle = " (it changes neither run)" if each.idle else ""
    return f"**{quoted(each.label)}** {quoted(each.pinned)} → {quoted(each.other)}{idle}"


# --- the comparison


@st.fragment
def comparison(bench: Bench) -> None:
    """Both runs, once both are there. A fragment of its own: it asks for news while one of them trains."""
    pinned, other = bench.pin.training, bench.runs.training
    if bench.pin.settings is None or (pinned is other and pinned is not None):
        return
    if pinned is None or other is None:
        st.caption("Press Run: it trains the pinned settings too, and shows where the two part.")
        return
    live = bench.look_at_pair()
    for training, who in ((pinned, "The pinned run"), (other, "The present run")):
        if training.failure:
            fail(f"{who} cannot be trained: {first_line(training.failure)}")
            return
    runs = [training.run() for training in (pinned, other)]
    if None in runs:
        training_words(bench, runs, live)
        return
    before, both = bench.pin.comparison, bench.pin.compared(*runs)
    if both is not before:  # it begins at the epoch where their gradients part
        st.session_state.pop(bench.key("comparison-epoch"), None)
    if both.equal and not live:
        st.caption("The pinned run and this one are equal. Change one toggle and press Run.")
        return
    with st.container():  # also where nothing is told: the charts keep their place, and are not mounted anew
        if bench.outdated:
            st.caption("Compared below is the run in sight. The settings have changed since: press Run.")
    with st.container(key="comparison"):
        left, right = st.columns(2, gap="medium")
        with left:
            chart(bench.key("comparison-curve"), curve_figure(both), curve_words(both), height=300, live=live)
        with right:
            tell(both, live)
        if not live:
            heatmaps(bench, both)


def training_words(bench: Bench, runs: list[Run | None], live: bool) -> None:
    """One of the two has no epoch yet: say which, and look again."""
    who = "The pinned run" if runs[0] is None else "The present run"
    words = (
        f"{who} is waiting for its first epoch." if live else f"{who} was stopped before its first epoch: press Run."
    )
    st.caption(words)
    if live:
        chart(bench.key("comparison-waiting"), NOTHING, words, height=40, live=True)


def tell(comparison: Comparison, live: bool) -> None:
    """Where they part, in words and per quantity, and the numbers of both."""
    so_far = f"So far, {plural(comparison.epochs, 'epoch')} of both: " if live else ""
    st.markdown(so_far + quoted(headline(comparison)))
    for words in others(comparison):
        st.caption(quoted(words))
    st.markdown(parting_table(comparison))
    st.markdown(number_table(comparison))


def parting_table(comparison: Comparison) -> str:
    """Per quantity the first epoch to the bit, the first epoch to the eye, and the place."""
    rows = ["| | to the bit from | visibly from | first there |", "|---|---|---|---|"]
    for quantity in QUANTITIES:
        if not comparison.comparable(quantity):
            rows.append(f"| {quantity} | two shapes | | |")
            continue
        exact, seen = comparison.parting(quantity), comparison.parting(quantity, visible=True)
        where = where_of(comparison, seen) if seen else spot(comparison, exact).removeprefix(" at ") if exact else ""
        rows.append(f"| {quantity} | {epoch_of(exact)} | {epoch_of(seen)} | {quoted(where)} |")
    return "\n".join(rows)


def epoch_of(parting: Parting | None) -> str:
    return f"epoch {parting.epoch + 1}" if parting else "never"


def where_of(comparison: Comparison, parting: Parting) -> str:
    at = spot(comparison, parting).removeprefix(" at ")
    return f"{at}: {values(parting)}" if at else values(parting)


def number_table(comparison: Comparison) -> str:
    """Loss, error, leak and starved steps of both."""
    rows = ["| | pinned | now |", "|---|---|---|"]
    for name, of in NUMBERS.items():
        rows.append(f"| {name} | {of(comparison.pinned)} | {of(comparison.other)} |")
    return "\n".join(rows)


def percent(share: float) -> str:
    return f"{number(100 * share)}%" if np.isfinite(share) else "no finite gradient"


NUMBERS = {
    "last loss": lambda run: number(run.snapshot.loss[-1]),
    "last error on real steps": lambda run: number(run.snapshot.error[-1]),
    "gradient on padding, first epoch": lambda run: percent(run.leak[0]),
    "gradient on padding, last epoch": lambda run: percent(run.leak[-1]),
    "real steps without gradient": lambda run: str(int(run.starved.sum())),
}


def heatmaps(bench: Bench, comparison: Comparison) -> None:
    """Both gradients and their difference in one epoch, on one scale."""
    place = row("comparison-pick", gap="medium")
    at = place.segmented_control(
        "Gradient",
        list(AT),
        default="predictions",
        format_func=lambda name: f"gradient at {name}",
        required=True,
        key=bench.key("comparison-at"),
        label_visibility="collapsed",
    )
    epoch = pick_epoch(bench, comparison, place)
    pinned, other, difference = gradient_figures(comparison, epoch, at)
    columns = st.columns(3, gap="small")
    told = difference_sentence(comparison, epoch, at)
    shown = (
        ("pinned", "Pinned", pinned, leak_words(comparison.pinned, epoch, at)),
        ("now", "Now", other, leak_words(comparison.other, epoch, at)),
        ("difference", "Now − pinned", difference, told),
    )
    for column, (name, title, figure, words) in zip(columns, shown, strict=True):
        with column:
            st.markdown(f"**{title}** :gray[{quoted(words)}]")
            if figure:
                chart(bench.key(f"comparison-{name}"), figure, f"{title}, epoch {epoch + 1}: {words}", height=270)


def pick_epoch(bench: Bench, comparison: Comparison, where) -> int:
    """The kept epoch to look at; first the one where the gradients part."""
    options = (comparison.kept + 1).tolist()
    if len(options) == 1:
        return int(comparison.kept[0])
    key = bench.key("comparison-epoch")
    if st.session_state.get(key) not in options:
        parting = comparison.parting("gradient", visible=True)
        st.session_state[key] = parting.epoch + 1 if parting else options[-1]
    words = {"label_visibility": "collapsed", "format_func": lambda epoch: f"epoch {epoch}"}
    return where.select_slider("Epoch", options, key=key, **words) - 1
