"""The same loss in other words: other names, parts in helper functions, keras.ops instead of tf. Nothing it computes
changes, so no finding may."""

import ast
import builtins

OPS = {
    "tf.reduce_mean": "mean", "tf.reduce_sum": "sum", "tf.reduce_max": "max", "tf.reduce_min": "min",
    "tf.math.reduce_mean": "mean", "tf.math.reduce_sum": "sum", "tf.abs": "abs", "tf.math.abs": "abs",
    "tf.square": "square", "tf.math.square": "square", "tf.sqrt": "sqrt", "tf.math.sqrt": "sqrt", "tf.exp": "exp",
    "tf.math.exp": "exp", "tf.math.log": "log", "tf.math.log1p": "log1p", "tf.maximum": "maximum",
    "tf.math.maximum": "maximum", "tf.minimum": "minimum", "tf.where": "where", "tf.clip_by_value": "clip",
    "tf.sigmoid": "sigmoid", "tf.nn.sigmoid": "sigmoid", "tf.nn.relu": "relu", "tf.zeros_like": "zeros_like",
    "tf.ones_like": "ones_like", "tf.sign": "sign", "tf.round": "round", "tf.cos": "cos", "tf.sin": "sin",
    "tf.tanh": "tanh", "tf.math.is_nan": "isnan", "tf.stop_gradient": "stop_gradient", "tf.not_equal": "not_equal",
    "tf.math.not_equal": "not_equal", "tf.logical_not": "logical_not", "tf.pow": "power", "tf.equal": "equal",
    "tf.expand_dims": "expand_dims", "tf.stack": "stack", "tf.math.divide_no_nan": "divide_no_nan",
}  # fmt: skip


def renamed(text: str) -> str:
    """Every local variable and parameter has another name."""
    tree = ast.parse(text)
    kept = keyword_names(tree) | optional_names(tree) | {"self", "kwargs", "args"}
    for function in functions(tree):
        local = {name for name in locals_of(function) if name not in kept and not name.startswith("__")}
        outside = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - local
        names = {name: f"v{i}_{name[::-1]}" for i, name in enumerate(sorted(local))}
        assert not outside & set(names.values())
        for node in ast.walk(function):
            if isinstance(node, ast.Name) and node.id in names:
                node.id = names[node.id]
            elif isinstance(node, ast.arg) and node.arg in names:
                node.arg = names[node.arg]
    return ast.unparse(tree)


def split(text: str) -> str:
    """What the last function returns is computed by a helper function."""
    tree = ast.parse(text)
    helpers = []
    for statement in tree.body:
        if not isinstance(statement, ast.FunctionDef):
            continue
        local = {name for function in functions(statement) for name in locals_of(function)}
        inner = {node.name for node in ast.walk(statement) if isinstance(node, ast.FunctionDef)} - {statement.name}
        for node in ast.walk(statement):
            if isinstance(node, ast.Return) and node.value is not None and not isinstance(node.value, ast.Name):
                used = {name.id for name in ast.walk(node.value) if isinstance(name, ast.Name)}
                bound = {target.id for comp in ast.walk(node.value) if isinstance(comp, ast.comprehension)
                         for target in ast.walk(comp.target) if isinstance(target, ast.Name)}  # fmt: skip
                if used & inner or any(isinstance(child, ast.Lambda) for child in ast.walk(node.value)):
                    continue
                taken = sorted((used & local) - bound)
                name = f"part_{len(helpers)}"
                helpers.append(f"def {name}({', '.join(taken)}):\n    return {ast.unparse(node.value)}\n")
                node.value = ast.parse(f"{name}({', '.join(taken)})", mode="eval").body
    lines = ast.unparse(tree).splitlines()
    after = max((i for i, line in enumerate(lines) if line.startswith(("import ", "from "))), default=-1) + 1
    return "\n".join([*lines[:after], *helpers, *lines[after:]])


class ToOps(ast.NodeTransformer):
    def visit_Call(self, node):
        self.generic_visit(node)
        name = ast.unparse(node.func)
        if name in OPS:
            node.func = ast.parse(f"kops.{OPS[name]}", mode="eval").body
        elif name == "tf.cast" and ast.unparse(node.args[-1]) == "tf.float32":
            node.func = ast.parse("kops.cast", mode="eval").body
            node.args[-1] = ast.Constant("float32")
        return node


def in_ops(text: str) -> str:
    """keras.ops wherever it has the operation."""
    tree = ToOps().visit(ast.parse(text))
    return "import keras.ops as kops\n" + ast.unparse(ast.fix_missing_locations(tree))


DISGUISES = (renamed, split, in_ops)


def functions(tree: ast.AST) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.Lambda)]


def locals_of(function) -> set[str]:
    arguments = function.args
    names = {arg.arg for arg in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]}
    body = function.body if isinstance(function.body, list) else [function.body]
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
    return names - set(dir(builtins))


def keyword_names(tree: ast.AST) -> set[str]:
    """Names that calls use as keywords: parameters of theirs keep them."""
    return {keyword.arg for node in ast.walk(tree) if isinstance(node, ast.Call) for keyword in node.keywords}


def optional_names(tree: ast.AST) -> set[str]:
    """Parameters with defaults: who names a factory's call may use them."""
    found = set()
    for function in functions(tree):
        arguments = function.args
        if arguments.defaults:
            found |= {arg.arg for arg in arguments.args[-len(arguments.defaults) :]}
    return found
