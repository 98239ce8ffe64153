"""Is it luck? The same settings over several seeds."""

from dataclasses import replace

import numpy as np
import streamlit as st

from lessons.figures import luck_figure, number
from lessons.laboratory import shared
from lessons.recipe import Recipe
from pages.ui.desk import Desk
from pages.ui.lab import chart

SEEDS = 5


def luck(desk: Desk) -> None:
    """A button; then a band of curves that grows as the seeds are trained."""
    if desk.pasted:
        st.caption(f"“Is it luck?” trains {SEEDS} runs at once: it is off while your own loss is in use.")
        return
    row = st.container(horizontal=True, vertical_alignment="center")
    row.button(
        "Is it luck?",
        key=desk.key("luck"),
        icon=":material/casino:",
        help=f"Trains these settings with {SEEDS} seeds: other data, other initial weights.",
        on_click=lambda: throw(desk),
    )
    trainings = [training for training in desk.luck if training.recipe.table == desk.table]
    if not trainings:
        row.caption(f"One run is one seed. This trains {SEEDS}.")
        return
    waiting = [training for training in trainings if not training.done]
    if waiting:
        waiting[0].watch(id(desk))
        waiting[0].job.wait_beyond(len(waiting[0].job.items), 0.3)
    finished = [training for training in trainings if training.done and not training.failure]
    runs = [run for training in finished if (run := training.run())]
    row.caption(f"{len(runs)} of {len(trainings)} seeds trained")
    if runs:
        chart(desk.key("luck-chart"), luck_figure(runs), words(runs), live=bool(waiting))
        st.caption(words(runs))


def throw(desk: Desk) -> None:
    desk.collect()
    first = desk.settings.seed
    several = [replace(desk.settings, seed=(first + step) % 10_000) for step in range(SEEDS)]
    desk.luck = [shared().train(Recipe(settings, desk.table), id(desk)) for settings in several]


def words(runs: list) -> str:
    """The spread of the last error, and the loss that goes with it."""
    errors = np.array([run.snapshot.error[-1] for run in runs])
    losses = np.array([run.snapshot.loss[-1] for run in runs])
    if not np.isfinite(errors).all():
        return f"{int((~np.isfinite(errors)).sum())} of {len(runs)} seeds end in NaN."
    zero = int((losses == 0).sum())
    read = f" On {zero} of {len(runs)} seeds the loss reads exactly 0." if zero else ""
    error, loss = (f"from {number(of.min())} to {number(of.max())}" for of in (errors, losses))
    return f"Last error {error}, loss {loss}.{read}"
