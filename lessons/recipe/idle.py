"""Which fields cannot change a run. Read off the recipe and its data.

What gradients make of a field, a run must show: a clipping that never bites is not idle.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from lessons.recipe import losses
from lessons.recipe.data import Bools, PaddedBatch, training_batch, validation_batch
from lessons.recipe.settings import OWN_DATA

if TYPE_CHECKING:
    from lessons.recipe.recipe import Recipe

FROM_LABELS = ("labels", "not_nan")  # masks that are made from the labels of all steps


def idle(recipe: Recipe) -> dict[str, str]:
    """The fields that cannot change this run, each with the reason why."""
    reasons = dict(_idle(recipe) if recipe.walled or recipe.table else _remembered(recipe))
    if recipe.table:
        reasons |= recipe.table.idle(recipe.settings)
    else:
        reasons |= dict.fromkeys((*OWN_DATA, "classes"), "This is for your own data.")
    return reasons | recipe.model.idle(recipe.table) if recipe.model else reasons


@lru_cache(maxsize=1024)  # a map asks for each of its rows and columns
def _remembered(recipe: Recipe) -> tuple[tuple[str, str], ...]:
    return tuple(_idle(recipe))


def _idle(recipe: Recipe) -> Iterator[tuple[str, str]]:
    s, training, validation = recipe.settings, training_batch(recipe), validation_batch(recipe)
    if s.mask != "shifted":
        yield "mask_shift", "The mask is not a shifted one."
    yield from _idle_masks(recipe, training, validation)
    if not losses.uses_epsilon(s.loss):
        yield "epsilon", "This loss has no epsilon."
    elif losses.reads_mask(s.loss) and not _mask_at_loss(recipe):
        yield "epsilon", "It is for counting the steps of a mask, and no mask reaches the loss."
    if s.clipping == "none":
        yield "clip_at", "Nothing is clipped."
    if training.real.all() and validation.real.all():
        for name in ("padding", "padded_inputs"):
            yield name, "There is no padding."
    yield from _idle_labels(recipe, training, validation)
    yield from s.idle_fields()


def _mask_at_loss(recipe: Recipe) -> bool:
    """Whether a mask comes to the loss with the predictions."""
    return recipe.mask_path.passed and recipe.settings.keeps_mask


def _only_weighs(recipe: Recipe) -> bool:
    """Whether the mask, unless it is multiplied into the inputs, is a weight of the loss and nothing else."""
    path = recipe.with_changes({"mask_route": "passed"}).mask_path
    return path.weighted and not path.passed


def _ends_unseen(recipe: Recipe, training: PaddedBatch, validation: PaddedBatch) -> bool:
    """Whether the mask leaves out zeros only, and in training the ends of sequences that no other step looks at."""
    zeros = all(_zero_at(~batch.mask, batch) for batch in (training, validation))
    ends = not (training.mask[:, 1:] & ~training.mask[:, :-1]).any()  # once False it stays so
    return zeros and ends and recipe.settings.causal and not recipe.model  # whose layers nobody has looked at


def _real_steps_unseen(recipe: Recipe, training: PaddedBatch, validation: PaddedBatch) -> bool:
    """Whether the loss of no real step counts: what stands in for a missing label is then nowhere looked at."""
    counted = recipe.mask_path.weighted or _mask_at_loss(recipe)
    left_out = not any((batch.mask & batch.real).any() for batch in (training, validation))
    per_step = recipe.settings.predicts.per_step and not losses.scalar(recipe.settings.loss)
    return counted and left_out and per_step and not recipe.walled


def _idle_masks(recipe: Recipe, training: PaddedBatch, validation: PaddedBatch) -> Iterator[tuple[str, str]]:
    s, weighted = recipe.settings, recipe.mask_path.weighted
    whole = training.mask.all() and validation.mask.all()
    nothing_left_out = "There is no mask." if s.mask == "none" else "The mask leaves no step out."
    # A mask that leaves nothing out is no mask, but for one scalar: times a mask or a weight it is a number for each
    # step, which shows where they are summed up.
    scalar, unknown = losses.scalar(s.loss), recipe.walled
    summed = (scalar or unknown) and s.reduction == "sum"
    counted = summed or unknown or (losses.reads_mask(s.loss) and s.epsilon > 0)
    if s.mask == "none" or (whole and not (counted and _mask_at_loss(recipe.with_changes({"mask_route": "passed"})))):
        yield "mask_route", nothing_left_out
    elif _only_weighs(recipe) and not (scalar or unknown) and _ends_unseen(recipe, training, validation):
        yield "mask_route", "It is a weight, and where it is False inputs are 0 already and no gradient arrives."
    if not s.predicts.per_step:
        yield "sample_weight", "There is one label per sequence: a weight per step has nothing to weigh."
    elif whole and not summed and not (counted and s.mask != "none"):
        yield "sample_weight", f"{nothing_left_out} A weight would be 1 everywhere."
    if s.mask == "none":
        yield "validation_mask", "There is no mask in training either."
    else:
        same = validation_batch(recipe.with_changes({"validation_mask": "same"}))
        if s.mask_route == "multiplied" and not weighted:
            if all(_zero_at(~mask, same) for mask in (same.mask, same.real)):
                yield "validation_mask", "It is multiplied into inputs that are 0 already where a mask is False."
        elif same.mask.all() and same.real.all() and not (counted and _mask_at_loss(recipe)):
            yield "validation_mask", "Whichever it is, no step of the validation data is left out."
    if scalar and not (unknown or weighted) and not _mask_at_loss(recipe):
        yield "reduction", "The loss is one number, and no mask or weight makes one for every step of it."
    elif not s.predicts.per_step and s.batch_size == 1:
        yield "reduction", "A batch of one sequence has one value of the loss."


def _idle_labels(recipe: Recipe, training: PaddedBatch, validation: PaddedBatch) -> Iterator[tuple[str, str]]:
    s = recipe.settings
    every_step = s.predicts.per_step
    makes_mask, makes_validation_mask = s.mask in FROM_LABELS, recipe.validation_mask in FROM_LABELS
    if s.mask_route == "multiplied" and not recipe.mask_path.weighted and _zero_at(~validation.real, validation):
        makes_validation_mask = False  # it is multiplied into zeros, and nobody asks for a gradient there
    one_label = "There is one label per sequence, and it is real."
    in_training = not training.real.all() and (every_step or makes_mask)
    in_validation = not validation.real.all() and (every_step or makes_validation_mask)
    if not in_validation:
        yield "validation_labels", "The validation data have no padding." if validation.real.all() else one_label
    if not in_training and not (in_validation and s.validation_labels == "same"):
        yield "padded_labels", "There is no padding." if training.real.all() else one_label
    bare = recipe.with_changes({"nan_fill": "keep", "padded_labels": "zero", "validation_labels": "same"})
    missing = (
        training_batch(bare, every_label=makes_mask).y,
        validation_batch(bare, every_label=recipe.validation_mask in FROM_LABELS).y,
    )
    if not any(map(math.isnan, (labels.sum() for labels in missing))):
        yield "nan_fill", "No label is missing." if every_step or not s.nan_share else "No label in use is missing."
    if s.nan_fill != "keep" and _real_steps_unseen(recipe, training, validation):
        yield "nan_share", "The mask leaves out every real step, and padding has its own labels."


def _zero_at(steps: Bools, batch: PaddedBatch) -> bool:
    """Whether all inputs at these steps, (batch, time) bool, are 0; NaN is not."""
    return not batch.x[steps].any()
