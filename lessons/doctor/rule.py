"""What a rule of the doctor is: one decorated function that looks and returns Evidence, or None."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from lessons.recipe import modules

SEVERITIES = ("error", "warning", "note")


@dataclass(frozen=True)
class Evidence:
    """What a rule saw. `message` is a sentence with the measured numbers, `numbers` are the same for programs.

    In a loss: `curve` is {x, value, gradient, x_title, title} where a chart says more than a sentence.
    In a run: what the charts shade and what would repair it, as lessons/doctor/run/finding.py tells it.
    """

    message: str
    numbers: Mapping[str, Any] = field(default_factory=dict)
    curve: Mapping[str, Any] | None = None
    line: int | None = None
    epochs: tuple[int, int] | None = None
    cells: Any = None
    at: str = "predictions"
    changes: Mapping[str, Any] = field(default_factory=dict)
    fix: str = ""  # what to do about this very case, in place of the rule's own


@dataclass(frozen=True)
class Specimen:
    """A loss as text with the options it is examined with: what a rule fires on, or stays silent on."""

    text: str
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Rule:
    """`tried`: what it looks at. `why`: the cause in one sentence. `fix`: what to do. `lesson`: slug of one to read.

    `comes_of`: the code of another that may be its cause: who mends that need not look for this one.
    `fires_on` and `silent_on`: a Specimen for a rule about losses, Settings for one about runs. Tests examine them.
    """

    code: str
    severity: str
    title: str
    tried: str
    why: str
    fix: str
    lesson: str
    fires_on: Any
    silent_on: Any
    judge: Callable[[Any], Evidence | None]
    comes_of: str = ""


class Rulebook:
    """The rules of one kind of patient, in the order of their files (`ORDER`), in a file as they were written."""

    def __init__(self):
        self.rules: dict[str, Rule] = {}

    def read(self, package: ModuleType) -> None:
        """Import the files of rules in a package."""
        files = [module.__name__ for module in modules.imported(package)]
        self.rules = dict(sorted(self.rules.items(), key=lambda pair: files.index(pair[1].judge.__module__)))

    def rule(self, *, code: str, severity: str, **words) -> Callable:
        """Decorator: add the function as a rule. Raises ValueError for a code that is taken."""
        if code in self.rules or severity not in SEVERITIES:
            raise ValueError(f"rule {code}: taken already, or “{severity}” is none of {', '.join(SEVERITIES)}")

        def add(judge: Callable[[Any], Evidence | None]) -> Callable:
            self.rules[code] = Rule(code=code, severity=severity, judge=judge, **words)
            return judge

        return add

    def evidence(self, view, code: str) -> Evidence | None:
        """What that rule sees in the patient; looked up when it has looked before."""
        if code not in view.seen:
            view.seen[code] = self.rules[code].judge(view)
        return view.seen[code]

    def found(self, view, *codes: str) -> bool:
        """Whether one of these rules fired."""
        return any(self.evidence(view, code) for code in codes)
