"""Docstrings of what others build on: a function that raises says what, one that takes or gives arrays their shape."""

import ast
import re
from pathlib import Path

LESSONS = Path(__file__).parent.parent / "lessons"
PACKAGES = ("recipe", "families", "runs", "engine", "doctor", "sandbox")
ARRAY = re.compile(r"\b(Floats|Bools|Whole|NDArray|ndarray|Tensor)\b")
SHAPE = re.compile(r"\([^()]*\)|shape")  # (batch, time)


def public_functions() -> dict[str, ast.FunctionDef]:
    found = {}
    for path in sorted(path for package in PACKAGES for path in (LESSONS / package).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for scope in [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]:
            names = path.relative_to(LESSONS), getattr(scope, "name", "")
            found |= {(*names, node.name): node for node in scope.body if isinstance(node, ast.FunctionDef)}
    return {name: node for name, node in found.items() if not any(part.startswith("_") for part in name[1:])}


FUNCTIONS = public_functions()


def raised(function: ast.FunctionDef) -> set[str]:
    """The names of what its own body raises; a family's lack of a method is our own fault."""
    found = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Raise) and node.exc:
            what = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            name = getattr(what, "attr", getattr(what, "id", ""))
            found.add("BadInput" if name in ("refuse", "refusal") else name)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("refuse", "_refuse_import"):
            found.add("Refused")
    return {name for name in found if name[:1].isupper()} - {"NotImplementedError"}


def said(function: ast.FunctionDef) -> str:
    return ast.get_docstring(function) or ""


def test_what_a_function_raises_is_said():
    raising = {name: raised(function) for name, function in FUNCTIONS.items() if raised(function)}
    assert len(raising) > 50
    assert not [name for name, errors in raising.items() if not all(error in said(FUNCTIONS[name]) for error in errors)]


def test_shapes_of_arrays_are_said():
    types = {
        name: f"{ast.unparse(node.args)} {ast.unparse(node.returns or node.args)}" for name, node in FUNCTIONS.items()
    }
    taking = [name for name, text in types.items() if ARRAY.search(text)]
    assert len(taking) > 100
    assert not [name for name in taking if not SHAPE.search(said(FUNCTIONS[name]))]
