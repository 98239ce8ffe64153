"""Idle fields, as a property of any recipe: a live one changes that recipe's own run, an idle one not a bit of it.

Recipes are drawn over the whole of Settings, but for what only numbers can tell: that a clipping does not bite, that an
epsilon is smaller than float32 sees, or that the flat part of relu or of a clipped probability swallows a change.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import islice

import numpy as np
import pytest

from lessons.engine.train import trained
from lessons.families.recurrent import KEEP_THE_MASK, Recurrent
from lessons.recipe import losses
from lessons.recipe.recipe import Recipe
from lessons.recipe.settings import OWN_DATA, Settings
from lessons.recipe.spec import Choice
from tests.tools.selection import first

SMALL = {"epochs": (3,), "sequences": (4, 6), "timesteps": (5, 8), "units": (2, 4), "batch_size": (0, 1, 3)}
SEEN = {
    "epsilon": (0.0, 0.01, 0.1, 1.0),
    "clip_at": (0.01,),
    "activation": ("linear", "sigmoid", "softplus", "tanh"),
    # What a field changes in the validation alone can be so little that rounding takes it: a clipped update times a
    # small rate, a loss of 16 bits, labels of a million.
    "learning_rate": (0.01, 0.1, 1.0),
    "loss_dtype": ("float32", "float64"),
    "nan_fill": ("keep", "mean", "zero"),
}
FIELDS = [name for name in Recurrent.specs() if name not in OWN_DATA]
TRACED = [name for name in FIELDS if Recurrent.specs()[name].retraces]
GIVEN = [name for name in FIELDS if name not in TRACED]  # arguments of a traced graph: another value costs no trace
DRAWN = 5  # recipes of each structure


def values_of(name: str) -> list:
    """Values of a field, of which one at least must tell."""
    spec = Recurrent.specs()[name]
    if isinstance(spec, Choice):
        return sorted(spec.options)
    if name in ("epochs", "sequences", "timesteps", "units"):
        return [*SMALL[name], max(SMALL[name]) + 1]
    return list(spec.offered or range(spec.low, spec.high + 1))


def draw(rng: np.random.Generator, names: list[str], base: Settings) -> Settings:
    drawn = {}
    for name in names:
        offered = SMALL.get(name) or SEEN.get(name) or values_of(name)
        drawn[name] = offered[rng.integers(len(offered))]
    if drawn.get("loss") == "bce_clipped":
        drawn["activation"] = "sigmoid"
    if drawn.get("loss") == "label_masked_mse":
        drawn["output"] = "every_step"  # of two sequences one may have the label 0, which this loss leaves out
    return replace(base, **drawn)


def told(settings: Settings) -> dict[str, np.ndarray]:
    snapshot = trained(Recipe(settings)).snapshot
    return {name: array for name, array in vars(snapshot).items() if name not in ("epochs", "kept", "scores")}


def learns(before: dict[str, np.ndarray]) -> bool:
    """Whether everything is finite, and a gradient reaches the inputs in every epoch."""
    finite = all(np.isfinite(array).all() for array in before.values())
    return finite and bool(before["input_gradient"].any(axis=(1, 2)).all())


@cache
def recipes(number: int) -> tuple[Settings, ...]:
    """Recipes that learn and share one traced graph."""
    rng = np.random.default_rng(number)
    for _ in range(50):
        structure = draw(rng, TRACED, Recurrent())
        found = [draw(rng, GIVEN, structure) for _ in range(4 * DRAWN)]
        found = [settings for settings in found if learns(told(settings))][:DRAWN]
        if len(found) == DRAWN:
            return tuple(found)
    raise AssertionError("no structure was found that learns")


def changes(settings: Settings, name: str) -> Iterator[str]:
    """For each other value what it changes, as text; "" where the run is the same to the bit."""
    before = told(settings)
    for value in values_of(name):
        if value != getattr(settings, name):
            after = told(replace(settings, **{name: value}))
            differ = [key for key in before if not np.array_equal(before[key], after[key], equal_nan=True)]
            yield f"{name}={value} changes {', '.join(differ)}" if differ else ""


def unseen(settings: Settings, name: str) -> bool:
    """Whether a field that moves the mask may show nowhere although it is live.

    Rounding alone tells where a weight multiplies one number for the whole batch, and the sum of weights divides it
    again; and a loss that reads the labels leaves out by itself what a mask does.
    """
    weighs = losses.scalar(settings.loss) and settings.sample_weight != "none" and settings.reduction != "sum"
    moves = name in ("mask", "mask_route", "mask_shift", "sample_weight", "validation_mask")
    return moves and (weighs or settings.loss == "label_masked_mse")


def check(settings: Settings, name: str, values: int | None = None) -> None:
    """`values`: how many other values of an idle field are tried; all of them if None."""
    reason = Recipe(settings).idle().get(name)
    if reason is None:
        assert unseen(settings, name) or any(changes(settings, name)), (
            f"{name} changes nothing in {settings.to_query()}"
        )
    else:
        assert reason.endswith(".")
        told_apart = [words for words in islice(changes(settings, name), values) if words]
        assert not told_apart, f"“{reason}”, and yet {told_apart[0]} in {settings.to_query()}"


@pytest.mark.parametrize("number", first(1, range(60)))
def test_of_what_a_graph_is_given(number):
    for settings in recipes(number)[: None if number else 2]:
        for name in GIVEN:
            check(settings, name)


@pytest.mark.verify
@pytest.mark.parametrize(("number", "name"), first(1, [(k, name) for k in range(20) for name in TRACED]))
def test_of_what_a_graph_is_made_of(number, name):
    check(recipes(number)[0], name, values=None if number else 2)


NO_MASK = Recurrent(mask="none", sequences=4, timesteps=5, units=2, epochs=3)


@pytest.mark.parametrize(
    ("settings", "name", "is_idle"),
    first(
        1,
        [
            (replace(NO_MASK, sample_weight="instead"), "mask_route", True),  # as it was reported
            (replace(NO_MASK, loss="scalar_mse", reduction="sum"), "sample_weight", False),  # a weight for every step
            (replace(NO_MASK, loss="scalar_mse"), "reduction", True),
            (replace(NO_MASK, loss="mask_reading_mse"), "epsilon", True),
            (replace(NO_MASK, mask="aligned", padding_share=0.0), "mask_route", True),
            (replace(NO_MASK, mask="aligned", output="last_step", padded_inputs="random"), "padded_labels", True),
        ],
    ),
)
def test_of_cases_that_were_wrong_once(settings, name, is_idle):
    assert (name in Recipe(settings).idle()) == is_idle
    check(settings, name)


@pytest.mark.parametrize("between", Recurrent.specs()["between"].options)
def test_which_layers_keep_the_mask_is_what_keras_does(between):
    few = Recurrent(between=between, sequences=4, timesteps=5, units=2)
    mask = getattr(few.build(features=2).output, "_keras_mask", None)
    assert (mask is not None) == (between in KEEP_THE_MASK)
