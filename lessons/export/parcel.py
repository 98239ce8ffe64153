"""What is taken home: a run's recipe and the preset that it came from."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from lessons import find
from lessons.lesson import Lesson
from lessons.recipe import Recipe


@dataclass(frozen=True)
class Parcel:
    slug: str
    preset: str
    recipe: Recipe

    @property
    def lesson(self) -> Lesson:
        return find(self.slug)

    @property
    def query(self) -> str:
        """The settings as the app's address has them. It carries neither a pasted loss nor a table."""
        changes = self.recipe.asked.to_query(self.lesson.preset(self.preset).settings)
        return urlencode({"lesson": self.slug, "preset": self.preset, **changes})

    def file(self, ending: str) -> str:
        """A file's name: `mask_and_loss-broken.py`, `mask_and_loss-broken-curve.csv`."""
        return f"{self.slug}-{self.preset}{ending}"
