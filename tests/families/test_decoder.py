"""The family Decoder: trained beside plain `fit`, its script, its texts, and what it does when it writes alone."""

from dataclasses import replace

import numpy as np
import pytest

from lessons.catalog import never_stops, useless_alone
from lessons.engine.train import trained
from lessons.families.decoder import LETTERS, SEPARATOR, VOCABULARY, Decoder
from lessons.recipe.data import training_batch
from lessons.recipe.recipe import Recipe
from lessons.recipe.spec import Choice
from tests.engine.test_engine import assert_draws_as_new, assert_like_fit
from tests.tools.selection import first
from tests.tools.taken_home import assert_script_gives_the_apps_numbers

TINY = Decoder(sequences=5, timesteps=6, epochs=4, units=4, seed=3, padded_labels="zero")

# Together they have every option of every field of the family and every loss of its lessons, with masks on every way.
FORMS = (
    {"causal_mask": "none", "masked_score": "inf", "counted": "answer", "batch_size": 2},
    {"shift": "same", "masked_score": "1e9", "padding": "pre", "validation_mask": "none"},
    {"pad_token": "end", "mask": "labels", "loss": "never_stops.mean_by_hand", "epsilon": 0.1},
    {"pad_token": "end", "loss": "never_stops.ignoring_zero", "padding_share": 0.6},
    {"masked_score": "inf", "padding": "pre"},
    {"mask": "none", "loss": "scalar_cross_entropy", "padded_labels": "random"},
    {"mask": "inputs", "counted": "answer", "loss": "useless_alone.log_of_probability", "epsilon": 0.01},
    {"mask": "shifted", "sample_weight": "besides", "padded_inputs": "random", "causal_mask": "none"},
    {"mask_route": "multiplied", "mask": "inverted", "counted": "answer"},
    {"loss": "never_stops.ignoring_zero", "mask": "none", "reduction": "sum"},
    {"padded_labels": "garbage"},  # refused: no token has this id
)


@pytest.mark.parametrize("changes", first(1, [*FORMS[:1], FORMS[-1], *FORMS[1:-1]]))
def test_it_trains_as_plain_keras_does(changes):
    assert_like_fit(replace(TINY, **changes))


@pytest.mark.parametrize("changes", first(1, FORMS[:-1]))
def test_its_script_prints_the_apps_curve(changes):
    assert_script_gives_the_apps_numbers(replace(TINY, **changes), "useless_alone")


def test_the_forms_have_every_option():
    met = [replace(TINY, **changes) for changes in FORMS]
    for name in ("causal_mask", "shift", "pad_token", "counted", "masked_score"):
        spec = Decoder.specs()[name]
        assert isinstance(spec, Choice) and set(spec.options) == {getattr(one, name) for one in met}
    assert {*useless_alone.LESSON.losses, *never_stops.LESSON.losses} <= {one.loss for one in met}


@pytest.mark.parametrize("masked_score", ["layer", "inf"])
def test_a_warm_model_draws_the_weights_that_a_new_one_has(masked_score):
    assert_draws_as_new(replace(TINY, masked_score=masked_score, seed=41))


def test_by_hand_is_the_layer_where_every_step_sees_one():
    layer, hand = (trained(Recipe(replace(TINY, masked_score=one))) for one in ("layer", "inf"))
    np.testing.assert_allclose(hand.snapshot.loss, layer.snapshot.loss, rtol=1e-5)


def test_a_dense_layer_picks_the_row_that_an_embedding_would():
    import keras

    model = Decoder(timesteps=4).build()
    kernel = next(layer for layer in model.layers if isinstance(layer, keras.layers.Dense)).kernel
    embedding = keras.layers.Embedding(VOCABULARY, kernel.shape[1], weights=[kernel.numpy()])
    tokens = np.array([[3, 0, 11, 2]])
    assert np.array_equal(embedding(tokens), np.eye(VOCABULARY, dtype="float32")[tokens] @ kernel.numpy())


@pytest.mark.parametrize("pad_token", ["own", "end"])
@pytest.mark.parametrize("padding", ["post", "pre"])
def test_a_text_is_a_prompt_a_separator_and_its_letters_in_their_order(pad_token, padding):
    settings = Decoder(timesteps=30, sequences=200, padding_share=0.5, pad_token=pad_token, padding=padding)
    batch = training_batch(Recipe(settings))
    assert set(batch.real.sum(axis=1)) >= {1, 2, 3, 4, 29, 30}
    for x, truth, real in zip(batch.x, batch.truth[..., 0], batch.real, strict=True):
        assert (x[real].sum(axis=1) == 1).all() and not x[~real].any()
        text = [*x[real].argmax(axis=1), int(truth[real][-1])]
        assert text[1:] == truth[real].tolist() and text[-1] == settings.end
        start = len(text) - 2 - text[::-1][1:].index(SEPARATOR)
        prompt, answer = text[:start], text[start + 1 : -1]
        assert answer == sorted(set(prompt) - {SEPARATOR}) and len(answer) <= LETTERS


def test_labels_that_are_not_shifted_are_the_inputs():
    batch = training_batch(Recipe(replace(TINY, shift="same")))
    assert np.array_equal(batch.y[batch.real][:, 0], batch.x[batch.real].argmax(axis=1))
    assert np.array_equal(batch.truth, training_batch(Recipe(TINY)).truth)


# --- left alone


def from_truth(settings: Decoder, late: int = 0):
    """A model that knows every text by heart, and `late` steps too late."""
    truth = training_batch(Recipe(settings)).truth[..., 0].astype(int)
    asked = []

    def ask(x, mask):
        asked.append((x.copy(), mask.copy()))
        return np.eye(VOCABULARY)[np.roll(truth, late, axis=1)]

    return ask, asked


@pytest.mark.parametrize("padding", ["post", "pre"])
def test_who_knows_the_texts_writes_them(padding):
    settings = replace(TINY, timesteps=12, padding=padding)
    batch = training_batch(Recipe(settings))
    ask, asked = from_truth(settings)
    measures = settings.measures(batch, ask)
    assert (
        measures == {"wrong_alone": 0, "endless": 0, "looks_ahead": 0} and measures.keys() == settings.measured.keys()
    )
    written, began = settings.written(batch, ask)
    for row, start in enumerate(began):
        answer = batch.real[row].copy()
        answer[:start] = False
        assert np.array_equal(written[row][answer], batch.truth[row, answer, 0])
        assert (written[row][~answer] == -1).all()
    assert settings.measures(batch, from_truth(settings, 1)[0])["wrong_alone"] == 1
    assert all(not x[:, -1].any() for x, mask in asked[1:2]) if padding == "post" else True


def test_nothing_of_the_answer_is_shown_to_who_writes():
    settings = replace(TINY, timesteps=12)
    batch = training_batch(Recipe(settings))
    ask, asked = from_truth(settings)
    _, began = settings.written(batch, ask)
    x, mask = asked[0]
    assert not x[np.arange(12) > began[:, None]].any()
    after = np.arange(12) > began[:, None]
    assert not mask[after].any()


def test_only_a_causal_model_does_not_look_ahead():
    for causal_mask in ("causal", "none"):
        ahead = trained(Recipe(replace(TINY, causal_mask=causal_mask))).measures["looks_ahead"]
        assert (ahead == 0) == (causal_mask == "causal")


@pytest.mark.parametrize(
    ("changes", "wrong"), first(2, [({}, False), ({"causal_mask": "none"}, True), ({"shift": "same"}, True)])
)
def test_what_it_writes_alone_tells_what_the_loss_does_not(changes, wrong):
    run = trained(Recipe(useless_alone.BASE.with_changes(changes)))
    assert (run.measures["wrong_alone"] > 0.5) == wrong
    assert (run.snapshot.loss[-1] < 0.1) == wrong, "the loss says the opposite"


def test_which_tokens_count_needs_a_mask_that_is_passed():
    assert "counted" in Recipe(replace(TINY, mask="none")).idle() and "counted" not in Recipe(TINY).idle()
    assert replace(TINY, mask="none", counted="answer").taught(*batch_of(TINY)).sum() == batch_of(TINY)[1].sum()


def batch_of(settings: Decoder):
    batch = training_batch(Recipe(settings))
    return batch.x, batch.real
