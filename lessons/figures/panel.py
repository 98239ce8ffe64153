"""What a lesson's panel is told of a run: figures of its last epoch, and what other epochs change in them."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.figures import marks, run_figures
from lessons.figures.attention_figures import pictures_content
from lessons.figures.packed import FOUR_DIGITS, THREE_DECIMALS, Numbers, packed
from lessons.runs.run import Run, squeezed

FRAMES = 60  # epochs that can be stepped through in the browser


def run_text(run: Run, live: bool) -> str:
    """`run_content` as one text. `live`: there is more to come, and another text soon."""
    return packed(run_content(run, live))


def run_content(run: Run, live: bool) -> dict[str, Any]:
    """What panel.js shows of a run."""
    places = ("predictions",) if live else ("predictions", "inputs")
    return {
        "curve": run_figures.curve_figure(run),
        "gradient": {at: run_figures.gradient_frame(run, at) for at in places},
        "over": {at: run_figures.gradient_over_epochs_figure(run, at=at) for at in places},
        "scatter": run_figures.prediction_figure(run),
        "sequence": run_figures.sequence_figure(run, 0),
        "words": run_figures.run_words(run),
        "real": run.batch.label_real.astype(int).tolist(),
        "real_inputs": run.batch.real.astype(int).tolist(),
        "truth": marks.rounded(squeezed(run.batch.truth), 4),
        "labels": marks.rounded(squeezed(run.batch.y), 4),
        "predictions": Numbers(run.predictions, FOUR_DIGITS, "number"),
        "frames": frames(run, 1 if live else FRAMES),
        "pictures": None if live else pictures_content(run),
        "epochs": run.settings.epochs,
        "starved": int(run.starved.sum()),
    }


def frames(run: Run, most: int) -> dict[str, Any]:
    """Gradients and predictions of up to `most` kept epochs, evenly spaced, the last among them."""
    kept, at_inputs = len(run.snapshot.kept), most > 1
    chosen = np.unique(np.linspace(kept - 1, 0, min(most, kept)).round().astype(int))
    gradient, input_gradient = run.snapshot.gradient[chosen], run.snapshot.input_gradient[chosen]
    return {
        "epochs": (run.snapshot.kept[chosen] + 1).tolist(),
        "leak": {
            "predictions": marks.rounded(run.leak[chosen], 3),
            "inputs": marks.rounded(run.input_leak[chosen], 3),
        },
        "predictions": Numbers(run.snapshot.predictions[chosen], FOUR_DIGITS, "number"),
        "at": {
            "predictions": Numbers(gradient, THREE_DECIMALS, "logarithm"),
            "inputs": Numbers(input_gradient, THREE_DECIMALS, "logarithm") if at_inputs else None,
        },
    }
