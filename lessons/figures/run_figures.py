"""Figures of a run, as Plotly's own JSON: `plotly.graph_objects.Figure(figure)` accepts each.

Pure functions. Plain dictionaries, because the page needs them within milliseconds and building graph objects alone
would cost it the import of plotly.
"""

import numpy as np

from lessons.figures.marks import (
    ERROR,
    LEAK_SCALE,
    LEGEND,
    LOSS,
    MARGIN,
    PADDING,
    REAL,
    REAL_LOSS,
    REAL_SCALE,
    above,
    box,
    edge_trace,
    filled,
    grid_layout,
    heat,
    line,
    nan_band,
    not_finite,
    number,
    on_two_scales,
    points,
    rounded,
    scale_of,
    titled,
    words_trace,
)
from lessons.recipe.settings import Settings
from lessons.recipe.words import sentence
from lessons.runs.run import Run, squeezed

PAST = "The loss is made inside the model, past the predictions: no gradient arrives at them. Look at the inputs."
DECADES = 6  # of gradient sizes that the colours tell apart
CELL = (
    "sequence %{y}, step %{x}: %{customdata[0]}<br>label %{customdata[1]}, "
    "prediction %{customdata[2]}<br>gradient %{customdata[3]}<extra></extra>"
)


def run_words(run: Run) -> dict:
    """The charts of a run in words, and the span of the true labels."""
    s, leak = run.snapshot, run.leak[-1]
    at = f"{leak:.0%} of the gradient lies on padding" if np.isfinite(leak) else "there is no finite gradient"
    gradient = f"In epoch {s.kept[-1] + 1} {at}; {int(run.starved.sum())} real steps never got any."
    return {
        "curve": f"Loss from {number(s.loss[0])} to {number(s.loss[-1])}; {error_name(run.settings)} from "
        f"{number(s.error[0])} to {number(s.error[-1])}; the best constant has {number(run.baseline)}.",
        "gradient": PAST if run.past_predictions else gradient,
        "prediction": " ".join(filter(None, [prediction_words(run), run.measured and sentence(run.measured)])),
        "span": span_of(squeezed(run.batch.truth)),
    }


def prediction_words(run: Run) -> str:
    """What the trained model answers: the range, or how often which class on real steps."""
    if not run.settings.predicts.ranked:
        return f"Predictions from {number(run.predictions.min())} to {number(run.predictions.max())}."
    answers = run.predictions[run.batch.label_real]
    most = max(run.settings.predicts.labels, key=lambda label: int((answers == label).sum()))
    return (
        f"The most frequent answer is class {most}, on {int((answers == most).sum())} of {answers.size} real steps; "
        f"{len(np.unique(answers[np.isfinite(answers)]))} of {len(run.settings.predicts.labels)} classes are answered."
    )


def span_of(truth: np.ndarray) -> list[float]:
    """The least and the greatest of the true labels that are known."""
    known = truth[~np.isnan(truth)]
    return [float(known.min()), float(known.max())] if known.size else [0.0, 1.0]


def gradient_figure(run: Run, kept: int = -1, at: str = "predictions", span: tuple[float, float] | None = None) -> dict:
    """Where the gradient went at one kept epoch, sequence x time: blue on real steps, vermilion on padding, 0 paper.

    `span`: the colours' range in log10, where it is shared with another run.
    """
    gradient, real = gradient_of(run, at)
    low, high = span or gradient_range(gradient)
    z = logarithm(gradient[kept])
    words = words_trace(real.shape) | {
        "customdata": cells(run, gradient, kept, real),
        "hovertemplate": CELL,
    }
    return {
        "data": [*gradient_traces(z, ~np.isfinite(gradient[kept]), real, low, high), words, *outline(real)],
        "layout": grid_layout(real.shape, right=62),
    }


def gradient_frame(run: Run, at: str = "predictions") -> dict:
    """The same figure without its cells: the panel fills in those of the epoch that it shows."""
    gradient, real = gradient_of(run, at)
    none = np.empty((len(real), 0))
    words = words_trace(none.shape) | {"hovertemplate": CELL}
    traces = gradient_traces(none, none.astype(bool), none.astype(bool), *gradient_range(gradient))
    return {"data": [*traces, words, *outline(real)], "layout": grid_layout(real.shape, right=62)}


def cells(run: Run, gradient: np.ndarray, kept: int, real: np.ndarray) -> list:
    """(batch, time, 4) what the words of a cell are made of: kind, label, prediction, gradient."""
    labels, predictions = (
        np.broadcast_to(a, real.shape) for a in (squeezed(run.batch.y), run.snapshot.predictions[kept])
    )
    return [
        [
            ["real" if real[i, j] else "padding", number(labels[i, j]), number(predictions[i, j]),
             number(gradient[kept, i, j]) if gradient[kept, i, j] else "exactly 0"]
            for j in range(real.shape[1])
        ]
        for i in range(real.shape[0])
    ]  # fmt: skip


def outline(real: np.ndarray) -> list[dict]:
    return [] if real.all() else [edge_trace(real, "", PADDING, 1)]


def gradient_traces(z, nan, real, low, high) -> list[dict]:
    """The heatmaps of log10 |gradient| z (rows, time): real steps, padding, not finite."""
    parts, names = (np.where(real, z, np.nan), np.where(real, np.nan, z)), ("on real steps", "on padding")
    return [*on_two_scales(*parts, (REAL_SCALE, LEAK_SCALE), names, low, high), not_finite(nan, "NaN")]


def gradient_over_epochs_figure(run: Run, at: str = "predictions") -> dict:
    """Epoch x time, summed over sequences: what real steps got on the left, what padding got on the right."""
    gradient, real = gradient_of(run, at)
    low, high = gradient_range(gradient.sum(axis=1))
    with np.errstate(invalid="ignore"):
        sums = [(gradient * where).sum(axis=1) for where in (real, ~real)]  # (kept, time)
    epochs = (run.snapshot.kept + 1).tolist()
    traces = []
    for axis, sum_, scale, name in zip(("", "2"), sums, (REAL_SCALE, LEAK_SCALE), ("real", "padding"), strict=True):
        trace = heat(logarithm(sum_), scale, low, high, name=f"on {name} steps")
        trace |= {"y": epochs, "xaxis": f"x{axis}"}
        trace |= {"hovertemplate": f"epoch %{{y}}, step %{{x}}, {name}<extra></extra>"}
        traces += [trace, not_finite(np.isnan(sum_), "NaN") | {"y": epochs, "xaxis": f"x{axis}"}]
    # Where padding gets nothing there is nothing to take the range from.
    across = {**titled("timestep"), "range": [-0.5, gradient.shape[-1] - 0.5], "showgrid": False, "zeroline": False}
    layout = {
        "margin": MARGIN | {"t": 20},
        "xaxis": across | {"domain": [0, 0.48]},
        "xaxis2": across | {"domain": [0.52, 1]},
        "yaxis": {**titled("epoch"), "autorange": "reversed", "showgrid": False, "zeroline": False},
        "annotations": [
            above(x, text, xref="paper", xanchor="center")
            for text, x in (("on real steps", 0.24), ("on padding", 0.76))
        ],
    }
    return {"data": traces, "layout": layout}


def curve_figure(run: Run) -> dict:
    """Losses above, the error that no toggle can change below, over epochs."""
    s = run.snapshot
    x = (s.epochs + 1).tolist()
    traces = [
        line(x, s.loss, LOSS, "optimizer’s"),
        line(x, s.real_loss, REAL_LOSS, "real steps only"),
        line(x, s.val_loss, LOSS, "validation", "dash"),
        line(x, s.error, ERROR, error_name(run.settings)) | {"yaxis": "y2"},
        line([x[0], max(x[-1], x[0] + 1)], np.full(2, run.baseline), ERROR, "constant", "dot") | {"yaxis": "y2"},
    ]
    layout = {
        "margin": MARGIN | {"t": 4},
        "xaxis": {**titled("epoch"), "range": [0.5, run.settings.epochs + 0.5], "anchor": "y2"},
        "yaxis": {"domain": [0.45, 1], **scale_of(s.loss, s.real_loss, s.val_loss), **titled("loss")},
        "yaxis2": {"domain": [0, 0.36], "rangemode": "tozero", **titled("error")},
        "legend": LEGEND,
        "hovermode": "x unified",
    }
    first = first_bad(s.loss)
    if first is not None:
        layout["shapes"] = [nan_band(first + 0.5, run.settings.epochs + 0.5)]
        words = above(first + 0.5, f"NaN from epoch {first + 1}", 13, xanchor="left", y=0.97, yanchor="auto")
        layout["annotations"] = [words]
    return {"data": traces, "layout": layout}


def shade(title: str, epochs: tuple[int, int] | None, cells: np.ndarray | None) -> dict:
    """What a finding marks in the charts: epochs (from 0) as a band, cells (batch, time) with their border.

    The browser draws both over whatever the charts show, in the colour of the text.
    """
    return {
        "title": title,
        "epochs": [epochs[0] + 0.5, epochs[1] + 1.5] if epochs else None,
        "grid": list(cells.shape) if cells is not None else None,
        "border": edge_trace(cells, "", width=2) if cells is not None else None,
    }


def luck_figure(runs: list[Run]) -> dict:
    """The same settings over several seeds: loss on the left, error on the right, each as a band with its lines."""
    x = (runs[0].snapshot.epochs + 1).tolist()
    losses, errors = (np.array([getattr(run.snapshot, name) for run in runs]) for name in ("loss", "error"))
    names = [f"seed {run.settings.seed}" for run in runs]
    traces = [*band(x, losses, LOSS, names)]
    traces += [trace | {"xaxis": "x2", "yaxis": "y2"} for trace in band(x, errors, ERROR, names)]
    baseline = float(np.mean([run.baseline for run in runs]))
    constant = line([x[0], max(x[-1], x[0] + 1)], np.full(2, baseline), ERROR, "best constant", "dot")
    traces.append(constant | {"xaxis": "x2", "yaxis": "y2"})
    layout = {
        "margin": MARGIN,
        "xaxis": {**titled("epoch"), "domain": [0, 0.46]},
        "xaxis2": {**titled("epoch"), "domain": [0.54, 1], "anchor": "y2"},
        "yaxis": {**titled("loss"), **scale_of(losses.ravel())},
        "yaxis2": {"title": {"text": error_name(runs[0].settings)}, "anchor": "x2", "rangemode": "tozero"},
    }
    return {"data": traces, "layout": layout}


def band(x: list, curves: np.ndarray, colour: str, names: list[str]) -> list[dict]:
    """Curves (seed, epoch) as thin lines over the area they span."""
    finite = np.where(np.isfinite(curves), curves, np.nan)
    known = np.isfinite(finite).any(axis=0)
    low, high = np.full(len(x), np.nan), np.full(len(x), np.nan)
    low[known], high[known] = np.nanmin(finite[:, known], axis=0), np.nanmax(finite[:, known], axis=0)
    edge = {"line": {"width": 0, "color": colour}, "showlegend": False, "hoverinfo": "skip"}
    area = [
        line(x, low, colour, "least") | edge,
        line(x, high, colour, "most") | edge | {"fill": "tonexty", "opacity": 0.3},
    ]
    lines = [line(x, curve, colour, name) for curve, name in zip(curves, names, strict=True)]
    return area + [one | {"line": {"color": colour, "width": 1}, "showlegend": False} for one in lines]


def prediction_figure(run: Run) -> dict:
    """Predictions of the trained model against the true labels, all real steps."""
    truth = squeezed(run.batch.truth)[run.batch.label_real]
    span = span_of(truth)
    answers = rounded(run.predictions[run.batch.label_real])
    dots = points(rounded(truth), answers, "real step", {"color": REAL, "size": 5, "opacity": 0.6})
    dots["hovertemplate"] = "label %{x}, prediction %{y}<extra></extra>"
    ideal = line(span, np.array(span), PADDING, "prediction = label", "dot")
    whole = of_classes(run)
    layout = {
        "margin": MARGIN,
        "xaxis": {**titled("true label"), **whole},
        "yaxis": {**titled("prediction"), **whole},
        "showlegend": False,
    }
    return {"data": [dots, ideal], "layout": layout}


def sequence_figure(run: Run, sequence: int) -> dict:
    """One sequence: true labels and predictions over time, padding hatched."""
    real = run.batch.label_real[sequence]
    steps = np.arange(len(real))
    truth = squeezed(run.batch.truth)[sequence]
    low, high = span_of(squeezed(run.batch.truth))
    circle = {"color": REAL, "size": 9, "symbol": "circle-open", "line": {"width": 2}}
    labels = points(steps[real].tolist(), rounded(truth[real]), "true label", circle)
    predictions = line(steps.tolist(), run.predictions[sequence], ERROR, "prediction") | {"mode": "lines+markers"}
    if run.settings.predicts.ranked:  # between two classes there is nothing
        predictions["line"] |= {"shape": "hvh"}
    pads = [box(step - 0.5, step + 0.5, low, high) for step in steps[~real]]
    hatch = filled(pads, "padding")
    layout = {
        "margin": MARGIN,
        "xaxis": {**titled("timestep"), "range": [-0.5, len(real) - 0.5]},
        "yaxis": {**titled("label, prediction"), **of_classes(run)},
        "legend": LEGEND,
    }
    return {"data": [hatch, labels, predictions], "layout": layout}


def of_classes(run: Run) -> dict:
    """An axis of class ids has a tick for each of them, and no other."""
    labels = run.settings.predicts.labels
    return (
        {"dtick": max(1, len(labels) // 12), "range": [-0.5, len(labels) - 0.5]} if run.settings.predicts.ranked else {}
    )


def error_name(settings: Settings) -> str:
    """What the error is, on real steps against the true labels."""
    return "error (MAE)" if settings.predicts.kind == "number" else "1 - accuracy"


def gradient_of(run: Run, at: str) -> tuple[np.ndarray, np.ndarray]:
    """(kept, batch, time) gradient at the predictions or the inputs, and the real steps it is laid over."""
    if at == "inputs":
        return run.snapshot.input_gradient, run.batch.real
    return run.snapshot.gradient, run.batch.label_real


def gradient_range(gradient: np.ndarray) -> tuple[float, float]:
    """log10 of the smallest and largest gradient that the colours show; one scale for the whole run."""
    finite = gradient[np.isfinite(gradient) & (gradient > 0)]
    if not finite.size:
        return -DECADES, 0.0
    high = float(np.ceil(np.log10(finite.max())))
    return high - DECADES, high


def logarithm(gradient: np.ndarray) -> np.ndarray:
    """log10 of |gradient|; NaN, which is drawn as paper, where it is exactly 0 or not finite."""
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.log10(gradient.astype(float))
    return np.where(np.isfinite(z), z, np.nan)


def first_bad(values: np.ndarray) -> int | None:
    """Index of the first value that is not finite."""
    bad = np.flatnonzero(~np.isfinite(values))
    return int(bad[0]) if bad.size else None
