"""Recipe: all that a run is made of. Equal recipes are the same run everywhere; a worker gets one and no more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lessons.recipe import losses
from lessons.recipe.bad_input import BadInput
from lessons.recipe.data import extent
from lessons.recipe.idle import idle
from lessons.recipe.model import Model
from lessons.recipe.settings import Settings
from lessons.recipe.table import Table


@dataclass(frozen=True)
class Pasted:
    """A loss as text, and which of the functions in it is meant; None: the one that examinations take."""

    text: str
    function: str | None = None


@dataclass(frozen=True)
class MaskPath:
    """Where the mask of a data set goes: to several places, or nowhere."""

    passed: bool = False  # to the layers
    weighted: bool = False  # to fit as sample_weight; where there is no mask, 1 for every step
    multiplied: bool = False  # into the inputs


@dataclass(frozen=True)
class Structure:
    """What a traced graph is made for: recipes of equal structure share it. Of a learner's data it holds no value."""

    settings: Settings  # with everything reset that is an argument of the graph
    extent: tuple[int, int, int]  # sequences in the training and in the validation data, features
    own: bool  # a learner's own data: not every label is known
    pasted: Pasted | None
    model: Model | None


@dataclass(frozen=True)
class Recipe:
    """Settings, data, loss and model of a run. `settings` are as they are trained: a table and a model decide some."""

    settings: Settings
    table: Table | None = None  # the learner's own data, in place of generated ones
    pasted: Pasted | None = None  # a loss in place of the settings' own; it runs behind the walls
    model: Model | None = None  # a model in place of the family's; it runs behind the walls
    asked: Settings = field(init=False, repr=False, compare=False)  # the settings as they were given

    def __post_init__(self) -> None:
        object.__setattr__(self, "asked", self.settings)
        if self.table and not self.settings.takes_table:
            raise BadInput("own data: got a table; this lesson’s model takes none.")
        settings = self.table.fit(self.settings) if self.table else replace(self.settings, classes=0)
        if self.model:
            object.__setattr__(self, "settings", settings)
            settings = self.model.fit(self)
        if self.table or self.model or settings.loss in losses.OF_CLASSES:
            settings = replace(settings, loss=losses.fitting(settings.loss, settings.predicts.ranked))
        object.__setattr__(self, "settings", settings)

    def with_changes(self, given: Mapping[str, Any]) -> Recipe:
        """A copy with the given fields of the settings changed. Raises BadInput on the first that cannot be used."""
        return replace(self, settings=self.asked.with_changes(given))

    @property
    def walled(self) -> bool:
        """Whether it runs text of the learner's own, and so behind the walls."""
        return bool(self.pasted or self.model)

    @property
    def mask_path(self) -> MaskPath:
        """Where the mask of the training data goes."""
        return mask_path(self.settings, self.settings.mask)

    @property
    def validation_mask(self) -> str:
        """The kind of mask that comes with the validation data: a model without a mask takes none."""
        mask, other = self.settings.mask, self.settings.validation_mask
        return mask if mask == "none" or other == "same" else other

    @property
    def validation_mask_path(self) -> MaskPath:
        """Where the mask of the validation data goes."""
        return mask_path(self.settings, self.validation_mask)

    @property
    def update_size(self) -> int:
        """Sequences per update."""
        return min(self.settings.batch_size or self.settings.sequences, self.settings.sequences)

    @property
    def updates(self) -> int:
        """Updates per epoch; the last takes what is left."""
        return -(-self.settings.sequences // self.update_size)

    def structure(self) -> Structure:
        """What a traced graph is made for; recipes of equal structure share one."""
        return Structure(self.settings.structure(), extent(self), self.table is not None, self.pasted, self.model)

    def idle(self) -> dict[str, str]:
        """The fields that cannot change this run, each with the reason why."""
        return idle(self)


def mask_path(settings: Settings, mask: str) -> MaskPath:
    """Where a mask of this kind goes under these settings."""
    weighted = settings.sample_weight != "none" and settings.predicts.per_step  # else there is no step to weigh
    if mask == "none":
        return MaskPath(weighted=weighted)
    multiplied = settings.mask_route == "multiplied"
    instead = weighted and settings.sample_weight == "instead"
    return MaskPath(passed=not (multiplied or instead), weighted=weighted, multiplied=multiplied)
