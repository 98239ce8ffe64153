"""One recipe for a run: equal ones are one run, it is fitted once, and it alone says where the mask goes."""

import ast
import itertools
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lessons.course.discovery import LESSONS
from lessons.course.exercise import FindSetting
from lessons.doctor.run import diagnose
from lessons.engine.train import trained
from lessons.families.recurrent import Recurrent
from lessons.recipe.bad_input import BadInput
from lessons.recipe.data import training_batch
from lessons.recipe.recipe import MaskPath, Pasted, Recipe
from lessons.server.attempt import usage_of
from pages.lab.diagnosis import unpassed
from tests.tools.tables import sample_table

ROOT = Path(__file__).parent.parent.parent
SAMPLE = sample_table()
PASTED = Pasted("def loss(y, p):\n    return (y - p) ** 2\n")
PASSED, WEIGHED, MULTIPLIED = MaskPath(passed=True), MaskPath(weighted=True), MaskPath(multiplied=True)
NOWHERE = MaskPath()


def test_equal_recipes_are_one():
    again = sample_table("another name.csv")
    assert {Recipe(Recurrent(), SAMPLE, PASTED), Recipe(Recurrent(), again, Pasted(PASTED.text))} == {
        Recipe(Recurrent(), SAMPLE, PASTED)
    }
    different = [
        Recipe(Recurrent()),
        Recipe(Recurrent(seed=1)),
        Recipe(Recurrent(), SAMPLE),
        Recipe(Recurrent(), pasted=PASTED),
    ]
    assert len(set(different)) == 4


def test_what_the_data_decide_makes_no_difference():
    recipe = Recipe(Recurrent(sequences=64, timesteps=4, task="noise"), SAMPLE)
    assert recipe.settings == SAMPLE.fit(Recurrent()) and recipe == Recipe(Recurrent(), SAMPLE)
    assert recipe.with_changes({"padding_share": 0.9}) == recipe, "the data leave as much padding as they do"
    assert recipe.with_changes({"gaps": "keep"}).settings.timesteps == SAMPLE.fit(Recurrent(gaps="keep")).timesteps
    assert recipe.asked.sequences == 64, "what was asked for comes back when the data go"
    with pytest.raises(BadInput):
        recipe.with_changes({"epochs": 0})


def test_a_worker_gets_one_pickled_recipe():
    recipe = Recipe(Recurrent(), SAMPLE, PASTED)
    there = pickle.loads(pickle.dumps(recipe))
    assert there == recipe and hash(there) == hash(recipe)
    np.testing.assert_array_equal(training_batch(there).x, training_batch(recipe).x)


def test_a_pasted_loss_is_not_trained_as_if_it_were_the_settings_own():
    with pytest.raises(ValueError, match="pasted"):
        trained(Recipe(Recurrent(), pasted=PASTED))


def test_a_structure_has_no_value_of_own_data():
    structure = pickle.dumps(Recipe(Recurrent(), SAMPLE).structure())
    assert b"plant" not in structure and b"ndarray" not in structure
    assert Recipe(Recurrent(), SAMPLE).structure() != Recipe(SAMPLE.fit(Recurrent())).structure()


@pytest.mark.parametrize("batch_size, sequences, size, updates", [
    (0, 7, 7, 1), (7, 7, 7, 1), (9, 7, 7, 1), (3, 7, 3, 3), (1, 7, 1, 7), (3, 6, 3, 2),
])  # fmt: skip
def test_updates_of_an_epoch(batch_size, sequences, size, updates):
    recipe = Recipe(Recurrent(batch_size=batch_size, sequences=sequences))
    assert (recipe.update_size, recipe.updates) == (size, updates)
    assert (recipe.updates > 1) == recipe.settings.batched


# --- where the mask goes

PATHS = [
    ({}, PASSED, PASSED),
    ({"mask": "none", "mask_route": "multiplied"}, NOWHERE, NOWHERE),
    ({"mask": "none", "sample_weight": "instead", "mask_route": "multiplied"}, WEIGHED, WEIGHED),
    ({"mask_route": "multiplied"}, MULTIPLIED, MULTIPLIED),
    ({"sample_weight": "besides"}, MaskPath(passed=True, weighted=True), MaskPath(passed=True, weighted=True)),
    ({"sample_weight": "instead"}, WEIGHED, WEIGHED),
    ({"sample_weight": "instead", "mask_route": "multiplied"}, *2 * [MaskPath(weighted=True, multiplied=True)]),
    ({"sample_weight": "besides", "mask_route": "multiplied"}, *2 * [MaskPath(weighted=True, multiplied=True)]),
    ({"sample_weight": "instead", "output": "last_step"}, PASSED, PASSED),
    ({"sample_weight": "besides", "output": "last_step", "mask_route": "multiplied"}, MULTIPLIED, MULTIPLIED),
    ({"validation_mask": "none"}, PASSED, NOWHERE),
    ({"validation_mask": "none", "sample_weight": "besides"}, MaskPath(passed=True, weighted=True), WEIGHED),
    ({"validation_mask": "aligned", "mask": "shifted"}, PASSED, PASSED),
    ({"validation_mask": "aligned", "mask": "none"}, NOWHERE, NOWHERE),
]


@pytest.mark.parametrize(("changes", "training", "validation"), PATHS)
def test_where_the_mask_goes(changes, training, validation):
    recipe = Recipe(Recurrent(**changes))
    assert (recipe.mask_path, recipe.validation_mask_path) == (training, validation)


ROUTES = ("mask", "mask_route", "sample_weight", "output")


def test_a_route_is_idle_where_it_moves_no_mask():
    for values in itertools.product(("aligned", "none"), *(Recurrent.specs()[name].options for name in ROUTES[1:])):
        # padding that is not 0, else a mask that is multiplied into it moves nothing
        recipe = Recipe(Recurrent(padded_inputs="minus_one", **dict(zip(ROUTES, values, strict=True))))
        paths = {
            recipe.with_changes({"mask_route": value}).mask_path for value in Recurrent.specs()["mask_route"].options
        }
        assert (len(paths) == 1) == ("mask_route" in recipe.idle()), values


def test_the_page_says_what_becomes_of_a_mask_that_is_not_passed():
    for mask, route, weight in itertools.product(
        ("aligned", "none"), *(Recurrent.specs()[name].options for name in ROUTES[1:3])
    ):
        recipe = Recipe(Recurrent(mask=mask, mask_route=route, sample_weight=weight))
        if not recipe.mask_path.passed:
            words = unpassed(recipe)
            assert ("weighs" in words) == (mask != "none" and weight != "none"), words
            assert ("inputs are 0" in words) == (mask != "none" and route == "multiplied"), words


def test_a_weight_may_leave_out_missing_labels_and_a_factor_of_the_inputs_may_not():
    """The mask takes the labels that are NaN for padding. As a weight it leaves those out; multiplied into the inputs
    it wipes out what real steps hold."""
    missing = Recurrent(mask="not_nan", nan_share=0.3, padded_labels="nan", sample_weight="instead", epochs=5)
    missing = replace(missing, loss="nan_labels.where_inside")  # NaN times a weight of 0 would be NaN
    weighed, both = (trained(Recipe(replace(missing, mask_route=route))) for route in ("passed", "multiplied"))
    assert (both.snapshot.input_gradient[:, both.batch.real & ~both.batch.mask] == 0).all()
    assert (weighed.snapshot.input_gradient[:, weighed.batch.real & ~weighed.batch.mask] != 0).any()
    codes = [{finding.code for finding in diagnose(run)} for run in (weighed, both)]
    assert ["mask_misaligned" in found for found in codes] == [False, True]


@pytest.mark.parametrize("route", Recurrent.specs()["mask_route"].options)
def test_the_clinic_is_told_of_a_mask_where_one_reaches_the_loss(route):
    exercise = next(one for lesson in LESSONS.values() for one in lesson.exercises if not isinstance(one, FindSetting))
    settings = Recurrent(mask_route=route, padded_labels="garbage")
    told = usage_of(replace(exercise, settings=settings, padding=""))["padding"]
    assert told == ("keras" if Recipe(settings).mask_path.passed else "1000")


# --- one way through the house


def parameters(node: ast.FunctionDef) -> set[str]:
    every = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    return {one.arg for one in every}


def test_nothing_takes_settings_with_data_or_with_a_loss():
    found = []
    for path in sorted(path for folder in ("lessons", "pages") for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and "settings" in (names := parameters(node)):
                found += [f"{path.name}: {node.name}"] * bool(names & {"table", "pasted"})
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "fit":
                owner = ast.unparse(node.func.value)
                found += [f"{path.name}: {owner}.fit"] * ("table" in owner and path.name != "recipe.py")
    assert not found
