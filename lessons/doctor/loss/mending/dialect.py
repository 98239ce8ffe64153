"""Mends for a loss that does not run inside fit, or leaves TensorFlow: other names for the same functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lessons.doctor.loss.mending.edit import Edit
from lessons.doctor.loss.mending.page import BACKENDS, Page, exists
from lessons.doctor.loss.mending.register import mend_for

CRASHES = ("raises_in_fit", "no_gradient")

# NumPy -> TensorFlow; keras.ops has NumPy's own names.
IN_TF = {
    **{name: f"reduce_{name}" for name in "mean sum max min prod any all".split()},
    **{"amax": "reduce_max", "amin": "reduce_min", "average": "reduce_mean"},
    **{"std": "math.reduce_std", "var": "math.reduce_variance", "count_nonzero": "math.count_nonzero"},
    **{"absolute": "abs", "fabs": "abs", "power": "pow", "clip": "clip_by_value", "true_divide": "divide"},
    **{name: f"math.{name}" for name in "log log1p expm1 reciprocal cumprod".split()},
    **{"isnan": "math.is_nan", "isfinite": "math.is_finite", "isinf": "math.is_inf", "concatenate": "concat"},
    **{"linalg.norm": "norm", "asarray": "convert_to_tensor", "array": "convert_to_tensor", "arctan2": "atan2"},
    **{"arccos": "acos", "arcsin": "asin", "arctan": "atan"},
    **{
        name: name
        for name in "abs maximum minimum where exp square sqrt sign sin cos tan tanh sinh cosh add subtract multiply "
        "divide negative not_equal equal greater greater_equal less less_equal logical_not logical_and logical_or "
        "expand_dims squeeze stack reshape transpose zeros_like ones_like cumsum round floor argmax matmul".split()
    },
}
NUMBERS = ("float32", "float64", "float16", "int32", "int64")
METHODS = ("mean", "sum", "max", "min")
KEYWORDS = {"a_min": "clip_value_min", "a_max": "clip_value_max"}
OLD_KEYWORDS = {"keep_dims": "keepdims", "reduction_indices": "axis"}

# keras.backend of Keras 2 -> keras.ops, where the name differs
IN_OPS = {
    **{"pow": "power", "permute_dimensions": "transpose", "switch": "where", "flatten": "ravel", "gather": "take"},
    **{"int_shape": "shape", "reverse": "flip", "repeat_elements": "repeat", "constant": "convert_to_tensor"},
    **{"l2_normalize": "normalize", "batch_dot": "matmul"},
}
SYNONYMS = (
    *("mse mean_squared_error MSE", "mae mean_absolute_error MAE", "mape mean_absolute_percentage_error MAPE"),
    *("msle mean_squared_logarithmic_error MSLE", "kld kl_divergence KLD kullback_leibler_divergence"),
    "logcosh log_cosh",
)
RENAMED = {"div": "divide", "mul": "multiply", "sub": "subtract", "neg": "negative", "batch_matmul": "matmul"}


@mend_for(*CRASHES, title="names that this version has", joint=True)
def rename_dropped(page: Page) -> Iterator[list[Edit]]:
    edits = []
    for node in page.nodes(ast.Attribute, ast.Name):
        path = page.path(node)
        if "." in path and isinstance(node, ast.Attribute) and not exists(path) and (new := successor(path)):
            edits.append(page.put(node, spelled(page, node, new)))
    for node in page.tree.body:
        if isinstance(node, ast.ImportFrom):
            edits += reimported(page, node)
    yield edits


@mend_for(*CRASHES, title="keywords that this version has", joint=True)
def rename_keywords(page: Page) -> Iterator[list[Edit]]:
    keywords = [part for part in page.nodes(ast.keyword) if part.arg in OLD_KEYWORDS]
    yield [rekeyed(page, part, OLD_KEYWORDS[part.arg]) for part in keywords]


def rekeyed(page: Page, keyword: ast.keyword, name: str) -> Edit:
    start = page.start(keyword)
    return page.put_between(start, start + len(keyword.arg), name)


def successor(path: str) -> str | None:
    """Where the library has it now."""
    family, _, name = path.rpartition(".")
    tried = []
    if path.startswith(BACKENDS):
        tried = [f"keras.ops.{IN_OPS.get(name, name)}", f"tf.keras.backend.{name}"]
    elif family.endswith("losses"):
        others = next((words.split() for words in SYNONYMS if name in words.split()), [name])
        families = [family, "tf.keras.losses"] if family.startswith("tf") else [family]
        tried = [f"{place}.{other}" for place in families for other in others]
    elif family == "tf":
        name = RENAMED.get(name, name)
        tried = [f"{place}.{name}" for place in ("tf", "tf.math", "tf.nn", "tf.linalg")]
    return next((new for new in tried if exists(new)), None)


def spelled(page: Page, node: ast.expr, path: str) -> str:
    """A path in the words of the text."""
    if path.startswith("keras.ops."):
        root = "keras.ops" if page.source(node).startswith("keras.") else page.alias("keras.ops")
        return f"{root}.{path.rpartition('.')[2]}"
    family, _, name = path.rpartition(".")
    if page.path(node).startswith(f"{family}."):
        return f"{page.source(node).rpartition('.')[0]}.{name}"
    return path.replace("tf", page.alias("tf"), 1) if path.startswith("tf.") else path


def reimported(page: Page, node: ast.ImportFrom) -> list[Edit]:
    """`from keras.backend import mean` -> `from keras.ops import mean`"""
    scope = {name: path for path, name in page.modules.items()}
    names, changed = dict[str, list[str]](), False
    for alias in node.names:
        bound = alias.asname or alias.name
        path = scope.get(bound, "")
        known = not path or path.count(".") < 2 or exists(path) or successor(path) is None
        family, _, name = (path if known else successor(path)).rpartition(".")
        changed = changed or not known
        module = node.module if known else family.replace("tf.", "tensorflow.", 1)
        name = alias.name if known else name
        names.setdefault(module, []).append(name if bound == name else f"{name} as {bound}")
    lines = [f"from {module} import {', '.join(parts)}" for module, parts in names.items()]
    return [page.put(node, "\n".join(lines))] if changed else []


@mend_for(*CRASHES, title="TensorFlow in place of NumPy", joint=True)
def leave_numpy(page: Page) -> Iterator[list[Edit]]:
    edits = []
    for call in page.nodes(ast.Call):
        path = page.path(call.func)
        name = path.partition(".")[2]
        if not path.startswith("np.") or all(map(page.fixed, call.args)):
            continue
        if name in NUMBERS:
            edits += [page.put(call.func, page.say("cast")), page.last(call, number_type(page, name))]
        elif page.dialect == "keras.ops" and exists(f"keras.ops.{name}"):
            edits.append(page.put(call.func, f"{page.alias('keras.ops')}.{name}"))
        elif name in IN_TF:
            edits.append(page.put(call.func, f"{page.alias('tf')}.{IN_TF[name]}"))
            edits += [rekeyed(page, part, KEYWORDS[part.arg]) for part in call.keywords if part.arg in KEYWORDS]
    yield edits


def number_type(page: Page, name: str) -> str:
    return f'"{name}"' if page.dialect == "keras.ops" else f"{page.alias('tf')}.{name}"


@mend_for(*CRASHES, title="the values left inside the graph", joint=True)
def stay_in_graph(page: Page) -> Iterator[list[Edit]]:
    """Without `.numpy()` and `py_function`; `x.mean()` as a function."""
    edits = []
    for call in page.nodes(ast.Call):
        path, function = page.path(call.func), call.func
        name = path.rpartition(".")[2]
        if name in ("py_function", "numpy_function", "py_func"):
            edits += called(page, call)
        elif path == "tf.constant" and call.args and not page.fixed(call.args[0]):
            edits.append(page.put(function, f"{page.alias('tf')}.convert_to_tensor"))
        elif not path and isinstance(function, ast.Attribute):
            dot = page.text.index(".", page.end(function.value))
            if function.attr in ("numpy", "eval") and not call.args:
                edits.append(page.put_between(dot, page.end(call), ""))
            elif function.attr in METHODS:
                edits += unbound(page, call, page.say(function.attr))
            elif function.attr == "astype" and call.args:
                edits += unbound(page, call, page.say("cast"))
    yield edits


def called(page: Page, call: ast.Call) -> list[Edit]:
    """py_function(f, [a, b], Tout) -> f(a, b)"""
    given = dict(zip(("func", "inp"), call.args, strict=False)) | {part.arg: part.value for part in call.keywords}
    function, inputs = given.get("func"), given.get("inp")
    if function is None or not isinstance(inputs, ast.List | ast.Tuple):
        return []
    name = page.source(function) if isinstance(function, ast.Name) else f"({page.source(function)})"
    return [page.put(call, f"{name}({', '.join(map(page.source, inputs.elts))})")]


def unbound(page: Page, call: ast.Call, name: str) -> list[Edit]:
    """x.mean(axis=0) -> mean(x, axis=0)"""
    value = call.func.value
    rest = page.text[page.end(call.func) : page.end(call) - 1].partition("(")[2]
    first = page.end(call) - 1 - len(rest)
    edits = [page.put_between(page.end(value), first, ", " if rest.strip() else "")]
    head = page.put_between(page.start(call), page.start(value), f"{name}(")
    return [*edits, head if head.start < head.end else page.wrap(call, f"{name}(", "")]


@mend_for(*CRASHES, title="class ids as integers", joint=True)
def cast_ids(page: Page) -> Iterator[list[Edit]]:
    edits = []
    for call in page.calls("one_hot", "gather", "take", "gather_nd", "take_along_axis"):
        position = 0 if page.path(call.func).endswith("one_hot") else 1
        if len(call.args) > position and not integral(page, call.args[position]):
            edits.append(page.wrap(call.args[position], *as_integers(page, call)))
    for part in page.nodes(ast.keyword):
        if part.arg in ("labels", "indices") and not integral(page, part.value):
            edits.append(page.wrap(part.value, *as_integers(page, page.parents[part])))
    yield edits


def integral(page: Page, node: ast.expr) -> bool:
    return "int" in page.source(node)


def as_integers(page: Page, near: ast.Call) -> tuple[str, str]:
    kind = page.say("cast", near)
    return f"{kind}(", ", tf.int32)" if kind == "tf.cast" else ', "int32")'


@mend_for(*CRASHES, title="the mask as numbers", joint=True)
def cast_masks(page: Page) -> Iterator[list[Edit]]:
    """True and False cannot be multiplied or added up."""
    edits = []
    for node in page.nodes(ast.BinOp):
        if isinstance(node.op, ast.Mult | ast.Sub | ast.Add | ast.Div):
            edits += [as_number(page, side) for side in (node.left, node.right) if boolean(page, side)]
    for call in page.calls("reduce_sum", "reduce_mean", "sum", "mean", "multiply"):
        edits += [as_number(page, side) for side in call.args if boolean(page, side)]
    yield edits


COMPARISONS = frozenset(
    "not_equal equal greater greater_equal less less_equal is_nan isnan is_finite isfinite logical_not logical_and "
    "logical_or".split()
)


def boolean(page: Page, node: ast.expr, depth: int = 0) -> bool:
    if isinstance(node, ast.Name) and depth < 4:
        value = page.assigned(node.id)
        return value is not None and boolean(page, value, depth + 1)
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.Not | ast.Invert) and boolean(page, node.operand)
    if isinstance(node, ast.Call):
        return page.path(node.func).rpartition(".")[2] in COMPARISONS
    return isinstance(node, ast.Compare)


def as_number(page: Page, node: ast.expr) -> Edit:
    return page.wrap(node, f"{page.say('cast')}(", f", {number_type(page, 'float32')})")


@mend_for(*CRASHES, title="`where` in place of `if`", joint=True)
def choose_in_graph(page: Page) -> Iterator[list[Edit]]:
    edits = []
    where = page.say("where")
    for node in page.nodes(ast.IfExp):
        if asks_values(page, node.test):
            parts = ", ".join(map(page.source, (node.test, node.body, node.orelse)))
            edits.append(page.put(node, f"{where}({parts})"))
    for node in page.nodes(ast.If):
        if asks_values(page, node.test) and len(node.body) == 1:
            edits += chosen(page, node, where)
    yield edits


def asks_values(page: Page, test: ast.expr) -> bool:
    """Whether a condition looks at numbers in a tensor rather than at a shape or at None."""
    parts = list(ast.walk(test))
    if any(isinstance(part, ast.Is | ast.IsNot) for part in parts):
        return False
    if any(isinstance(part, ast.Attribute) and part.attr in ("shape", "dtype", "ndim") for part in parts):
        return False
    return not page.fixed(test)


def chosen(page: Page, node: ast.If, where: str) -> list[Edit]:
    """`if c: return a` and `return b` -> `return where(c, a, b)`; the same for an assignment."""
    block: list[ast.stmt] = next(
        (b for b in (getattr(page.parents[node], name, None) for name in ("body", "orelse")) if b and node in b), []
    )
    following = node.orelse or block[block.index(node) + 1 :][:1] if block else []
    if len(following) != 1 or type(node.body[0]) is not type(following[0]):
        return []
    yes, no = node.body[0], following[0]
    values = ", ".join(map(page.source, (node.test, yes.value, no.value))) if getattr(yes, "value", None) else ""
    whole = (page.start(node), max(page.end(no), page.end(node)))
    if isinstance(yes, ast.Return) and values and no.value:
        return [page.put_between(*whole, f"return {where}({values})")]
    if isinstance(yes, ast.Assign) and node.orelse and ast.dump(yes.targets[0]) == ast.dump(no.targets[0]):
        return [page.put_between(*whole, f"{page.source(yes.targets[0])} = {where}({values})")]
    return []
