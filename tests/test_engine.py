"""The engine against plain `model.fit` (oracle.py), and what a warm worker must not carry from run to run."""

from dataclasses import replace

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples

from lessons import LESSONS, losses
from lessons.data import PaddedBatch, training_batch, validation_batch
from lessons.engine import train as engine
from lessons.run import KEPT_EPOCHS, Closing, Opening, Run
from lessons.settings import SPECS, Choice, Settings
from tests import oracle

PRESETS = [
    pytest.param(preset.settings, id=f"{slug}-{preset.name}")
    for slug, lesson in LESSONS.items()
    for preset in lesson.presets
]


def trained(settings: Settings) -> Run:
    return Run.gather(settings, training_batch(settings), engine.train(settings))


def oracle_data(settings: Settings, draw) -> oracle.Data:
    batch: PaddedBatch = draw(settings)
    return oracle.Data(batch.x, batch.y, batch.real, draw(replace(settings, output="every_step")).y)


def assert_like_fit(settings: Settings) -> None:
    """Same loss and val_loss as plain Keras, or the same refusal."""
    data, held_out = oracle_data(settings, training_batch), oracle_data(settings, validation_batch)
    try:
        wanted = oracle.fit(settings, data, held_out)
    except Exception as refusal:
        with pytest.raises(Exception) as caught:
            trained(settings)
        assert type(caught.value) is type(refusal)
        return
    got = trained(settings).snapshot
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(
            getattr(got, name), np.array(wanted[name], "float32"), rtol=1e-5, err_msg=f"{name} of {settings.to_query()}"
        )


@pytest.mark.parametrize("settings", PRESETS)
def test_a_preset_trains_as_fit_does(settings):
    assert_like_fit(replace(settings, epochs=min(settings.epochs, 40)))


@pytest.mark.verify
@pytest.mark.parametrize("settings", PRESETS)
def test_a_preset_trains_as_fit_does_to_the_end(settings):
    assert_like_fit(settings)


SMALL = {
    "sequences": st.sampled_from([2, 5, 8]),
    "timesteps": st.sampled_from([2, 4, 7]),
    "units": st.sampled_from([1, 4, 8]),
    "epochs": st.integers(1, 12),
    "batch_size": st.sampled_from([0, 0, 1, 3, 4, 8]),
    "learning_rate": st.sampled_from([1e-3, 0.02, 0.1, 1.0]),
    "loss": st.sampled_from(sorted(losses.LABELS)),
}


def recipes(**fixed):
    """Small random settings over every field."""
    drawn = {}
    for name, spec in SPECS.items():
        if isinstance(spec, Choice):
            drawn[name] = st.sampled_from(sorted(spec.options))
        elif spec.offered:
            drawn[name] = st.sampled_from(spec.offered)
        else:
            drawn[name] = st.integers(spec.low, spec.high)
    return st.builds(Settings, **(drawn | SMALL | fixed))


@examples(max_examples=25, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(recipes())
def test_random_settings_train_as_fit_does(settings):
    assert_like_fit(settings)


@pytest.mark.verify
@examples(max_examples=300, deadline=None, database=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(recipes())
def test_many_random_settings_train_as_fit_does(settings):
    assert_like_fit(settings)
