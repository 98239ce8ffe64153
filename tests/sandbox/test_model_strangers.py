"""Models as people paste them: which are admitted, built, and trained on a batch."""

import os

import numpy as np
import pytest

from lessons.engine.model_batch import FEATURES, TIMESTEPS, batch_for, inputs_of
from lessons.engine.pasted_model import CLASSES
from lessons.sandbox.admission.model import Refused, admit_model, counted
from tests.tools.model_strangers import MODEL_STRANGERS
from tests.tools.selection import first

ADMITTED = [name for name, (_, fate) in MODEL_STRANGERS.items() if not fate]
REFUSED = [name for name, (_, fate) in MODEL_STRANGERS.items() if fate]
TRAINED = ADMITTED if os.environ.get("VERIFY") else ADMITTED[::5]


@pytest.fixture(scope="module", autouse=True)
def _names_begin_anew():
    """Keras numbers the layers of a process."""
    import keras

    yield
    keras.utils.clear_session()


def test_most_strangers_are_admitted():
    assert len(MODEL_STRANGERS) >= 25 and len(ADMITTED) >= 0.85 * len(MODEL_STRANGERS)
    for name in ADMITTED:
        admit_model(MODEL_STRANGERS[name][0])


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_built_is_told_in_a_sentence(name):
    text, fate = MODEL_STRANGERS[name]
    with pytest.raises(Refused) as refusal:
        admit_model(text).build(TIMESTEPS, FEATURES, CLASSES)
    assert fate in refusal.value.message and ":" in refusal.value.message


@pytest.mark.parametrize("name", first(2, TRAINED))
def test_a_stranger_is_trained_on_a_batch(name):
    with counted():
        model = admit_model(MODEL_STRANGERS[name][0]).build(TIMESTEPS, FEATURES, CLASSES)
        x, _ = batch_for(inputs_of(model))
        outputs = model(x)
        several = outputs if isinstance(outputs, list) else [outputs]
        targets = [np.zeros(output.shape, "float32") + 0.5 for output in several]
        model.compile("sgd", loss="mse" if len(several) == 1 else ["mse"] * len(several))
        before = [value.copy() for value in model.get_weights()]
        loss = model.train_on_batch(x, targets if len(several) > 1 else targets[0])
    assert np.isfinite(np.asarray(loss)).all()
    assert any(not np.array_equal(was, now) for was, now in zip(before, model.get_weights(), strict=True))
