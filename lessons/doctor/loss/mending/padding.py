"""Mends for padding and missing labels: a mask that is applied, and a division by what it leaves."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lessons.doctor.loss.mending.dialect import boolean
from lessons.doctor.loss.mending.edit import Edit, Impossible
from lessons.doctor.loss.mending.page import Page
from lessons.doctor.loss.mending.register import mend_for

PADDED = ("ignores_mask", "wrong_normalisation")
ASKING = ("is_nan", "isnan", "is_finite", "isfinite", "shape", "size", "zeros_like", "ones_like", "rank")


@mend_for(*PADDED, title="one value per step, so that Keras applies its mask")
def value_per_step(page: Page) -> Iterator[list[Edit]]:
    if page.usage.padding != "keras":
        return
    everything = [call for call in page.outer() if page.axis(call) is None]
    names = [page.put(call.func, page.say("mean", call)) for call in everything]
    yield [*names, *(page.last(call, "axis=-1") for call in everything)]


@mend_for("nan_labels", title="NaN labels replaced before the arithmetic", joint=True)
def fill_labels(page: Page) -> Iterator[list[Edit]]:
    filled, y = page.fresh("labels", "filled", "filled_labels"), page.label
    names = [node for node in ast.walk(page.loss) if isinstance(node, ast.Name) and node.id == y]
    read = [node for node in names if isinstance(node.ctx, ast.Load) and not asked(page, node)]
    line = f"{filled} = {page.say('where')}({page.say('is_nan')}({y}), {page.say('zeros_like')}({y}), {y})"
    if len(names) > len(read):  # the mask is there already
        yield [page.at_start(line), *(page.put(name, filled) for name in read)]


@mend_for(*PADDED, "nan_labels", title="the sum over the valid steps, divided by their number", late=True)
def count_valid(page: Page) -> Iterator[list[Edit]]:
    if page.usage.padding == "keras":
        return
    for mask in masks(page):
        yield divided(page, mask, weigh=False)
    mask = page.fresh("mask", "valid", "valid_steps")
    for label in (page.label, f"{page.label}[..., 0]"):
        lines = mask_lines(page, mask, label)
        for count in range(1, len(lines) + 1):
            yield [page.at_start(*lines[:count]), *divided(page, mask, weigh=True)]


def masks(page: Page) -> list[str]:
    """Names to which the loss assigns a comparison as numbers."""
    found = []
    for node in page.nodes(ast.Assign):
        value, target = node.value, node.targets[0]
        is_cast = isinstance(value, ast.Call) and page.path(value.func).endswith(".cast") and value.args
        if is_cast and isinstance(target, ast.Name) and boolean(page, value.args[0]):
            found.append(target.id)
    return found


def mask_lines(page: Page, mask: str, label: str) -> list[str]:
    """The mask made from the labels; NaN labels are replaced after it.

    Raises Impossible where the labels do not tell padding.
    """
    kind, padding, y = f"{page.prediction}.dtype", page.usage.padding, page.label
    if padding == "nan":
        missing = f"{page.say('is_nan')}({label})"
        made = f"{mask} = {page.say('cast')}({page.say('logical_not')}({missing}), {kind})"
        gone = f"{page.say('is_nan')}({y})"
        return [made, f"{y} = {page.say('where')}({gone}, {page.say('zeros_like')}({y}), {y})"]
    if not page.usage.marked:
        raise Impossible
    names = [name for name, node in page.bound.items() if isinstance(node, ast.Assign)]
    mark = next((name for name in names if page.number(ast.Name(name)) == padding), f"{padding:.1f}")
    return [f"{mask} = {page.say('cast')}({page.say('not_equal')}({label}, {mark}), {kind})"]


def divided(page: Page, mask: str, weigh: bool) -> list[Edit]:
    """mean(e) or sum(e) / n -> divide_no_nan(sum(e * mask), sum(mask)); without * mask where e is masked already."""
    total, divide = page.say("sum"), page.say("divide_no_nan")
    outer = page.outer()
    if not outer:
        values = page.returns()
        if len(values) != 1:
            return []
        return [
            page.wrap(
                values[0],
                f"{divide}({total}({'(' if weigh else ''}",
                f"{f') * {mask}' if weigh else ''}), {total}({mask}))",
            )
        ]
    call = outer[0]
    x = call.args[0]
    if weigh and page.operand(x) != page.source(x):
        edits = [page.wrap(x, "(", f") * {mask}")]
    else:
        edits = [page.wrap(x, "", f" * {mask}" if weigh else "")]
    edits += [page.put(call.func, total)]
    edits += [page.put_between(closing(page, call), page.end(call) - 1, "")]
    whole = page.parents[call]
    if isinstance(whole, ast.BinOp) and isinstance(whole.op, ast.Div) and whole.left is call:
        edits.append(page.put_between(page.end(call), page.end(whole), ""))
        return [*edits, page.wrap(whole, f"{divide}(", f", {total}({mask}))")]
    if any(page.kind(other) for other in outer[1:]):
        return []
    return [*edits, page.wrap(call, f"{divide}(", f", {total}({mask}))")]


def closing(page: Page, call: ast.Call) -> int:
    """Where the first argument of a call is over, with the brackets around it."""
    rest = [*call.args[1:], *(keyword.value for keyword in call.keywords)]
    if not rest:
        return page.end(call) - 1
    return page.text.index(",", page.end(call.args[0]))


def asked(page: Page, name: ast.Name) -> bool:
    """Whether this place asks which labels are NaN."""
    node = page.parents[name]
    if isinstance(node, ast.Compare):
        return len({ast.dump(part) for part in (node.left, *node.comparators)}) == 1
    if isinstance(node, ast.Call):
        same = len(node.args) == 2 and ast.dump(node.args[0]) == ast.dump(node.args[1])
        return same or page.path(node.func).rpartition(".")[2] in ASKING
    return False


@mend_for("nan_labels", "not_batch_safe", title="a mean that is 0 where nothing is left", joint=True)
def mean_of_none(page: Page) -> Iterator[list[Edit]]:
    """mean(e) -> divide_no_nan(sum(e), size(e)), for what a boolean mask leaves"""
    edits, errors = [], page.fresh("errors", "kept", "kept_errors")
    calls = [call for call in page.outer() if page.kind(call) == "mean" and page.axis(call) is None]
    for call in calls[:1]:
        size = f"{page.say('cast')}({page.say('size')}({errors}), {errors}.dtype)"
        line = page.line_before(page.statement(call), f"{errors} = {page.source(call.args[0])}")
        edits = [line, page.put(call, f"{page.say('divide_no_nan')}({page.say('sum')}({errors}), {size})")]
    yield edits


@mend_for("drops_legit_zeros", title="no mask made from label values")
def drop_label_mask(page: Page) -> Iterator[list[Edit]]:
    unmasked, lines = [], []
    names = {
        node.targets[0].id: node
        for node in page.nodes(ast.Assign)
        if isinstance(node.targets[0], ast.Name)
        if not_zero(page, node.value)
    }
    for node in page.nodes(ast.BinOp, ast.Call):
        sides = [node.left, node.right] if isinstance(node, ast.BinOp) else node.args[:2]
        name = "" if isinstance(node, ast.BinOp) else page.path(node.func).rpartition(".")[2]
        masking = isinstance(getattr(node, "op", None), ast.Mult) or name in ("multiply", "boolean_mask")
        kept = [side for side in sides if not is_mask(page, side, names)]
        if masking and len(sides) == 2 and len(kept) == 1:
            unmasked.append(page.put(node, page.operand(kept[0])))
    for node in names.values():
        start = page.starts[node.lineno - 1]
        lines.append(page.put_between(start, page.starts[node.end_lineno], ""))
    yield [*unmasked, *counted(page, names), *lines]


def counted(page: Page, names: dict[str, ast.Assign]) -> list[Edit]:
    """sum(e * mask) / sum(mask) -> mean(e), over the last axis where Keras applies its mask to the steps"""
    edits = []
    for node in page.nodes(ast.BinOp, ast.Call):
        if isinstance(node, ast.BinOp):
            sides = [node.left, node.right] if isinstance(node.op, ast.Div) else []
        else:
            sides = node.args if page.path(node.func).endswith("divide_no_nan") else []
        if len(sides) != 2 or page.kind(sides[0]) != "sum" or not isinstance(sides[0].args[0], ast.BinOp):
            continue
        product = sides[0].args[0]
        kept = [side for side in (product.left, product.right) if not is_mask(page, side, names)]
        count = {part.id for part in ast.walk(sides[1]) if isinstance(part, ast.Name)}
        if len(kept) == 1 and count & names.keys():
            axis = ", axis=-1" if page.usage.padding == "keras" else ""
            edits.append(page.put(node, f"{page.say('mean', sides[0])}({page.source(kept[0])}{axis})"))
    return edits


def not_zero(page: Page, node: ast.expr) -> bool:
    """A comparison of labels with 0, cast or not."""
    if isinstance(node, ast.Call) and page.path(node.func).rpartition(".")[2] == "cast" and node.args:
        return not_zero(page, node.args[0])
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
    elif isinstance(node, ast.Call) and page.path(node.func).rpartition(".")[2] in ("not_equal", "greater"):
        sides = node.args
    else:
        return False
    names = {part.id for side in sides for part in ast.walk(side) if isinstance(part, ast.Name)}
    return len(sides) == 2 and page.label in names and any(page.number(side) == 0 for side in sides)


def is_mask(page: Page, node: ast.expr, names: dict[str, ast.Assign]) -> bool:
    return node.id in names if isinstance(node, ast.Name) else not_zero(page, node)
