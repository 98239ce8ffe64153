"""A question of a teacher's own: what is asked, the answers, the right one, and what may be run with it.

It is typed or pasted as text; several at once stand below each other:

    Which mean leaves padding out?
    - the mean over all steps
    * the sum over real steps, divided by their number
    > Padding is neither in the sum nor in the divisor.

Moodle's Aiken format is read too: answers begin with “A.” or “A)”, and a line “ANSWER: B” says which is right.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lessons.recipe.bad_input import BadInput

OWN = "own"  # in place of a lesson's slug
CASE = "case"  # the same, where a case is run that is published in the room: its name stands for the preset's
FEWEST, MOST = 2, 6  # answers
LONGEST = {"question": 200, "answer": 100, "why": 200}  # letters: what fits on a wall
PACKED_LONGEST = 8000  # letters of one in an address, and bytes of what they unpack to
ANSWER = re.compile(r"(?P<mark>[-*]|[A-Za-z][.)])\s+(?P<text>\S.*)")
RIGHT = re.compile(r"ANSWER:\s*(?P<letter>[A-Za-z])\s*$", re.IGNORECASE)
FORM = "takes a line that asks, then two to six lines of answers, “- ” before each and “* ” before the right one"
Item = tuple[str, str]  # of a plan: slug, name of the preset


@dataclass(frozen=True)
class OwnQuestion:
    """`right`: place among the answers. `run`: the slug and preset, or CASE and its name, that go with it.

    `why`: said at the reveal.

    Raises BadInput.
    """

    text: str
    answers: tuple[str, ...]
    right: int
    why: str = ""
    run: Item | None = None

    def __post_init__(self) -> None:
        if not self.text or not FEWEST <= len(self.answers) <= MOST:
            raise BadInput(f"question: got {len(self.answers)} answers to “{self.text[:40]}”; {FORM}.")
        for name, text in (("question", self.text), ("why", self.why), *(("answer", one) for one in self.answers)):
            if len(text) > LONGEST[name]:
                raise BadInput(f"{name}: got “{text[:40]}”; takes up to {LONGEST[name]} letters.")
        if len(set(self.answers)) < len(self.answers):
            raise BadInput(f"answers: two are alike in “{self.text[:40]}”.")
        if not 0 <= self.right < len(self.answers):
            raise BadInput(f"right: no answer of “{self.text[:40]}” is marked as the right one; {FORM}.")

    @property
    def plain(self) -> dict[str, object]:
        """As the file of a plan has it, to be read and changed by a person."""
        told: dict[str, object] = {"question": self.text, "answers": list(self.answers)}
        told["right"] = self.answers[self.right]
        if self.why:
            told["why"] = self.why
        if self.run:
            told["run"] = ":".join(self.run)
        return told

    @classmethod
    def of(cls, told: object) -> OwnQuestion:
        """Of what `plain` has made. Raises BadInput."""
        if not isinstance(told, Mapping) or not isinstance(told.get("answers"), list):
            raise BadInput("question: takes its text, a list of answers, and the right one of them.")
        texts = [told.get("question"), told.get("right"), told.get("why", ""), told.get("run", ""), *told["answers"]]
        if not all(isinstance(one, str) for one in texts):
            raise BadInput("question: takes its text, a list of answers, and the right one of them.")
        text, right, why, run, *answers = (" ".join(one.split()) for one in texts)
        slug, _, preset = run.partition(":")
        return cls(text, tuple(answers), answers.index(right) if right in answers else -1, why,
                   (slug, preset) if run else None)  # fmt: skip

    @property
    def name(self) -> str:
        """All of it as one text, the same for equal questions: what stands in place of a preset's name."""
        return json.dumps(self.plain, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def named(cls, name: str) -> OwnQuestion:
        """Raises BadInput."""
        try:
            return cls.of(json.loads(name))
        except (ValueError, RecursionError) as fault:
            if isinstance(fault, BadInput):
                raise
            raise BadInput(f"question: got “{name[:40]}”, which is none.") from None

    @property
    def packed(self) -> str:
        """As an address has it: letters, digits, - and _."""
        return base64.urlsafe_b64encode(zlib.compress(self.name.encode(), 9)).decode().rstrip("=")

    @classmethod
    def unpacked(cls, text: str) -> OwnQuestion:
        """Raises BadInput. What unpacks to more than it may is not unpacked to its end."""
        refused = BadInput(f"steps: got “own:{text[:20]}”, which is no question that a plan’s link has written.")
        if len(text) > PACKED_LONGEST:
            raise refused
        try:
            packed = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
            unpacker = zlib.decompressobj()
            name = unpacker.decompress(packed, PACKED_LONGEST).decode()
        except (ValueError, zlib.error):
            raise refused from None
        if not unpacker.eof:
            raise refused
        return cls.named(name)


def typed(text: str, run: Item | None = None) -> tuple[OwnQuestion, ...]:
    """The questions of a text that a teacher has typed or pasted; `run` goes with each. Raises BadInput."""
    found = tuple(one_of(lines, run) for lines in parted(text))
    if not found:
        raise BadInput(f"question: {FORM}.")
    return found


def parted(text: str) -> Iterator[list[str]]:
    """The lines of each question: the next begins where a line is no answer, and stands below one."""
    lines: list[str] = []
    answered = False
    for line in filter(None, map(str.strip, text.splitlines())):
        belongs = bool(ANSWER.match(line) or RIGHT.match(line) or line.startswith(">"))
        if answered and not belongs:
            yield lines
            lines, answered = [], False
        lines.append(line)
        answered = answered or belongs
    if lines:
        yield lines


def one_of(lines: list[str], run: Item | None) -> OwnQuestion:
    """Raises BadInput."""
    asks: list[str] = []
    why: list[str] = []
    answers: list[str] = []
    marked: list[int] = []  # places of those that are said to be right
    for line in lines:
        if letter := RIGHT.match(line):
            marked.append(ord(letter["letter"].upper()) - ord("A"))
        elif answer := ANSWER.match(line):
            marked += [len(answers)] * (answer["mark"] == "*")
            answers.append(" ".join(answer["text"].split()))
        elif line.startswith(">"):
            why.append(line.removeprefix(">").strip())
        else:
            asks.append(line)
    text = " ".join(" ".join(asks).split())
    if len(marked) > 1:
        raise BadInput(f"right: several answers of “{text[:40]}” are marked as the right one; one is.")
    return OwnQuestion(text, tuple(answers), marked[0] if marked else -1, " ".join(why), run)
