"""Mends for sums, signs, axes and caps: what a loss adds up over, and which way it points."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lessons.doctor.loss.mending.edit import Edit
from lessons.doctor.loss.mending.page import Page
from lessons.doctor.loss.mending.register import mend_for

REDUCING = (
    *("reduce_sum", "reduce_mean", "reduce_max", "reduce_min", "reduce_std", "reduce_variance", "reduce_prod"),
    *("sum", "mean", "max", "min", "std", "var", "prod", "norm", "argmax"),
)
SCORE = 1.05  # a score is at most 1


@mend_for("not_batch_safe", title="the mean in place of the sum over everything")
def mean_for_sum(page: Page) -> Iterator[list[Edit]]:
    sums = [call for call in page.outer() if page.kind(call) == "sum" and page.axis(call) is None]
    yield [page.put(call.func, page.say("mean", call)) for call in sums]


@mend_for("not_batch_safe", title="computed per sample, not over the whole batch")
def reduce_per_sample(page: Page) -> Iterator[list[Edit]]:
    rank = len(page.usage.shape)
    axis = "-1" if rank <= 1 else str(list(range(1, rank + 1)))
    everything = [call for call in page.calls(*REDUCING) if page.axis(call) is None and page.path(call.func)]
    outer = page.outer()
    for calls in (everything, [call for call in everything if call not in outer or page.kind(call) != "mean"]):
        yield [page.last(call, f"axis={axis}") for call in calls]


@mend_for("wrong_sign", title="the sign turned")
def turn_sign(page: Page) -> Iterator[list[Edit]]:
    edits = []
    for value in page.returns():
        if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub):
            edits.append(page.put_between(page.start(value), page.start(value.operand), bracket(page, value)))
        elif isinstance(value, ast.BinOp) and isinstance(value.op, ast.Sub) and page.number(value.left) == 1:
            edits.append(page.put_between(page.start(value), page.start(value.right), bracket(page, value)))
        else:
            sign = "1 - " if all(abs(score) <= SCORE for score in page.values()) else "-"
            tight = isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult | ast.Div | ast.Pow)
            plain = tight or page.operand(value) == page.source(value)
            edits.append(page.wrap(value, sign if plain else f"{sign}(", "" if plain else ")"))
    yield edits


def bracket(page: Page, value: ast.expr) -> str:
    """The bracket that was opened after the minus, if there was one."""
    inner = value.operand if isinstance(value, ast.UnaryOp) else value.right
    return "(" * page.text[page.start(value) : page.start(inner)].count("(")


@mend_for("broadcast_bug", title="the column kept as a column")
def slice_columns(page: Page) -> Iterator[list[Edit]]:
    """y_pred[:, 0] -> y_pred[:, 0:1]"""
    edits = []
    for node in page.nodes(ast.Subscript):
        last = node.slice.elts[-1] if isinstance(node.slice, ast.Tuple) else None
        column = page.number(last)
        if column is not None and isinstance(last, ast.Constant | ast.UnaryOp) and isinstance(node.value, ast.Name):
            edits.append(page.put(last, "-1:" if column == -1 else f"{column:g}:{column + 1:g}"))
    yield edits


@mend_for("broadcast_bug", title="keepdims=True, so that the axis stays")
def keep_axes(page: Page) -> Iterator[list[Edit]]:
    outer = page.outer()
    calls = [
        call
        for call in page.calls(*REDUCING)
        if page.axis(call) is not None and call not in outer and not any(k.arg == "keepdims" for k in call.keywords)
    ]
    yield [page.last(call, "keepdims=True") for call in calls]


@mend_for("broadcast_bug", title="the shape left as it is")
def drop_squeezing(page: Page) -> Iterator[list[Edit]]:
    calls = page.calls("squeeze", "flatten", "ravel", "reshape")
    yield [page.put(call, page.operand(call.args[0])) for call in calls]


@mend_for("broadcast_bug", title="the labels in the shape of the predictions")
def reshape_labels(page: Page) -> Iterator[list[Edit]]:
    label, prediction = page.label, page.prediction
    yield [page.at_start(f"{label} = {page.say('reshape')}({label}, {page.say('shape')}({prediction}))")]


@mend_for("dead_region", title="no cap on what is still wrong")
def drop_caps(page: Page) -> Iterator[list[Edit]]:
    """minimum(x, 1.0) -> x, and the same for maximum, clip and relu"""
    for call in page.calls("minimum", "maximum", "clip", "clip_by_value", "relu", "relu6"):
        kept = [part for part in call.args if not page.fixed(part)]
        if len(kept) == 1:
            yield [page.put(call, page.operand(kept[0]))]


@mend_for("no_gradient", "dead_region", title="the gradient let through")
def drop_stops(page: Page) -> Iterator[list[Edit]]:
    yield [page.put(call, page.operand(call.args[0])) for call in page.calls("stop_gradient")]
