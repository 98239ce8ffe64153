"""What a claim is: a statement people repeat, the experiment that tests it, and the rule that judges the numbers.

A verdict is never written down. `measure` returns numbers, `rule` sees nothing else, and the counter-world (another
loss, other data, another library, passed to `measure` as arguments) must turn it: a verdict that cannot turn says
nothing.
"""

import inspect
import re
import string
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from types import CodeType, FunctionType
from typing import Any

from lessons.recipe import losses
from lessons.recipe.plain import plain

HOLDS, FAILS, DEPENDS = "holds", "fails", "depends"

ROUNDING = 1e-4  # relative; float32 sums in another order differ by less than this, and no effect here is that small
TWICE = 2.0  # an effect counts from a factor of two on: a learner sees that without measuring
HALF = 0.5  # "it learns" means: the error is at most half of what the best constant makes

Numbers = Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    word: str
    on: str | None  # where it depends: on what
    conditions: dict[str, bool]  # what the rule looked at


def under(circumstances: Mapping[str, bool]) -> Verdict:
    """One statement under several circumstances: it holds, it fails, or it depends on which one you are in."""
    conditions = {name: bool(met) for name, met in circumstances.items()}
    yes = [name for name, met in conditions.items() if met]
    no = [name for name, met in conditions.items() if not met]
    if not no:
        return Verdict(HOLDS, None, conditions)
    if not yes:
        return Verdict(FAILS, None, conditions)
    return Verdict(DEPENDS, f"holds {listed(yes)}; it fails {listed(no)}", conditions)


def whole(parts: Mapping[str, bool]) -> Verdict:
    """One statement that says several things at once: it holds when every part is true, and fails otherwise."""
    conditions = {name: bool(met) for name, met in parts.items()}
    return Verdict(HOLDS if all(conditions.values()) else FAILS, None, conditions)


def listed(names: list[str]) -> str:
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else names[0]


def finite(number: float | None) -> bool:
    """Numbers that are NaN or infinite reach a rule as None."""
    return number is not None


def near(number: float | None, limit: float) -> bool:
    """Whether it is finite and no further from 0 than the limit."""
    return number is not None and abs(number) <= limit


def beyond(number: float | None, limit: float) -> bool:
    """Whether it is further from 0 than the limit, or not finite at all."""
    return not near(number, limit)


@dataclass(frozen=True)
class Outcome:
    """What verifying one claim gave. Plain data: it crosses from a worker and into JSON."""

    id: int
    measured: dict[str, Any]
    sentence: str
    verdict: str
    on: str | None
    conditions: dict[str, bool]
    seconds: float
    versions: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Claim:
    """`counter`: the arguments of `measure` that make the world in which the verdict must be another one."""

    id: int
    answer: str
    example: str
    text: str
    measure: Callable[..., Numbers] = field(repr=False)
    rule: Callable[[Numbers], Verdict] = field(repr=False)
    says: str = field(repr=False)  # a template over the numbers; it describes and leaves the judging to the rule
    counter: Mapping[str, Any] = field(repr=False)
    counter_says: str = field(repr=False)
    source: str = ""  # where it is said, an address; of claims of a published answer, none

    def verify(self, counter: bool = False) -> Outcome:
        """Measure now, in this process, and judge. `counter` does it in the counter-world."""
        started = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras warns of what a claim provokes
            measured = plain(self.measure(**(self.counter if counter else {})))
        verdict = self.rule(measured)
        return Outcome(
            self.id,
            measured,
            Sentence().format(self.says, **measured),
            verdict.word,
            verdict.on,
            verdict.conditions,
            time.perf_counter() - started,
            versions(),
        )

    def report(self) -> dict[str, Any]:
        """What `claims --json` promises (docs/command_line.md). What cannot be measured has no verdict."""
        head = {"id": self.id, "answer": self.answer, "example": self.example, "claim": self.text}
        try:
            return head | self.verify().to_json()
        except Exception as failure:  # another Keras or TensorFlow may raise anything
            reason = (str(failure).splitlines() or [""])[0]
            nothing = {"measured": {}, "verdict": None, "on": None, "conditions": {}, "seconds": 0.0}
            sentence = f"It cannot be measured here: {type(failure).__name__}: {reason}"
            return head | nothing | {"sentence": sentence, "versions": versions()}

    @property
    def experiment(self) -> str:
        """The text of the experiment and of everything of ours that it calls, as it runs."""
        return "\n\n\n".join([text(self.measure), *map(text, used_by(self.measure))])

    @property
    def verdict_rule(self) -> str:
        """The text of the rule, with the thresholds it names."""
        return "\n\n\n".join(filter(None, ["\n".join(thresholds(self.rule)), text(self.rule)]))

    @property
    def counter_world(self) -> str:
        """The arguments that differ in the counter-world, and the text of those that are functions."""
        lines = [f"{name} = {getattr(value, '__name__', repr(value))}" for name, value in self.counter.items()]
        functions = [text(value) for value in self.counter.values() if isinstance(value, FunctionType)]
        return "\n\n".join(["\n".join(lines), *functions])


CLAIMS: dict[int, Claim] = {}
OURS = re.compile(
    rf"\.answer_|\.fronts$|^{re.escape(losses.__name__)}$"
)  # modules whose functions are part of an experiment


def claims_of(answer: str) -> Callable:
    """What declares the claims of one answer, each above the function that measures it. Two of one id are refused."""

    def claim(
        id: int,
        text: str,
        *,
        rule: Callable[[Numbers], Verdict],
        says: str,
        counter: Mapping[str, Any],
        counter_says: str,
        example: str = "-",  # of no example: the answer says it in its prose
        source: str = "",
    ) -> Callable:
        def declare(measure: Callable[..., Numbers]) -> Callable[..., Numbers]:
            if id in CLAIMS:
                raise ValueError(f"claim {id} is declared twice: {CLAIMS[id].measure.__name__} and {measure.__name__}")
            CLAIMS[id] = Claim(id, answer, example, text, measure, rule, says, counter, counter_says, source)
            return measure

        return declare

    return claim


def versions() -> dict[str, str]:
    """What a verdict is about: another library may turn it."""
    from lessons.engine.train import versions

    return versions()


class Sentence(string.Formatter):
    """str.format for what experiments return: None reads “not finite”, truth values “yes” and “no”."""

    def format_field(self, value: Any, spec: str) -> str:
        if value is None:
            return "not finite"
        if isinstance(value, bool):
            return "yes" if value else "no"
        if spec.endswith("g") and isinstance(value, float) and 1e3 <= abs(value) < 1e7:
            return f"{float(format(value, spec)):,.0f}"  # 2,680 reads better than 2.68e+03
        return super().format_field(value, spec)


# --- the text of what ran


def text(function: Callable) -> str:
    """A function's source without its decorators: those declare the claim and are no part of the experiment."""
    source = inspect.getsource(function).rstrip()
    return source[re.search(r"^def ", source, re.MULTILINE).start() :]


def used_by(function: Callable[..., Any], seen: tuple = ()) -> list[FunctionType]:
    """The losses and functions of the answer files that this one reaches, by name or as a default, each once.

    The apparatus is left out: it is the same for all claims.
    """
    found: list[FunctionType] = []
    named = [function.__globals__.get(name) for name in names_in(function.__code__)]
    for other in [*named, *(function.__defaults__ or ())]:
        if not isinstance(other, FunctionType) or not OURS.search(other.__module__):
            continue
        if other is not function and other not in found and other not in seen:
            found.append(other)
            found += [more for more in used_by(other, (*seen, function, *found)) if more not in found]
    return found


def names_in(code: CodeType) -> Iterator[str]:
    """The global names that a function's code mentions, nested functions included."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_in(constant)


def thresholds(rule: Callable[..., Any]) -> Iterator[str]:
    """The lines that declare the constants a rule names, with their reasons."""
    for name in names_in(rule.__code__):
        if name.isupper():
            for module in (rule.__module__, __name__):
                line = re.search(rf"^{name} = .*$", inspect.getsource(sys.modules[module]), re.MULTILINE)
                if line:
                    yield line.group()
                    break
