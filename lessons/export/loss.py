"""The loss of a script: its text as it is shown, and the name under which it is compiled."""

import ast
from dataclasses import dataclass

from lessons.recipe import losses
from lessons.recipe.bad_input import BadInput
from lessons.recipe.recipe import Pasted
from lessons.sandbox.admission.intention import FUNCTION, Intention
from lessons.sandbox.admission.refusal import Refused

# What the clinic knows without an import, as a script imports it.
KNOWN = {
    "tf": "import tensorflow as tf",
    "keras": "import keras",
    "K": "from tensorflow.keras import backend as K",
    "ops": "from keras import ops",
    "np": "import numpy as np",
    "math": "import math",
    "functools": "import functools",
    "tensorflow": "import tensorflow",
    "numpy": "import numpy",
}
PASTED = "pasted_loss"  # the name of what a call in the pasted text makes


@dataclass(frozen=True)
class Loss:
    """`text` defines `name`; `may_be_object`: it may be a keras.losses.Loss and not a function."""

    title: str
    text: str
    name: str
    takes_epsilon: bool = False
    may_be_object: bool = False
    first: str = ""  # a line that has to be the first of a script


def offered(name: str) -> Loss:
    """A loss that the lessons offer."""
    text = losses.source(name).replace(f'    """{losses.label(name)}"""\n', "", 1)  # the heading above it says that
    text = text.replace("    import keras\n\n", "", 1)  # as a script has
    return Loss(losses.label(name), text, name.rpartition(".")[2], losses.uses_epsilon(name))


def pasted(given: Pasted) -> Loss:
    """A loss from the clinic, its text as it is. Raises BadInput where it is not clear what is meant."""
    try:
        tree = ast.parse(given.text)
    except SyntaxError as problem:
        raise BadInput(f"your loss, line {problem.lineno}: {problem.msg}; takes Python.") from None
    try:
        intention = Intention(tree)
        intention.check()
        meant = given.function or intention.default
        if meant is None:
            raise BadInput(f"your loss: {intention.unclear()}.")
        chosen = ast.unparse(intention.expression(ast.parse(meant, mode="eval").body))
    except Refused as problem:
        raise BadInput(f"your loss: {problem.message}.") from None
    kind = intention.kinds.get(meant)
    lines = given.text.strip("\n").split("\n")
    for one in intention.compiled:
        put(lines, one.statement, "; ".join(map(ast.unparse, one.kept)))
    future = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    for node in future:  # Python wants it before everything else
        put(lines, node, "")
    name = meant
    if not chosen.isidentifier():
        name = PASTED
        lines += ["", f"{PASTED} = {chosen}"]
    tree = ast.parse("\n".join(lines))
    text = "\n".join([*unimported(tree), *lines]).strip("\n")
    first = "\n".join(ast.unparse(node) for node in future)
    return Loss("as it was in the clinic", text, name, may_be_object=kind != FUNCTION, first=first)


def put(lines: list[str], node: ast.stmt, text: str) -> None:
    """Replace the lines of a statement; the others keep their numbers."""
    before = lines[node.lineno - 1].encode()[: node.col_offset].decode()
    after = lines[node.end_lineno - 1].encode()[node.end_col_offset :].decode()
    beside = (before + after).strip()
    text = text or "pass" * bool(beside)
    lines[node.lineno - 1 : node.end_lineno] = [before + text + after, *[""] * (node.end_lineno - node.lineno)]


def unimported(tree: ast.Module) -> list[str]:
    """The imports that a pasted text leaves out."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    bound = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    bound |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    return [line for name, line in KNOWN.items() if name in names - bound]
