"""Mends for values and gradients that are not finite: inputs are kept inside the domain of what they go into."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lessons.doctor.loss.mending.edit import Edit
from lessons.doctor.loss.mending.page import Page
from lessons.doctor.loss.mending.register import mend_for

FLOOR = "1e-6"  # float16 holds it, and its logarithm is small
TOO_SMALL = 6e-8  # what float16 cannot hold
LOGARITHMS = ("log", "log2", "log10")
NORMS = ("norm", "reduce_euclidean_norm")
GUARDS = ("maximum", "clip", "clip_by_value")
NOT_FINITE = ("log_of_zero", "graph_differs", "eps_underflow_fp16", "where_grad_nan", "unbounded_below")


@mend_for(*NOT_FINITE, "exploding_gradient", title="an epsilon of 1e-6, which float32 and float16 can hold", joint=True)
def raise_tiny_constants(page: Page) -> Iterator[list[Edit]]:
    tiny = [node for node in page.nodes(ast.Constant) if isinstance(node.value, float) and 0 < node.value < TOO_SMALL]
    yield [page.put(node, FLOOR) for node in tiny]


@mend_for(*NOT_FINITE, title="a formula that does not overflow in place of log of exp")
def merge_logarithms(page: Page) -> Iterator[list[Edit]]:
    """log(1 + exp(x)) -> softplus(x)"""
    edits = []
    for call in page.calls("log", "log1p"):
        inner, plus_one = call.args[0], page.path(call.func).endswith("log1p")
        if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Add) and not plus_one:
            sides = [inner.left, inner.right]
            others = [side for side in sides if page.number(side) != 1.0]
            inner, plus_one = (others[0], True) if len(others) == 1 else (inner, False)
        if plus_one and isinstance(inner, ast.Call) and inner.args and page.path(inner.func).endswith("exp"):
            edits.append(page.put(call, f"{page.say('softplus', call)}({page.source(inner.args[0])})"))
    yield edits


@mend_for(*NOT_FINITE, title="the argument of log kept above 0", joint=True)
def guard_logarithms(page: Page) -> Iterator[list[Edit]]:
    edits = []
    for call in page.calls(*LOGARITHMS):
        x = call.args[0]
        if not page.fixed(x) and not guarded(page, x):
            edits.append(at_least(page, call, x))
    yield edits


def guarded(page: Page, x: ast.expr) -> bool:
    return isinstance(x, ast.Call) and page.path(x.func).rpartition(".")[2] in GUARDS


def at_least(page: Page, call: ast.Call, x: ast.expr) -> Edit:
    """maximum(x, FLOOR)"""
    return page.wrap(x, f"{page.say('maximum', call)}(", f", {FLOOR})")


def after_space(page: Page, place: int) -> int:
    while page.text[place].isspace():
        place += 1
    return place


@mend_for(*NOT_FINITE, "exploding_gradient", title="1e-6 under the root", joint=True)
def guard_roots(page: Page) -> Iterator[list[Edit]]:
    """sqrt(x + 1e-6); the norm written out, with 1e-6 inside; x ** 0.5 likewise."""
    edits = []
    for call in page.calls("sqrt", "rsqrt"):
        if not page.fixed(call.args[0]):
            edits.append(page.plus(call.args[0], FLOOR))
    for call in page.calls("pow", "power"):
        if len(call.args) == 2 and steep(page, call.args[1]):
            edits.append(page.plus(call.args[0], FLOOR))
    for node in page.nodes(ast.BinOp):
        if isinstance(node.op, ast.Pow) and steep(page, node.right) and not page.fixed(node.left):
            edits.append(page.plus(node.left, FLOOR))
    for call in page.calls(*NORMS):
        edits += written_out(page, call)
    yield edits


def steep(page: Page, exponent: ast.expr) -> bool:
    """Whether the derivative of such a power may be infinite at 0: exponents below 1, and those that are not known."""
    value = page.number(exponent)
    return value is None or (value < 1 and value != 0) or value % 1 != 0


def written_out(page: Page, call: ast.Call) -> list[Edit]:
    """norm(x, axis=…) -> sqrt(sum(square(x), axis=…) + 1e-6), for the Euclidean norm."""
    orders = [keyword for keyword in call.keywords if keyword.arg == "ord"]
    if orders or len(call.args) != 1:
        return []
    x = call.args[0]
    return [
        page.wrap(call, f"{page.say('sqrt', call)}(", f" + {FLOOR})"),
        page.put(call.func, page.say("sum", call)),
        page.wrap(x, f"{page.say('square', call)}(", ")"),
    ]


@mend_for(*NOT_FINITE, title="1e-6 added to what is divided by", joint=True)
def guard_divisors(page: Page) -> Iterator[list[Edit]]:
    """A quotient inside a logarithm is kept above 0 as well: what is divided may be 0 too."""
    edits = []
    for divisor in divisors(page):
        edits.append(page.plus(divisor, FLOOR))
        call = page.parents[divisor]
        while isinstance(call, ast.expr) and not page.path(getattr(call, "func", call)).endswith(".log"):
            call = page.parents[call]
        if isinstance(call, ast.Call):
            edits.append(at_least(page, call, call.args[0]))
    yield edits


def divisors(page: Page) -> list[ast.expr]:
    found = [node.right for node in page.nodes(ast.BinOp) if isinstance(node.op, ast.Div)]
    found += [call.args[1] for call in page.calls("divide", "truediv", "div", "realdiv") if len(call.args) == 2]
    return [node for node in found if not page.fixed(node)]


@mend_for(
    *("nan_labels", "not_batch_safe", "all_ignored", "absent_label", *NOT_FINITE),
    title="a division that gives 0 where it divides by 0",
    joint=True,
)
def divide_safely(page: Page) -> Iterator[list[Edit]]:
    edits = []
    for node in page.nodes(ast.BinOp):
        if isinstance(node.op, ast.Div) and not page.fixed(node.right):
            slash = page.text.index("/", page.end(node.left))
            start = page.start(node) + len(page.text[page.start(node) : slash].rstrip())
            edits.append(page.put_between(start, after_space(page, slash + 1), ", "))
            edits.append(page.wrap(node, f"{page.say('divide_no_nan')}(", ")"))
    yield edits


@mend_for(
    *(*NOT_FINITE, "dead_region", "minimum_not_at_truth", "wrong_activation"),
    title="the logits turned into probabilities first",
    rescales=True,
    late=True,
)
def activate_first(page: Page) -> Iterator[list[Edit]]:
    """A loss of probabilities that is given logits."""
    usage = page.usage
    if usage.activation != ("linear",) or usage.task not in ("binary", "multiclass"):
        return
    activation = page.say("sigmoid" if usage.task == "binary" else "softmax")
    yield [page.at_start(f"{page.prediction} = {activation}({page.prediction})")]
