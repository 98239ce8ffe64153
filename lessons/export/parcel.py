"""What is taken home: a run's settings and what they came with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from lessons import find, losses
from lessons.doctor.orders import Pasted
from lessons.lesson import Lesson
from lessons.run import output_of
from lessons.settings import Settings

if TYPE_CHECKING:
    from lessons.table import Table


@dataclass(frozen=True)
class Parcel:
    """`pasted`: a loss in place of the settings' own; `table`: the learner's own data in place of generated ones."""

    slug: str
    preset: str
    settings: Settings
    pasted: Pasted | None = None
    table: Table | None = None
    output: str | None = None  # what a prediction is, as the run told it; a pasted loss has to be run for that

    @property
    def lesson(self) -> Lesson:
        return find(self.slug)

    @property
    def query(self) -> str:
        """The settings as the app's address has them. It carries neither a pasted loss nor a table."""
        changes = self.settings.to_query(self.lesson.preset(self.preset).settings)
        return urlencode({"lesson": self.slug, "preset": self.preset, **changes})

    @property
    def trained(self) -> Settings:
        """The settings as they are trained: a table decides some of them."""
        return self.table.fit(self.settings) if self.table else self.settings

    @property
    def says(self) -> str:
        """What a prediction is, see run.output_of."""
        logits = not self.pasted and losses.takes_logits(self.settings.loss)
        return self.output or output_of(self.settings.activation, logits)

    def file(self, ending: str) -> str:
        """A file's name: `mask_and_loss-broken.py`, `mask_and_loss-broken-curve.csv`."""
        return f"{self.slug}-{self.preset}{ending}"
