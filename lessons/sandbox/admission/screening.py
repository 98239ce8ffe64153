"""What is asked of a text before its meaning: length, characters, depth, size and names."""

import ast
import re
import unicodedata
import warnings
from collections.abc import Iterator

from lessons.sandbox.admission.refusal import Refused
from lessons.sandbox.admission.syntax import is_super_call

MAX_CHARACTERS = 20_000
MAX_DEPTH = 60
MAX_NODES = 4_000
MAX_BRACKETS = 60
MAX_BLOCKS = 8  # Python 3.12 and 3.13 crash while they compile more than 20 comprehensions in each other

_OPENING, _CLOSING = "([{", ")]}"
_GREEK = re.compile(r"[A-Za-z0-9_\u0370-\u03ff]+")
_DUNDERS = ("__init__", "__name__")  # The second has an answer of its own later.
_BYTE_ORDER_MARK = "\ufeff"


def parse(text: str) -> ast.Module:
    """The syntax tree of a text that passed every check here."""
    text = text.removeprefix(_BYTE_ORDER_MARK)
    _check_characters(text)
    tree = _tree(text)
    _check_tree(tree)
    return tree


def parse_expression(text: str) -> ast.Expression:
    """The same for one expression. Raises Refused."""
    tree = parse(text.strip())
    if len(tree.body) != 1 or not isinstance(tree.body[0], ast.Expr):
        raise Refused(f"{text[:60]!r} is no name of a loss: give a name or a call such as focal(2.0)")
    return ast.Expression(tree.body[0].value)


def _check_characters(text: str) -> None:
    if len(text) > MAX_CHARACTERS:
        raise Refused(f"the text has {len(text):,} characters: {MAX_CHARACTERS:,} are allowed, paste what matters only")
    for number, line in enumerate(text.split("\n"), 1):
        for character in line:
            if unicodedata.category(character) in ("Cc", "Cf", "Cs") and character not in "\t\r\f":
                raise Refused(f"an invisible character (U+{ord(character):04X}): only visible text is allowed", number)
    depth = 0
    for found in re.finditer(r"[\[\](){}\n]", text):
        depth = max(0, depth + (found[0] in _OPENING) - (found[0] in _CLOSING))
        if depth > MAX_BRACKETS:
            raise Refused(f"brackets nested more than {MAX_BRACKETS} deep: name the parts", _line(text, found.start()))


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _tree(text: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # About escapes in strings, which are none of ours.
            return ast.parse(text)
    except SyntaxError as error:
        raise Refused(f"not Python: {error.msg}; paste the code as it stands in the file", error.lineno) from None
    except (RecursionError, MemoryError):
        raise Refused(f"nested too deeply: {MAX_DEPTH} levels are allowed, name the parts") from None
    except ValueError as error:
        raise Refused(f"not Python: {error}; paste the code as it stands in the file") from None


def _check_tree(tree: ast.AST) -> None:
    count, waiting = 0, [(tree, 0, 0, None)]
    while waiting:
        node, depth, blocks, line = waiting.pop()
        line = getattr(node, "lineno", line)
        count += 1
        blocks += _blocks(node)
        if depth > MAX_DEPTH:
            raise Refused(f"nested more than {MAX_DEPTH} levels deep: name the parts", line)
        if blocks > MAX_BLOCKS:
            raise Refused(f"loops nested more than {MAX_BLOCKS} deep: name the parts", line)
        for name in _identifiers(node):
            _check_name(name, line)
        waiting.extend((child, depth + 1, blocks, line) for child in ast.iter_child_nodes(node))
    if count > MAX_NODES:
        raise Refused(f"the text has {count:,} parts: {MAX_NODES:,} are allowed, paste what matters only")


def _blocks(node: ast.AST) -> int:
    """How many blocks a node puts around what is inside it: loops, also those of a comprehension, and `with`."""
    if isinstance(node, ast.With):
        return len(node.items)
    if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        return len(node.generators)
    return isinstance(node, ast.For)


def _identifiers(node: ast.AST) -> Iterator[str]:
    """Every name in a node, as Python has normalised it. A module's dots are taken apart."""
    if isinstance(node, ast.Constant):
        return
    called = isinstance(node, ast.FunctionDef) and node.name == "__call__"  # a method, else the rewriter refuses it
    if called or (isinstance(node, ast.Attribute) and is_super_call(node)):
        return
    for field, value in ast.iter_fields(node):
        for name in value if isinstance(value, list) else [value]:
            if isinstance(name, str) and not (field == "module" and name == "__future__") and name != "*":
                yield from name.split(".")


def _check_name(name: str, line: int | None) -> None:
    if not _GREEK.fullmatch(name):
        raise Refused(f"the name {name!a}: names are written in Latin or Greek letters", line)
    if "__" in name and name not in _DUNDERS:
        raise Refused(f"the name {name}: only __init__ and call are needed", line)
