"""What is taken home: a run's recipe and the preset that it came from."""

from dataclasses import dataclass
from urllib.parse import urlencode

from lessons.course.discovery import find
from lessons.course.lesson import Lesson
from lessons.recipe import losses
from lessons.recipe.recipe import Recipe
from lessons.runs.run import output_of


@dataclass(frozen=True)
class Bundle:
    slug: str
    preset: str
    recipe: Recipe
    output: str | None = None  # what a prediction is, as the run told it; a pasted loss has to be run for that

    @property
    def lesson(self) -> Lesson:
        return find(self.slug)

    @property
    def query(self) -> str:
        """The settings as the app's address has them. It carries neither a pasted loss nor a table."""
        changes = self.recipe.asked.to_query(self.lesson.preset(self.preset).settings)
        return urlencode({"lesson": self.slug, "preset": self.preset, **changes})

    @property
    def says(self) -> str:
        """What a prediction is, see run.output_of."""
        settings = self.recipe.settings
        logits = not self.recipe.pasted and losses.takes_logits(settings.loss)
        return self.output or output_of(settings.predicts, logits)

    def file(self, ending: str) -> str:
        """A file's name: `mask_and_loss-broken.py`, `mask_and_loss-broken-curve.csv`."""
        return f"{self.slug}-{self.preset}{ending}"
