"""What is told of a pasted model is checked before anything is made of it: its process may have been taken over."""

import numpy as np
import pytest

from lessons.families.own import Own
from lessons.recipe.bad_input import BadInput
from lessons.recipe.data import training_batch
from lessons.recipe.interface import IDS, MASK, Interface, PutOut, Taken
from lessons.recipe.model import Model, outset
from lessons.recipe.recipe import Recipe
from lessons.sandbox.schema import fits
from lessons.server import walled_tasks

VISITS, PERSON = Taken("visits", (12, 3), mark=0.0), Taken("person", (4,))
EACH = PutOut("each", (12, 1), True, "linear", "number", "mse")
KIND = PutOut("kind", (4,), False, "softmax", "class", "cross_entropy_clipped", 0.5)
BOTH = Interface((VISITS, PERSON, Taken("ids", (6,), IDS, 20, 0.0), Taken("mask", (12,), MASK)), (EACH, KIND))


def recipe_of(interface: Interface, **changes) -> Recipe:
    return Recipe(Own(**outset(interface, None) | changes), model=Model("", "model", interface))


def test_it_travels_as_plain_values():
    assert Interface.read(BOTH.to_plain()) == BOTH and fits(BOTH.to_plain(), walled_tasks.INTERFACE)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("inputs", [{**vars(VISITS), "shape": [10**9, 3]}]),
        ("inputs", [{**vars(VISITS), "shape": [0, 3]}]),
        ("outputs", [{**vars(EACH), "shape": [12, -1]}]),
        ("outputs", [{**vars(EACH), "shape": [12, 1]}] * 9),
    ],
)
def test_what_is_too_large_or_no_size_is_refused_in_a_sentence(part, value):
    with pytest.raises(BadInput, match="are trained here"):
        Interface.read({**BOTH.to_plain(), part: value})


def test_so_much_data_is_not_generated():
    large = Interface((VISITS, Taken("person", (16_000,))), (EACH,))
    with pytest.raises(BadInput, match="for 512 sequences; up to 786,432"):
        recipe_of(large, sequences=512)


def test_what_is_looked_at_changes_no_data():
    first, other = (training_batch(recipe_of(one)) for one in BOTH.choices()[:2])
    assert [(one.place, one.at) for one in BOTH.choices()] == [(0, 0), (0, 1), (2, 1)]
    np.testing.assert_array_equal(first.x, other.x)
    np.testing.assert_array_equal(first.labels[0], other.y)
    np.testing.assert_array_equal(first.y, other.labels[0])
    assert [one.shape for one in first.inputs] == [(32, 4), (32, 6, 1)]


def test_padding_holds_what_the_model_looks_for():
    for mark in (-999.0, 1e20):
        batch = training_batch(recipe_of(Interface((Taken("", (12, 3), mark=mark),), (EACH,))))
        assert (batch.x[~batch.real] == np.float32(mark)).all() and batch.mask.tolist() == batch.real.tolist()
