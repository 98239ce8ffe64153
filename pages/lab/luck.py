"""Is it luck? The same settings over several seeds."""

from dataclasses import replace

import numpy as np
import streamlit as st

from lessons.figures.marks import number
from lessons.figures.run_figures import luck_figure
from lessons.recipe.recipe import Recipe
from lessons.server.laboratory import Training, shared
from pages.lab.comparison_panel import NOTHING
from pages.lab.form import Form
from pages.parts.charts import chart
from pages.server.presence import watch

SEEDS = 5
LOOK = 0.3  # seconds between two pictures of seeds under way


def luck(form: Form) -> None:
    """A button; then a band of curves that grows as the seeds are trained."""
    in_use = [training for training in form.luck if training.recipe.table == form.table and not form.pasted]
    stop(form, [training for training in form.luck if training not in in_use])
    if form.pasted:
        st.caption(f"“Is it luck?” trains {SEEDS} runs at once: it is off while your own loss is in use.")
        return
    row = st.container(horizontal=True, vertical_alignment="center")
    row.button(
        "Is it luck?",
        key=form.key("luck"),
        icon=":material/casino:",
        help=f"Trains these settings with {SEEDS} seeds: other data, other initial weights.",
        on_click=lambda: throw(form),
    )
    if not in_use:
        row.caption(f"One run is one seed. This trains {SEEDS}.")
        return
    waiting = under_way(in_use)
    for training in waiting:
        watch(training, form.luck_watcher)
    if waiting:
        row.button(
            "Stop", key=form.key("luck-stop"), icon=":material/stop:", on_click=lambda: stop(form, list(form.luck))
        )
        waiting[0].job.wait_beyond(len(waiting[0].job.items), LOOK)
    finished = [training for training in in_use if training.done and not (training.failure or training.job.stopped)]
    runs = [run for training in finished if (run := training.run())]
    stopped = "Stopped: " * any(training.job.stopped for training in in_use)
    row.caption(f"{stopped}{len(runs)} of {len(in_use)} seeds trained")
    if runs or waiting:  # before the first is trained it asks for news too
        told = words(runs) if runs else "No seed is trained yet."
        chart(form.key("luck-chart"), luck_figure(runs) if runs else NOTHING, told, live=bool(waiting))
        st.caption(told)


def throw(form: Form) -> None:
    form.collect()
    first = form.settings.seed
    several = [replace(form.settings, seed=(first + step) % 10_000) for step in range(SEEDS)]
    before = form.luck
    form.luck = [shared().train(Recipe(settings, form.table), form.luck_watcher) for settings in several]
    form.leave_luck(training for training in before if training not in form.luck)


def under_way(trainings: list[Training]) -> list[Training]:
    return [training for training in trainings if not (training.done or training.job.stopped)]


def stop(form: Form, trainings: list[Training]) -> None:
    """Leave those of these that are under way. What is trained stays; the others go on where somebody else watches."""
    left = under_way(trainings)
    form.leave_luck(left)
    form.luck = [training.halted() if training in left else training for training in form.luck]


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
