"""What a lesson is: data only. One file in catalog/ holds one `LESSON`; nothing else is edited to add it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lessons.run import Run
from lessons.settings import SPECS, BadInput, Choice, LossName, Settings, spec_of

CHAPTERS = ("Five answers", "Behind the answers")


@dataclass(frozen=True)
class Preset:
    """A named recipe: demo button, share link and test input at once."""

    name: str
    label: str
    says: str  # one sentence: what this shows
    settings: Settings
    examples: tuple[str, ...] = ()  # ids of EXAMPLES.md


@dataclass(frozen=True)
class Lesson:
    """The first preset is the one a page opens with."""

    chapter: str
    order: int
    title: str  # the question as people ask it
    text: str  # a short answer in Markdown, before the fold
    controls: tuple[str, ...]  # Settings fields in sight
    more: tuple[str, ...]  # Settings fields behind "more"
    presets: tuple[Preset, ...]
    losses: tuple[str, ...]  # names of the losses on offer
    reading: tuple[tuple[str, str], ...] = ()  # (title, address)
    slug: str = ""  # the file's name, filled in on discovery

    def preset(self, name: str) -> Preset:
        """Raises BadInput."""
        for preset in self.presets:
            if preset.name == name:
                return preset
        names = ", ".join(preset.name for preset in self.presets)
        raise BadInput(f"preset: got “{name[:40]}”; {self.slug} has {names}.")

    @property
    def examples(self) -> tuple[str, ...]:
        return tuple(sorted({example for preset in self.presets for example in preset.examples}))
