"""Settings: round trips, clear refusals, and `idle` telling the truth."""

import dataclasses
import json
import math
from dataclasses import replace

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples

from lessons.families.recurrent import Recurrent
from lessons.recipe import losses
from lessons.recipe.bad_input import BadInput
from lessons.recipe.recipe import Recipe
from lessons.recipe.settings import CELLS, Settings
from lessons.recipe.spec import Choice, LossName


def recipes():
    """Settings anywhere in their ranges, not only at the offered stops."""
    drawn = {}
    for name, spec in Recurrent.specs().items():
        if isinstance(spec, Choice):
            drawn[name] = st.sampled_from(sorted(spec.options))
        else:
            drawn[name] = (st.integers if spec.whole else st.floats)(spec.low, spec.high)
    drawn |= {"sequences": st.integers(2, CELLS // 256), "timesteps": st.integers(2, 256)}  # any two fit together
    return st.builds(Recurrent, **drawn)


@examples(deadline=None)
@given(recipes(), recipes())
def test_a_query_brings_the_same_settings_back_over_any_base(settings, base):
    query = settings.to_query(base)
    assert all(isinstance(text, str) for text in query.values())
    assert Recurrent.read(query, base) == (settings, [])


@examples(deadline=None)
@given(recipes())
def test_json_brings_the_same_settings_back(settings):
    again = json.loads(json.dumps(settings.to_json(), allow_nan=False))
    assert Recurrent(**again) == settings == Recurrent().with_changes(again)


def test_what_differs_is_all_that_a_query_says():
    assert Recurrent().to_query() == {}
    assert Recurrent(epsilon=1e-8, mask="none", epochs=3).to_query() == {
        "epsilon": "1e-08",
        "mask": "none",
        "epochs": "3",
    }


JUNK = [
    "",
    " ",
    "abc",
    "nan",
    "inf",
    "-inf",
    "1e9",
    "-1e9",
    "1e400",
    "0x10",
    "1,5",
    "=",
    "x" * 10_000,
    "\0",
    "a\nb",
    "é",
]
ODD = [
    None,
    True,
    False,
    math.nan,
    math.inf,
    -math.inf,
    1e9,
    -1e9,
    10**400,
    [],
    [1],
    {},
    (),
    {1},
    object(),
    1j,
]


@pytest.mark.parametrize("name", Recurrent.specs())
def test_junk_is_refused_by_naming_the_field_the_value_and_what_it_takes(name):
    options = getattr(Recurrent.specs()[name], "options", ())
    for value in [*(junk for junk in JUNK if junk not in options), *ODD]:
        with pytest.raises(BadInput) as refusal:
            Recurrent().with_changes({name: value})
        text = str(refusal.value)
        assert text.startswith(f"{name}: got ") and f"takes {Recurrent.specs()[name].takes}" in text, text
        shown = value if isinstance(value, str) else repr(value)
        assert shown[:30] in text
        assert len(text) < 60 + len(name) + len(Recurrent.specs()[name].takes)
        with pytest.raises(BadInput):
            Recurrent(**{name: value})


@pytest.mark.parametrize("name", [name for name, spec in Recurrent.specs().items() if not isinstance(spec, Choice)])
def test_the_ends_of_a_range_are_in_and_one_beyond_is_out(name):
    spec = Recurrent.specs()[name]
    for value in (spec.low, spec.high, *spec.offered):
        assert getattr(Recurrent().with_changes({name: str(value)}), name) == value
    for value in (spec.low - 1, spec.high + 1, *([spec.low + 0.5] if spec.whole else [])):
        with pytest.raises(BadInput):
            Recurrent().with_changes({name: str(value)})


@examples(deadline=None)
@given(st.text(), st.one_of(st.text(), st.floats(), st.integers(), st.none(), st.lists(st.integers())))
def test_whatever_is_typed_is_used_or_refused(name, value):
    for field in (name, "epochs", "epsilon", "loss", "mask"):
        settings, problems = Recurrent.read({field: value})
        assert isinstance(settings, Settings)
        assert [type(problem) for problem in problems] in ([], [BadInput])
        assert problems or settings.to_json()[field] == value or float(value) == settings.to_json()[field]


def test_an_unknown_field_is_named_with_those_there_are():
    with pytest.raises(BadInput, match="“epoch”.*epochs"):
        Recurrent().with_changes({"epoch": 3})


def test_what_can_be_used_is_used_and_each_problem_is_told():
    settings, problems = Recurrent.read({"epochs": "7", "mask": "sideways", "seed": "x"})
    assert settings == Recurrent(epochs=7)
    assert [str(problem).split(":")[0] for problem in problems] == ["mask", "seed"]


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "mask_and_loss.LESSON",
        "mask_and_loss.Settings",
        "_template.x",
        ".",
        "a.b.c",
        "a" * 9999 + ".b",
    ],
)
def test_only_functions_of_labels_and_predictions_are_losses(name):
    assert not losses.exists(name)


def test_every_field_is_declared_whole():
    for field in dataclasses.fields(Recurrent):
        spec = Recurrent.specs()[field.name]
        assert spec.label and spec.help
        assert spec.parse(field.name, field.default) == field.default
        if isinstance(spec, LossName):
            assert all(losses.exists(option) for option in spec.options)


SMALL = Recurrent(sequences=5, timesteps=5, units=4, epochs=3, padded_labels="random", batch_size=3)
SITUATIONS = {
    "defaults": SMALL,
    "no_mask": replace(SMALL, mask="none", mask_route="multiplied", loss="mae"),
    "no_mask_in_training": replace(SMALL, mask="none", sample_weight="instead", reduction="mean_with_sample_weight"),
    "no_padding": replace(SMALL, padding_share=0, mask="wrong_side", nan_share=0.2, nan_fill="garbage"),
    "last_step": replace(SMALL, output="last_step", loss="bce_added", activation="sigmoid", task="binary"),
    "last_step_labels": replace(
        SMALL, output="last_step", mask="labels", task="binary", nan_share=0.3, nan_fill="zero"
    ),
    "last_step_shifted": replace(SMALL, output="last_step", mask="shifted", padding="pre", clipping="clipnorm"),
}


def other_values(name: str, settings: Settings) -> list:
    spec = Recurrent.specs()[name]
    offered = sorted(spec.options) if isinstance(spec, Choice) else spec.offered or (spec.low, spec.high)
    others = [value for value in offered if value != getattr(settings, name)]
    return others[:1] if spec.retraces else others


@pytest.mark.verify  # tests/recipe/test_idle.py has the property
@pytest.mark.parametrize("situation", SITUATIONS)
def test_an_idle_field_changes_nothing(situation):
    from lessons.engine.train import trained

    def told(settings):
        snapshot = trained(Recipe(settings)).snapshot
        return {name: array for name, array in vars(snapshot).items() if name not in ("kept", "scores")}

    settings = SITUATIONS[situation]
    before = told(settings)
    assert Recipe(settings).idle()
    for name, reason in Recipe(settings).idle().items():
        assert reason.endswith(".")
        for value in other_values(name, settings):
            for key, array in told(replace(settings, **{name: value})).items():
                message = f"{name}={value} changes {key}"
                np.testing.assert_allclose(array, before[key], rtol=1e-5, atol=1e-7, err_msg=message)
