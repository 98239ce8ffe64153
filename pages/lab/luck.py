"""Is it luck? The same settings over several seeds."""

import numpy as np
import streamlit as st

from lessons.figures.marks import number
from lessons.figures.run_figures import luck_figure
from pages.lab.bench import Bench
from pages.lab.comparison_panel import NOTHING
from pages.lab.state import SEEDS
from pages.parts.charts import chart
from pages.parts.layout import button, row


def luck(bench: Bench) -> None:
    """A button; then a band of curves that grows as the seeds are trained."""
    if bench.form.walled:
        st.caption(f"“Is it luck?” trains {SEEDS} runs at once: it is off while your own loss or model is in use.")
        return
    place = row(gap="medium")
    seeds = f"Trains these settings with {SEEDS} seeds: other data, other initial weights."
    button(place, "Is it luck?", bench.key("luck"), "casino", bench.try_seeds, help=seeds)
    in_use = [training for training in bench.luck.trainings if training.recipe.table == bench.form.table]
    if not in_use:
        place.caption(f"One run is one seed. This trains {SEEDS}.")
        return
    live = bench.luck.look(bench.me("luck"))
    if live:
        button(place, "Stop", bench.key("luck-stop"), "stop", bench.stop_luck)
    finished = [training for training in in_use if training.done and not (training.failure or training.job.stopped)]
    runs = [run for training in finished if (run := training.run())]
    stopped = "Stopped: " * any(training.job.stopped for training in in_use)
    place.caption(f"{stopped}{len(runs)} of {len(in_use)} seeds trained")
    if runs or live:  # before the first is trained it asks for news too
        told = words(runs) if runs else "No seed is trained yet."
        chart(bench.key("luck-chart"), luck_figure(runs) if runs else NOTHING, told, live=live)
        st.caption(told)


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
