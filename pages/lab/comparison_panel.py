"""Twin runs: pin a run, change one toggle, run, and see where the two part. Both have the pinned run's seed."""

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
from lessons.runs.comparison import (
    AT,
    QUANTITIES,
    Comparison,
    Difference,
    Parting,
    differences,
    headline,
    others,
    place,
    plural,
    values,
)
from lessons.runs.run import Run
from lessons.server.laboratory import Training, shared
from pages.lab.form import Form
from pages.parts.charts import chart
from pages.parts.quotation import fail, first_line, quoted
from pages.server.presence import watch

LOOK = 0.3  # seconds between two pictures of runs under way
NOTHING = {"data": [], "layout": {"xaxis": {"visible": False}, "yaxis": {"visible": False}}}
EXCHANGE = (":material/swap_horiz:", "The pinned settings come back, and the present run is pinned in their place.")


# --- pin, unpin, swap


def pin_button(form: Form, place) -> None:
    """Pin the run in sight, or take the pin out."""
    if form.pinned:
        place.button("Unpin", key=form.key("unpin"), icon=":material/keep_off:", on_click=lambda: unpin(form))
        return
    place.button(
        "Pin",
        key=form.key("pin"),
        icon=":material/keep:",
        disabled=form.training is None,
        help="Run first: the run in sight is pinned." if form.training is None else "Compare the next runs with this.",
        on_click=lambda: pin(form),
    )


def pin(form: Form) -> None:
    form.pinned, form.pinned_training, form.comparison = form.training.recipe.asked, form.training, None
    form.collect()
    form.lay(form.settings)  # with the pinned run's seed


def unpin(form: Form) -> None:
    if form.pinned_training is not form.training:
        stop_pinned(form)
    form.pinned = form.pinned_training = form.comparison = None


def swap(form: Form) -> None:
    """Exchange the pinned run and the one in sight; without one, only the pinned settings come back."""
    before, training = form.pinned, form.training
    if training is not None and training.recipe.settings.seed == before.seed:
        form.pinned = training.recipe.asked
        form.training, form.pinned_training = form.pinned_training, training
        form.watching = form.training is not None and not (form.training.done or form.training.job.stopped)
        form.presses += 1
        form.comparison = None
    form.preset = form.nearest(before)
    form.lay(before)


def train_pinned(form: Form) -> None:
    """The run of the pinned settings, where there is none yet. Equal settings train once, whoever asks."""
    training = form.pinned_training
    if form.pinned and (training is None or training.failure or (training.job.stopped and training.run() is None)):
        form.pinned_training = shared().train(Recipe(form.pinned, form.table), id(form))


def stop_pinned(form: Form) -> None:
    if form.pinned_training and under_way(form, form.pinned_training):
        form.pinned_training.leave(id(form))
        form.pinned_training = form.pinned_training.halted()


def under_way(form: Form, training: Training) -> bool:
    """Whether it trains and this learner waits for it."""
    return not training.done and not training.job.stopped and id(form) in training.watchers


# --- what is pinned, and what differs


def hint(form: Form) -> str:
    """What to do next, for the status line above the charts."""
    if form.pinned is None:
        return ""
    if form.training is form.pinned_training:
        return " · pinned: change one toggle and press Run"
    return " · compared with the pinned run below"


def strip(form: Form) -> None:
    """The pinned run by its name, the toggles that differ now, and the way back."""
    row = st.container(key="comparison-strip", horizontal=True, vertical_alignment="center", gap="small")
    row.markdown(f":material/keep: **Pinned:** {name_of(form)} {toggles(form)}")
    icon, help = EXCHANGE
    row.button("Swap", key=form.key("swap"), type="tertiary", icon=icon, help=help, on_click=lambda: swap(form))


def name_of(form: Form) -> str:
    """The preset that the pinned settings are, or the nearest with what is changed."""
    preset = form.nearest(form.pinned)
    changes = [f"{each.label} {each.other}" for each in differences(Recipe(preset.settings), Recipe(form.pinned))]
    return quoted(preset.label + "".join(f" · {change}" for change in changes) + ".")


def toggles(form: Form) -> str:
    """The toggles that differ between the pinned run and the settings on the form."""
    found = differences(Recipe(form.pinned, form.table), form.recipe)
    pinned = form.pinned_training
    if pinned and pinned.recipe.pasted != form.pasted:
        told = ["yours" if pasted else "the lesson’s" for pasted in (pinned.recipe.pasted, form.pasted)]
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
def comparison(form: Form) -> None:
    """Both runs, once both are there. A fragment of its own: it asks for news while one of them trains."""
    if form.pinned is None:
        return
    pinned, other = form.pinned_training, form.training
    if pinned is None or other is None:
        st.caption("Press Run: it trains the pinned settings too, and shows where the two part.")
        return
    if pinned is other:
        return
    waiting = [training for training in (pinned, other) if under_way(form, training)]
    for training in waiting:
        watch(training, id(form))
    if waiting:
        waiting[0].job.wait_beyond(len(waiting[0].job.items), LOOK)
    waiting = [training for training in waiting if not training.done]
    for training, who in ((pinned, "The pinned run"), (other, "The present run")):
        if training.failure:
            fail(f"{who} cannot be trained: {first_line(training.failure)}")
            return
    runs = [training.run() for training in (pinned, other)]
    if None in runs:
        training_words(form, runs, bool(waiting))
        return
    comparison = compared(form, *runs)
    if comparison.equal and not waiting:
        st.caption("The pinned run and this one are equal. Change one toggle and press Run.")
        return
    with st.container():  # also where nothing is told: the charts keep their place, and are not mounted anew
        if form.outdated:
            st.caption("Compared below is the run in sight. The settings have changed since: press Run.")
    with st.container(key="comparison"):
        left, right = st.columns(2, gap="medium")
        with left:
            chart(
                form.key("comparison-curve"),
                curve_figure(comparison),
                curve_words(comparison),
                height=300,
                live=bool(waiting),
            )
        with right:
            tell(comparison, bool(waiting))
        if not waiting:
            heatmaps(form, comparison)


def training_words(form: Form, runs: list[Run | None], live: bool) -> None:
    """One of the two has no epoch yet: say which, and look again."""
    who = "The pinned run" if runs[0] is None else "The present run"
    words = (
        f"{who} is waiting for its first epoch." if live else f"{who} was stopped before its first epoch: press Run."
    )
    st.caption(words)
    if live:
        chart(form.key("comparison-waiting"), NOTHING, words, height=40, live=True)


def compared(form: Form, pinned: Run, other: Run) -> Comparison:
    """The comparison of these two runs; a new one begins at the epoch where their gradients part."""
    if form.comparison is None or form.comparison.pinned is not pinned or form.comparison.other is not other:
        form.comparison = Comparison(pinned, other)
        st.session_state.pop(form.key("comparison-epoch"), None)
    return form.comparison


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
        where = where_of(comparison, seen) if seen else place(comparison, exact).removeprefix(" at ") if exact else ""
        rows.append(f"| {quantity} | {epoch_of(exact)} | {epoch_of(seen)} | {quoted(where)} |")
    return "\n".join(rows)


def epoch_of(parting: Parting | None) -> str:
    return f"epoch {parting.epoch + 1}" if parting else "never"


def where_of(comparison: Comparison, parting: Parting) -> str:
    at = place(comparison, parting).removeprefix(" at ")
    return f"{at}: {values(parting)}" if at else values(parting)


def number_table(comparison: Comparison) -> str:
    """Loss, error, leak and starved steps of both."""
    rows = ["| | pinned | now |", "|---|---|---|"]
    for name, of in NUMBERS.items():
        rows.append(f"| {name} | {of(comparison.pinned)} | {of(comparison.other)} |")
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


def heatmaps(form: Form, comparison: Comparison) -> None:
    """Both gradients and their difference in one epoch, on one scale."""
    row = st.container(key="comparison-pick", horizontal=True, vertical_alignment="center", gap="medium")
    at = row.segmented_control(
        "Gradient",
        list(AT),
        default="predictions",
        format_func=lambda name: f"gradient at {name}",
        required=True,
        key=form.key("comparison-at"),
        label_visibility="collapsed",
    )
    epoch = pick_epoch(form, comparison, row)
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
                chart(form.key(f"comparison-{name}"), figure, f"{title}, epoch {epoch + 1}: {words}", height=270)


def pick_epoch(form: Form, comparison: Comparison, row) -> int:
    """The kept epoch to look at; first the one where the gradients part."""
    options = (comparison.kept + 1).tolist()
    if len(options) == 1:
        return int(comparison.kept[0])
    key = form.key("comparison-epoch")
    if st.session_state.get(key) not in options:
        parting = comparison.parting("gradient", visible=True)
        st.session_state[key] = parting.epoch + 1 if parting else options[-1]
    words = {"label_visibility": "collapsed", "format_func": lambda epoch: f"epoch {epoch}"}
    return row.select_slider("Epoch", options, key=key, **words) - 1
