"""What a browser unpacks is what was packed, to as many digits as are promised."""

import math
from dataclasses import replace

import numpy as np
import pytest

from lessons.engine.train import trained
from lessons.families.recurrent import Recurrent
from lessons.figures.packed import FOUR_DIGITS, THREE_DECIMALS, Numbers, packed
from lessons.figures.panel import FRAMES, run_content, run_text
from lessons.recipe.recipe import Recipe
from pages.server.shown import ROOT

SMALL = Recurrent(sequences=4, timesteps=5, units=3, epochs=6, padded_labels="garbage", loss="scalar_mse")
SCRIPT = (ROOT / "pages/parts/charts/packed.js").read_text()
ODD = [0.0, 1e-37, 1.2e-38, 3.4028235e38, np.inf, -np.inf, np.nan, 1.0, -1.0, 123456.0, -0.000987654]


@pytest.fixture
def unpacked(page):
    page.goto("about:blank")
    page.add_script_tag(content=f"{SCRIPT}\nwindow.unpack = unpack;")
    return lambda text: page.evaluate("(text) => unpack(text)", text)


def test_numbers_come_as_they_were_sent_to_four_digits(unpacked):
    rng = np.random.default_rng(0)
    many = np.float32(rng.normal(size=(7, 3, 5)) * 10.0 ** rng.integers(-30, 30, (7, 3, 5)))
    rows = {"one": np.float32(ODD), "many": many, "row": many[0, 0]}
    sent = {name: Numbers(values, FOUR_DIGITS, "number") for name, values in rows.items()}
    found = unpacked(packed({"word": 'ü"', **sent, "none": None}))
    assert (found["word"], found["none"]) == ('ü"', None)
    wanted = [pytest.approx(one, rel=6e-4) if math.isfinite(one) else None for one in ODD]
    assert found["one"] == wanted
    np.testing.assert_allclose(np.array(found["many"], float), many, rtol=6e-4)
    np.testing.assert_allclose(np.array(found["row"], float), many[0, 0], rtol=6e-4)


def test_the_least_number_there_is_does_not_become_0(unpacked):
    [came] = unpacked(packed({"least": Numbers(np.float32([1e-45]), THREE_DECIMALS, "number")}))["least"]
    assert came > 0


def test_of_logarithms_null_is_an_exact_zero_and_99_is_not_finite(unpacked):
    came = unpacked(packed({"gradient": Numbers(np.float32(ODD[:8]), THREE_DECIMALS, "logarithm")}))["gradient"]
    assert came[0] is None and came[4:7] == [99, 99, 99] and came[7] == 0
    assert came[3] == pytest.approx(38.532, abs=2e-3) and came[1] == pytest.approx(-37, abs=2e-3)


def test_what_cannot_be_packed_is_said():
    with pytest.raises(TypeError, match="ndarray cannot be packed"):
        packed({"bare": np.zeros(3)})


@pytest.mark.parametrize("settings", [SMALL, replace(SMALL, padded_labels="nan"), replace(SMALL, output="last_step")])
def test_a_browser_has_the_numbers_of_the_run(unpacked, settings):
    run = trained(Recipe(settings))
    came = unpacked(run_text(run, live=False))
    assert came["frames"]["epochs"] == [1, 2, 3, 4, 5, 6] and came["real"] == run.batch.label_real.astype(int).tolist()
    for at, gradient in (("predictions", run.snapshot.gradient), ("inputs", run.snapshot.input_gradient)):
        shown = np.array(came["frames"]["at"][at], dtype=float)  # null is NaN
        with np.errstate(divide="ignore"):
            wanted = np.where(np.isfinite(gradient), np.log10(gradient.astype(float)), 99)
        np.testing.assert_allclose(shown, np.where(np.isfinite(wanted), wanted, np.nan), atol=1e-3)
    np.testing.assert_allclose(np.array(came["predictions"], dtype=float), run.predictions, rtol=6e-4)
    np.testing.assert_allclose(
        np.array(came["frames"]["predictions"], dtype=float), run.snapshot.predictions, rtol=6e-4
    )


def test_a_run_that_goes_on_has_one_frame_and_many_epochs_are_thinned():
    run = trained(Recipe(replace(SMALL, epochs=90)))
    assert run_content(run, live=True)["frames"]["epochs"] == [90]
    epochs = run_content(run, live=False)["frames"]["epochs"]
    assert len(epochs) == FRAMES and (epochs[0], epochs[-1]) == (1, 90)
