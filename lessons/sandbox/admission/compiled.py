"""`model.compile(loss=…)` in a pasted text: what it is given as the loss is kept under a name, the rest of it goes, and
the lines of model, data and training with it."""

import ast
from dataclasses import dataclass

from lessons.sandbox.admission import vocabulary
from lessons.sandbox.admission.refusal import Refused
from lessons.sandbox.admission.syntax import at

SINGLE = "loss"  # the name of what is no name yet


@dataclass(frozen=True)
class Compiled:
    """One `….compile(…)` of a text. `kept`: the assignments that stand for it. `told`: the names that it gives as
    losses, one for each output of the model."""

    statement: ast.Expr
    kept: tuple[ast.Assign, ...]
    told: tuple[str, ...]


def compiled(tree: ast.Module) -> list[Compiled]:
    """Each statement of the text that compiles a model. Raises Refused for the name of no loss of Keras."""
    taken = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    taken |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    found = []
    for statement in tree.body:
        call = statement.value if isinstance(statement, ast.Expr) else None
        if isinstance(statement, ast.Expr) and isinstance(call, ast.Call) and _compiles(call):
            kept, told = [], []
            for name, value in _losses(call):
                if isinstance(value, ast.Name):
                    told.append(value.id)
                    continue
                name = _free(name, taken)
                taken.add(name)
                told.append(name)
                kept.append(at(statement, ast.Assign([at(value, ast.Name(name, ast.Store()))], _by_name(value))))
            found.append(Compiled(statement, tuple(kept), tuple(told)))
    return found


def replaced(tree: ast.Module, found: list[Compiled]) -> ast.Module:
    """The tree with the assignments in place of the statements."""
    kept: dict[ast.stmt, tuple[ast.stmt, ...]] = {one.statement: one.kept for one in found}
    body = [new for statement in tree.body for new in kept.get(statement, (statement,))]
    return ast.fix_missing_locations(ast.Module(body, tree.type_ignores))


def needed(tree: ast.Module, names: set[str]) -> ast.Module:
    """The tree without the statements that nothing with these names goes back to: model, data and training."""
    wanted = set(names)
    kept: set[ast.stmt] = {one for one in tree.body if isinstance(one, ast.Import | ast.ImportFrom)}
    while True:
        found = {one for one in tree.body if one not in kept and not wanted.isdisjoint(_changed(one))}
        if not found:
            break
        kept |= found
        wanted |= {node.id for one in found for node in ast.walk(one) if isinstance(node, ast.Name)}
    return ast.Module([statement for statement in tree.body if statement in kept], tree.type_ignores)


def _changed(statement: ast.stmt) -> set[str]:
    """The names that a statement gives a value, and those of what it may change: `x[0] = 1`, `x.append(1)`."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    places = [node for node in ast.walk(statement) if isinstance(getattr(node, "ctx", None), ast.Store)]
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        places.append(statement.value.func)
    return {name for place in places if (name := _root(place)) is not None}


def _root(node: ast.AST) -> str | None:
    """The name that an attribute or an item is one of."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _compiles(call: ast.Call) -> bool:
    """Whether this is `model.compile(…)`, of whatever dotted name."""
    if not (isinstance(call.func, ast.Attribute) and call.func.attr == "compile"):
        return False
    return _root(call.func) is not None


def _losses(call: ast.Call) -> list[tuple[str, ast.expr]]:
    """(the output's name, its loss) of keras.Model.compile(optimizer, loss, …)."""
    given = [keyword.value for keyword in call.keywords if keyword.arg == "loss"] or call.args[1:2]
    if not given or (isinstance(given[0], ast.Constant) and given[0].value is None):
        return []
    value = given[0]
    if isinstance(value, ast.Dict):
        return [(_word(key), one) for key, one in zip(value.keys, value.values, strict=True)]
    if isinstance(value, ast.List | ast.Tuple):
        return [(f"{SINGLE}_{number}", one) for number, one in enumerate(value.elts, 1)]
    return [(SINGLE, value)]


def _word(key: ast.expr | None) -> str:
    """A name after an output of the model."""
    word = key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else ""
    return word if word.isidentifier() and word.isascii() and "__" not in word else SINGLE


def _free(name: str, taken: set[str]) -> str:
    while name in taken or name in vocabulary.KNOWN:
        name += "_"
        if name.endswith("__"):
            name = name.rstrip("_") + "_of_compile"
    return name


def _by_name(value: ast.expr) -> ast.expr:
    """Keras' own loss for a text such as "mse"; anything else as it is. Raises Refused."""
    if not (isinstance(value, ast.Constant) and isinstance(value.value, str)):
        return value
    path = f"keras.losses.{value.value}"
    if not (vocabulary.is_loss_function(path) or vocabulary.is_loss_class(path)):
        raise Refused(f'loss="{value.value[:40]}": Keras has no loss of this name', value.lineno)
    node = at(value, ast.Attribute(ast.Attribute(ast.Name("keras", ast.Load()), "losses", ast.Load()), value.value))
    node.ctx = ast.Load()
    return at(value, ast.Call(node, [], [])) if vocabulary.is_loss_class(path) else node
