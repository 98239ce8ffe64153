"""Case: a model, a loss and settings of a learner's own, as a text that travels: as a file, or in a link.

It carries no data, and reading one runs nothing of it.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from lessons.recipe.bad_input import BadInput

FILE = "case.json"
KIND = "unmasked case"  # names the form of the file, which is number
FORM = 1
MOST_TEXT = 40_000  # letters of a text
MOST_LINK = 6_000  # letters of a link's part
SAID = f"takes a file {FILE} that “Save” on this page has written"


@dataclass(frozen=True)
class Case:
    model: str = ""
    loss: str = ""
    function: str = ""  # which of the losses in its text; empty: the one that examinations take
    settings: Mapping[str, str] = field(default_factory=dict)  # by name, as an address has them

    def to_text(self) -> str:
        """As a file has it."""
        parts = {"model": self.model, "loss": self.loss, "function": self.function, "settings": dict(self.settings)}
        return json.dumps({KIND: FORM} | {name: part for name, part in parts.items() if part}, indent=1)

    @classmethod
    def read(cls, text: str) -> Case:
        """The case of a file. Raises BadInput for any other text."""
        try:
            given = json.loads(text)
        except (ValueError, RecursionError):
            raise BadInput(f"case: got “{text[:40]}”; {SAID}.") from None
        if not isinstance(given, dict) or given.get(KIND) != FORM:
            raise BadInput(f"case: got “{text[:40]}”; {SAID}.")
        texts = {name: given.get(name, "") for name in ("model", "loss", "function")}
        settings = given.get("settings", {})
        known = isinstance(settings, dict) and all(isinstance(part, str) for pair in settings.items() for part in pair)
        if not known or not all(isinstance(part, str) and len(part) <= MOST_TEXT for part in texts.values()):
            raise BadInput(f"case: its parts are texts of up to {MOST_TEXT:,} letters, and settings by name.")
        return cls(**texts, settings=settings)

    def to_link(self) -> str | None:
        """What stands behind the # of a link; None where it would be too long. The browser keeps it to itself."""
        packed = zlib.compressobj(9, zlib.DEFLATED, -15)
        data = packed.compress(self.to_text().encode()) + packed.flush()
        part = f"case={base64.urlsafe_b64encode(data).decode().rstrip('=')}"
        return part if len(part) <= MOST_LINK else None
