"""What is kept of a learner, step by step, and the keys that they keep. Needs no database."""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from lessons.recipe.bad_input import BadInput

KINDS = ("prediction", "run", "exercise", "hint", "twin")
LINK = re.compile(r"[A-Za-z0-9_-]{32}")  # what `keys.key` makes, and no account's key


class NoLearner(BadInput):
    """There is no such learner, or not any more."""

    def __init__(self) -> None:
        super().__init__(
            "learner: nothing is kept under this link. It may be cut off, or its progress was deleted, or not used "
            "for a year."
        )


@dataclass(frozen=True)
class Step:
    """One thing that a learner did. Of several of a kind and name the last one counts."""

    kind: str  # one of KINDS
    slug: str  # of the lesson
    name: str  # of the preset or the exercise
    content: Mapping[str, Any] = field(default_factory=dict)  # what was answered, and what came of it
    at: float = field(default_factory=time.time)  # seconds since 1970
    uid: str = field(default_factory=lambda: uuid4().hex)  # its own: kept twice it is one step


@dataclass(frozen=True)
class Course:
    """All that is kept of one learner. `at`: the lesson where they left, empty before the first."""

    steps: tuple[Step, ...] = ()
    at: str = ""


def account_key(issuer: str, subject: str) -> str:
    """The key of an account: what OpenID Connect promises to be its own and to stay. It fits no link."""
    return json.dumps([issuer, subject])


def read_link(given: str) -> str:
    """The key in a private link. Raises NoLearner for what can be none, an account's among them."""
    key = given.strip()
    if not LINK.fullmatch(key):
        raise NoLearner
    return key
