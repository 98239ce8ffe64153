"""Twin runs: pin a run, change one toggle, run, and see where the two part. Both have the pinned run's seed."""

import numpy as np
import streamlit as st

from lessons.figures.comparison_figures import curve_figure, curve_words, difference_told, gradient_figures, leak_words
from lessons.figures.run_figures import number
from lessons.recipe.recipe import Recipe
from lessons.runs.comparison import (
    AT,
    QUANTITIES,
    Difference,
    Parting,
    Twins,
    differences,
    headline,
    others,
    place,
    plural,
    values,
)
from lessons.runs.run import Run
from lessons.server.laboratory import Training, shared
from pages.lab.form import Desk
from pages.parts.charts import chart
from pages.parts.quotation import fail, first_line, quoted
from pages.server.presence import watch

LOOK = 0.3  # seconds between two pictures of runs under way
NOTHING = {"data": [], "layout": {"xaxis": {"visible": False}, "yaxis": {"visible": False}}}
EXCHANGE = (":material/swap_horiz:", "The pinned settings come back, and the present run is pinned in their place.")


# --- pin, unpin, swap


def pin_button(desk: Desk, place) -> None:
    """Pin the run in sight, or take the pin out."""
    if desk.pinned:
        place.button("Unpin", key=desk.key("unpin"), icon=":material/keep_off:", on_click=lambda: unpin(desk))
        return
    place.button(
        "Pin",
        key=desk.key("pin"),
        icon=":material/keep:",
        disabled=desk.training is None,
        help="Run first: the run in sight is pinned." if desk.training is None else "Compare the next runs with this.",
        on_click=lambda: pin(desk),
    )


def pin(desk: Desk) -> None:
    desk.pinned, desk.pinned_training, desk.twins = desk.training.recipe.asked, desk.training, None
    desk.collect()
    desk.lay(desk.settings)  # with the pinned run's seed


def unpin(desk: Desk) -> None:
    if desk.pinned_training is not desk.training:
        stop_pinned(desk)
    desk.pinned = desk.pinned_training = desk.twins = None


def swap(desk: Desk) -> None:
    """Exchange the pinned run and the one in sight; without one, only the pinned settings come back."""
    before, training = desk.pinned, desk.training
    if training is not None and training.recipe.settings.seed == before.seed:
        desk.pinned = training.recipe.asked
        desk.training, desk.pinned_training = desk.pinned_training, training
        desk.watching = desk.training is not None and not (desk.training.done or desk.training.job.stopped)
        desk.presses += 1
        desk.twins = None
    desk.preset = desk.nearest(before)
    desk.lay(before)


def train_pinned(desk: Desk) -> None:
    """The run of the pinned settings, where there is none yet. Equal settings train once, whoever asks."""
    training = desk.pinned_training
    if desk.pinned and (training is None or training.failure or (training.job.stopped and training.run() is None)):
        desk.pinned_training = shared().train(Recipe(desk.pinned, desk.table), id(desk))


def stop_pinned(desk: Desk) -> None:
    if desk.pinned_training and under_way(desk, desk.pinned_training):
        desk.pinned_training.leave(id(desk))
        desk.pinned_training = desk.pinned_training.halted()


def under_way(desk: Desk, training: Training) -> bool:
    """Whether it trains and this learner waits for it."""
    return not training.done and not training.job.stopped and id(desk) in training.watchers


# --- what is pinned, and what differs


def hint(desk: Desk) -> str:
    """What to do next, for the status line above the charts."""
    if desk.pinned is None:
        return ""
    if desk.training is desk.pinned_training:
        return " · pinned: change one toggle and press Run"
    return " · compared with the pinned run below"


def strip(desk: Desk) -> None:
    """The pinned run by its name, the toggles that differ now, and the way back."""
    row = st.container(key="twins-strip", horizontal=True, vertical_alignment="center", gap="small")
    row.markdown(f":material/keep: **Pinned:** {name_of(desk)} {toggles(desk)}")
    icon, help = EXCHANGE
    row.button("Swap", key=desk.key("swap"), type="tertiary", icon=icon, help=help, on_click=lambda: swap(desk))


def name_of(desk: Desk) -> str:
    """The preset that the pinned settings are, or the nearest with what is changed."""
    preset = desk.nearest(desk.pinned)
    changes = [f"{each.label} {each.other}" for each in differences(Recipe(preset.settings), Recipe(desk.pinned))]
    return quoted(preset.label + "".join(f" · {change}" for change in changes) + ".")


def toggles(desk: Desk) -> str:
    """The toggles that differ between the pinned run and the settings on the desk."""
    found = differences(Recipe(desk.pinned, desk.table), desk.recipe)
    pinned = desk.pinned_training
    if pinned and pinned.recipe.pasted != desk.pasted:
        told = ["yours" if pasted else "the lesson’s" for pasted in (pinned.recipe.pasted, desk.pasted)]
        found = (Difference("loss", "Text of the loss", *told), *found)
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
def comparison(desk: Desk) -> None:
    """Both runs, once both are there. A fragment of its own: it asks for news while one of them trains."""
    if desk.pinned is None:
        return
    pinned, other = desk.pinned_training, desk.training
    if pinned is None or other is None:
        st.caption("Press Run: it trains the pinned settings too, and shows where the two part.")
        return
    if pinned is other:
        return
    waiting = [training for training in (pinned, other) if under_way(desk, training)]
    for training in waiting:
        watch(training, id(desk))
    if waiting:
        waiting[0].job.wait_beyond(len(waiting[0].job.items), LOOK)
    waiting = [training for training in waiting if not training.done]
    for training, who in ((pinned, "The pinned run"), (other, "The present run")):
        if training.failure:
            fail(f"{who} cannot be trained: {first_line(training.failure)}")
            return
    runs = [training.run() for training in (pinned, other)]
    if None in runs:
        training_words(desk, runs, bool(waiting))
        return
    twins = compared(desk, *runs)
    if twins.equal and not waiting:
        st.caption("The pinned run and this one are equal. Change one toggle and press Run.")
        return
    with st.container():  # also where nothing is told: the charts keep their place, and are not mounted anew
        if desk.outdated:
            st.caption("Compared below is the run in sight. The settings have changed since: press Run.")
    with st.container(key="twins"):
        left, right = st.columns(2, gap="medium")
        with left:
            chart(desk.key("twins-curve"), curve_figure(twins), curve_words(twins), height=300, live=bool(waiting))
        with right:
            tell(twins, bool(waiting))
        if not waiting:
            heatmaps(desk, twins)


def training_words(desk: Desk, runs: list[Run | None], live: bool) -> None:
    """One of the two has no epoch yet: say which, and look again."""
    who = "The pinned run" if runs[0] is None else "The present run"
    words = (
        f"{who} is waiting for its first epoch." if live else f"{who} was stopped before its first epoch: press Run."
    )
    st.caption(words)
    if live:
        chart(desk.key("twins-waiting"), NOTHING, words, height=40, live=True)


def compared(desk: Desk, pinned: Run, other: Run) -> Twins:
    """The twins of these two runs; new ones begin at the epoch where their gradients part."""
    if desk.twins is None or desk.twins.pinned is not pinned or desk.twins.other is not other:
        desk.twins = Twins(pinned, other)
        st.session_state.pop(desk.key("twins-epoch"), None)
    return desk.twins


def tell(twins: Twins, live: bool) -> None:
    """Where they part, in words and per quantity, and the numbers of both."""
    so_far = f"So far, {plural(twins.epochs, 'epoch')} of both: " if live else ""
    st.markdown(so_far + quoted(headline(twins)))
    for words in others(twins):
        st.caption(quoted(words))
    st.markdown(parting_table(twins))
    st.markdown(number_table(twins))


def parting_table(twins: Twins) -> str:
    """Per quantity the first epoch to the bit, the first epoch to the eye, and the place."""
    rows = ["| | to the bit from | visibly from | first there |", "|---|---|---|---|"]
    for quantity in QUANTITIES:
        if not twins.comparable(quantity):
            rows.append(f"| {quantity} | two shapes | | |")
            continue
        exact, seen = twins.parting(quantity), twins.parting(quantity, visible=True)
        where = where_of(twins, seen) if seen else place(twins, exact).removeprefix(" at ") if exact else ""
        rows.append(f"| {quantity} | {epoch_of(exact)} | {epoch_of(seen)} | {quoted(where)} |")
    return "\n".join(rows)


def epoch_of(parting: Parting | None) -> str:
    return f"epoch {parting.epoch + 1}" if parting else "never"


def where_of(twins: Twins, parting: Parting) -> str:
    at = place(twins, parting).removeprefix(" at ")
    return f"{at}: {values(parting)}" if at else values(parting)


def number_table(twins: Twins) -> str:
    """Loss, error, leak and starved steps of both."""
    rows = ["| | pinned | now |", "|---|---|---|"]
    for name, of in NUMBERS.items():
        rows.append(f"| {name} | {of(twins.pinned)} | {of(twins.other)} |")
    return "\n".join(rows)


def percent(share: float) -> str:
    return f"{number(100 * share)} %" if np.isfinite(share) else "no finite gradient"


NUMBERS = {
    "last loss": lambda run: number(run.snapshot.loss[-1]),
    "last error on real steps": lambda run: number(run.snapshot.error[-1]),
    "gradient on padding, first epoch": lambda run: percent(run.leak[0]),
    "gradient on padding, last epoch": lambda run: percent(run.leak[-1]),
    "real steps without gradient": lambda run: str(int(run.starved.sum())),
}


def heatmaps(desk: Desk, twins: Twins) -> None:
    """Both gradients and their difference in one epoch, on one scale."""
    row = st.container(key="twins-pick", horizontal=True, vertical_alignment="center", gap="medium")
    at = row.segmented_control(
        "Gradient",
        list(AT),
        default="predictions",
        format_func=lambda name: f"gradient at {name}",
        required=True,
        key=desk.key("twins-at"),
        label_visibility="collapsed",
    )
    epoch = pick_epoch(desk, twins, row)
    pinned, other, difference = gradient_figures(twins, epoch, at)
    columns = st.columns(3, gap="small")
    told = difference_told(twins, epoch, at)
    shown = (
        ("pinned", "Pinned", pinned, leak_words(twins.pinned, epoch, at)),
        ("now", "Now", other, leak_words(twins.other, epoch, at)),
        ("difference", "Now − pinned", difference, told),
    )
    for column, (name, title, figure, words) in zip(columns, shown, strict=True):
        with column:
            st.markdown(f"**{title}** :gray[{quoted(words)}]")
            if figure:
                chart(desk.key(f"twins-{name}"), figure, f"{title}, epoch {epoch + 1}: {words}", height=270)


def pick_epoch(desk: Desk, twins: Twins, row) -> int:
    """The kept epoch to look at; first the one where the gradients part."""
    options = (twins.kept + 1).tolist()
    if len(options) == 1:
        return int(twins.kept[0])
    key = desk.key("twins-epoch")
    if st.session_state.get(key) not in options:
        parting = twins.parting("gradient", visible=True)
        st.session_state[key] = parting.epoch + 1 if parting else options[-1]
    words = {"label_visibility": "collapsed", "format_func": lambda epoch: f"epoch {epoch}"}
    return row.select_slider("Epoch", options, key=key, **words) - 1
