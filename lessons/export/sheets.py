"""The numbers of a run as CSV files, every digit of them."""

import csv
import io
from collections.abc import Iterable

import numpy as np

from lessons.recipe.data import last_steps
from lessons.runs.run import Run, squeezed

GRADIENT_ROWS = 200_000  # of a sheet, 15 MB and a second of the server; beyond it fewer epochs are written

CURVE = ("epoch", "loss", "real_loss", "val_loss", "error")
GRADIENTS = (
    *("epoch", "sequence", "timestep", "real", "mask"),
    *("label", "prediction", "gradient", "input_gradient"),
)


def curve(run: Run) -> str:
    """A row for each epoch, counted from 1."""
    s = run.snapshot
    return sheet(CURVE, zip(s.epochs + 1, s.loss, s.real_loss, s.val_loss, s.error, strict=True))


def gradients(run: Run) -> str:
    """A row for each step of each epoch whose gradients were kept; sequences and timesteps are counted from 0.

    With one label per sequence, label, prediction and gradient stand in the row of its last real step.
    """
    chosen = written_epochs(run)
    shape = len(chosen), *run.batch.real.shape  # (epoch, batch, time)
    epoch, sequence, step = np.indices(shape)
    columns = (
        run.snapshot.kept[chosen][epoch] + 1,
        sequence,
        step,
        np.broadcast_to(run.batch.real.astype(int), shape),
        np.broadcast_to(run.batch.mask.astype(int), shape),
        by_step(run, np.broadcast_to(squeezed(run.batch.y), (len(chosen), *squeezed(run.batch.y).shape))),
        by_step(run, run.snapshot.predictions[chosen]),
        by_step(run, run.snapshot.gradient[chosen]),
        run.snapshot.input_gradient[chosen],
    )
    return sheet(GRADIENTS, zip(*(column.ravel() for column in columns), strict=True))


def written_epochs(run: Run) -> np.ndarray:
    """Indices among the kept epochs: all, or as many evenly spaced ones as GRADIENT_ROWS has room for."""
    kept = len(run.snapshot.kept)
    most = max(2, GRADIENT_ROWS // run.batch.real.size)
    return np.unique(np.linspace(0, kept - 1, min(kept, most)).round().astype(int))


def by_step(run: Run, values: np.ndarray) -> np.ndarray:
    """(epoch, batch, time) as it is; (epoch, batch, 1) at the last real step, blank elsewhere."""
    real = run.batch.real
    if values.shape[1:] == real.shape:
        return values
    spread = np.full((len(values), *real.shape), "", dtype=object)
    last = last_steps(real)
    for epoch, row in np.ndindex(values.shape[:2]):
        spread[epoch, row, last[row]] = values[epoch, row, 0]
    return spread


def sheet(names: tuple[str, ...], rows: Iterable[tuple]) -> str:
    """Numbers as Python writes them: as many digits as tell them apart, nan and inf by name."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
    return text.getvalue()
