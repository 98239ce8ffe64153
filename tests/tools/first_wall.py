"""The first wall on the Python that runs this: `python -m tests.tools.first_wall` prints what is wrong, as JSON.

Needs no package, so that every Python of a machine can be asked. A tree is planted with something forbidden in every
field that the grammar of this Python has: whatever the rewriter does not look at comes out as it went in.
"""

import ast
import json
import os
import random
import re
import shutil
import subprocess
import sys
import types
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

CALLS_PER_CHARACTER = 100  # Python calls that admission may need; 65 were the most, for a text of nothing but brackets
ALWAYS = 2_000  # and those that do not depend on the text
TIMES = 2  # nodes of a kind that each field is planted in
FUZZED = 1000 if os.environ.get("VERIFY") else 40

# Every node that may stand in a loss, at least once.
SAMPLER = '''
from __future__ import annotations
import math
from tensorflow import math as m

NAMES: dict[str, int] = {"first": 0, **{}}
BARE: int


class Focal(tf.keras.losses.Loss):
    """A loss."""

    factor = 2.0

    def __init__(self, gamma=2.0, /, *args, name: str = "focal", **kwargs):
        super().__init__(name=name, **kwargs)
        self.gamma = gamma
        self.gamma **= 2

    def call(self, y_true, y_pred):
        return self.gamma * y_pred


@tf.function
def loss(y_true, y_pred: tf.Tensor, *, delta: float = 0.5) -> tf.Tensor:
    terms, pairs = [], {1: 2, **NAMES}
    for i, (a, b) in enumerate([(1, 2)]):
        if i < 1 and not a or -b >= +(~b):
            terms.append(a)
            continue
        elif i is None or i is not None or i in (1,) or i not in {1}:
            break
        else:
            pass
    else:
        terms += [1]
    terms[0] *= 2
    terms[0:1:1] = [x for x in terms if x != 0 if x == 0 or x <= 1 or x > 1]
    total = sum(x for x in {y for y in terms}) + len({x: y for x, y in pairs.items()})
    with tf.name_scope("error"), tf.name_scope("more"):
        error = (lambda a, /, b=1, *c, d=2, **e: a - b)(*terms, **{}) if y_pred.shape else 1 << 2 >> 1
    assert len(terms) == 1, f"{terms!r:>{delta}} terms"
    if total:
        raise ValueError("no %s" % delta)
    print(f"{total}", sep="")
    return y_pred @ y_true / 2 // 3 % 4 | 1 & 2 ^ 3


plain = lambda y_true, y_pred: loss(y_true, y_pred)
'''


def grammar() -> dict[str, dict[str, str]]:
    """node -> field -> kind of what stands there, for every node of this Python: as `ast` documents its classes."""
    found, waiting = {}, [ast.AST]
    while waiting:
        kind = waiting.pop()
        waiting.extend(kind.__subclasses__())
        said = re.fullmatch(r"(\w+)(?:\((.*)\))?", " ".join((kind.__doc__ or "").split()))
        if said and said[1] == kind.__name__:
            fields = [field.split() for field in (said[2] or "").split(", ") if field]
            found[kind.__name__] = {name: sort.rstrip("?*") for sort, name in fields}
    return found


def forbidden() -> ast.expr:
    return ast.parse("y_pred.graph", mode="eval").body


def planted(sort: str) -> ast.AST | None:
    """A node of a kind of the grammar with something forbidden inside; None for a kind that holds no expressions."""
    makers = {
        "expr": forbidden,
        "stmt": lambda: ast.Expr(forbidden()),
        "keyword": lambda: ast.keyword("flush", forbidden()),
        "arg": lambda: ast.arg("planted", annotation=forbidden()),
        "arguments": lambda: ast.parse("lambda x=y_pred.graph: x", mode="eval").body.args,
        "comprehension": lambda: ast.parse("[x for x in y_pred.graph]", mode="eval").body.generators[0],
        "withitem": lambda: ast.withitem(forbidden()),
        "type_param": lambda: ast.TypeVar("T", forbidden()),
    }
    return makers[sort]() if sort in makers else None


def trees_with_something_planted(text: str) -> Iterator[tuple[str, ast.Module]]:
    """(field, tree), with the tree of the text changed in one field of one node; every field that can hold code."""
    fields, seen = grammar(), Counter()
    for number, node in enumerate(ast.walk(ast.parse(text))):
        kind = type(node).__name__
        seen[kind] += 1
        for name, sort in fields[kind].items() if seen[kind] <= TIMES else ():
            if planted(sort) is None:
                continue
            old = getattr(node, name, None)
            for place in range(len(old) or 1) if isinstance(old, list) else [None]:
                tree = ast.parse(text)
                target = next(islice(ast.walk(tree), number, None))
                new = planted(sort)
                if place is not None:
                    new = [*getattr(target, name)[:place], new, *getattr(target, name)[place + 1 :]]
                setattr(target, name, new)
                yield f"{kind}.{name}", ast.fix_missing_locations(tree)


def fields_that_nobody_looks_at() -> list[str]:
    """Where something forbidden stays in what is admitted, or is found only when all is done."""
    from lessons.sandbox.admission import Refused, grammar, rewriter

    found = set()
    for field, tree in trees_with_something_planted(SAMPLER):
        try:
            rewritten = rewriter.Rewriter().module(tree)
        except Refused as refusal:
            if refusal.message == grammar.LEFT_OVER:
                found.add(field)
        else:
            if any(isinstance(node, ast.Attribute) for node in ast.walk(rewritten)):
                found.add(field)
    return sorted(found)


def nodes_that_are_neither_tried_nor_refused() -> list[str]:
    from lessons.sandbox.admission import Refused
    from lessons.sandbox.admission import grammar as admitted

    tried, found = {type(node).__name__ for node in ast.walk(ast.parse(SAMPLER))}, []
    for name in grammar().keys() - tried - {"Expression"}:
        try:
            admitted.check(ast.Module([ast.Expr(getattr(ast, name)(**dict.fromkeys(getattr(ast, name)._fields)))], []))
            found.append(name)
        except Refused:
            continue
    return found


def attacks_that_are_admitted() -> list[str]:
    from lessons.sandbox.admission import Refused, admit
    from tests.tools.attacks import ATTACKS, REFUSED

    found = []
    for name, text, fate in ATTACKS:
        try:
            admit(text)
        except Refused:
            continue
        if fate == REFUSED:
            found.append(name)
    return found


def calls(text: str) -> int:
    """Python calls that it takes to admit or to refuse a text: no clock, so that a busy machine changes nothing.

    Gives up when it is clear that they are too many.
    """
    from lessons.sandbox.admission import Refused, admit

    count, most = 0, 2 * allowed(text)

    def counted(frame, event, argument) -> None:
        nonlocal count
        count += event == "call"
        if count > most:
            raise RuntimeError

    try:
        sys.setprofile(counted)
        admit(text)
    except (Refused, RuntimeError):
        pass
    finally:
        sys.setprofile(None)
    return count


def allowed(text: str) -> int:
    return ALWAYS + CALLS_PER_CHARACTER * len(text)


# What can stand around an expression, again and again.
WRAPPERS = (
    *("f'{%s}'", 'f"{%s:>{3}}"', "f'{1:{%s}}'", "'' + %s", "%s + ''", "'%%s' %% (%s)", "'{}'.format(%s)"),
    *("(%s)", "[%s]", "{%s: 1}", "{**%s}", "-%s", "not %s", "%s * 2", "%s if %s else 1", "(lambda x=%s: x)", "x[%s]"),
    *("x[%s:]", "f(%s)", "f(*%s)", "f(x=%s)", "%s.shape", "%s()", "[x for x in %s]", "[%s for x in y]", "%s < 1"),
    *("getattr(%s, '_keras_mask', None)", "%s and 1", "tf.abs(%s)", "(lambda: %s)", "[y for y in x if %s]", "%s.a.b"),
)
STATEMENTS = (
    *("print(%s)", "assert 1, %s", "raise ValueError(%s)", "x = %s", "x[%s] **= %s", "f.__name__ = %s", "x: %s = 1"),
    *("if %s:\n        pass", "for x in %s:\n        pass", "def g(x: %s = %s) -> %s:\n        pass", "%s"),
    *("@tf.function(x=%s)\n    def g(): pass", "with tf.name_scope(%s):\n        pass", "return %s", "tf.print(%s)"),
)


def nested(statement: str, wrappers: list[str]) -> str:
    expression = "x"
    for wrapper in wrappers:
        if len(expression) > 5_000:
            break
        expression = wrapper.replace("%s", expression).replace("%%", "%")
    return f"def loss(x, y):\n    {statement.replace('%s', expression)}\n    return x\n"


def nests() -> Iterator[str]:
    """Texts that are deep: of one construction in itself, and of any (from a fixed seed)."""
    chance = random.Random(0)
    for statement in STATEMENTS[:1]:
        for wrapper in WRAPPERS:
            yield nested(statement, [wrapper] * 25)
    for _ in range(FUZZED):
        chosen = chance.sample(WRAPPERS, chance.randint(1, 3))
        yield nested(chance.choice(STATEMENTS), [chance.choice(chosen) for _ in range(chance.randint(5, 28))])
    for line in ("print(f'{x}')", "x = 1", "def g(a): return a", "assert x, 'a' + 'b'", "x[0] **= 2", "if x: pass"):
        yield "def loss(x, y):\n" + f"    {line}\n" * 300
    for chain in ("x + ", "'' + ", "x, ", "x < ", "x and ", "not ", "x.a."):
        yield f"def loss(x, y):\n    print({chain * 50}x)\n"


def texts_that_take_too_long() -> list[str]:
    from tests.tools.attacks import ATTACKS

    texts = [*nests(), *(text for _, text, _ in ATTACKS)]
    return [text[:120] for text in texts if calls(text) > allowed(text)]


def findings() -> dict[str, list[str]]:
    return {
        "fields": fields_that_nobody_looks_at(),
        "nodes": nodes_that_are_neither_tried_nor_refused(),
        "attacks": attacks_that_are_admitted(),
        "slow": texts_that_take_too_long(),
    }


def interpreter(version: str) -> str | None:
    """A Python of this version ("3.12") that starts: the one that runs this, one on PATH, or one of pyenv's."""
    folder = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    own = [sys.executable] if version == f"{sys.version_info[0]}.{sys.version_info[1]}" else []
    for program in [*own, shutil.which(f"python{version}"), *sorted(folder.glob(f"{version}.*/bin/python{version}"))]:
        if program and not subprocess.run([program, "-c", ""], capture_output=True).returncode:
            return str(program)
    return None


def asked(program: str) -> dict[str, list[str]]:
    """The findings of another Python. Fails where it does not survive the texts."""
    told = subprocess.run(
        [program, "-m", "tests.tools.first_wall"], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert not told.returncode, f"exit code {told.returncode}: {told.stderr[-2000:]}"
    return json.loads(told.stdout)


if __name__ == "__main__":
    package = types.ModuleType("lessons")  # the real one imports NumPy, which this Python may not have
    package.__path__ = [str(ROOT / "lessons")]
    sys.modules["lessons"] = package
    print(json.dumps(findings()))
