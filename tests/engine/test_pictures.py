"""Pictures of an attention and of what a model writes: the weights are those that the model has, at the epochs told."""

from dataclasses import replace

import numpy as np
import pytest

from lessons.engine.graph import Graph
from lessons.engine.train import trained
from lessons.families.decoder import Decoder
from lessons.families.encoder import Encoder
from lessons.families.recurrent import Recurrent
from lessons.figures.attention_figures import astray, astray_shares
from lessons.recipe.data import training_batch, validation_batch
from lessons.recipe.recipe import Recipe
from lessons.runs.run import PICTURES, WEIGHTS, pictured_epochs

ENCODER = Encoder(sequences=5, timesteps=4, epochs=4, units=4, heads=2, padded_inputs="random")
DECODER = Decoder(sequences=5, timesteps=6, epochs=4, units=4, padded_labels="zero")


def weights_of(settings):
    """What an untrained model looks at, (batch, head, query, key), and the batch."""
    graph, recipe = Graph(Recipe(settings).structure()), Recipe(settings)
    batch = training_batch(recipe)
    graph.start(recipe, batch, validation_batch(recipe))
    return graph, batch, graph.attention()


@pytest.mark.verify
@pytest.mark.parametrize("score", ["returned", "zeroed", "1e9", "layer"])
@pytest.mark.parametrize("attention_mask", ["keys", "aligned"])
def test_the_weights_are_those_of_the_attention_by_its_definition(score, attention_mask):
    settings = replace(ENCODER, masked_score=score, attention_mask=attention_mask)
    graph, batch, found = weights_of(settings)
    by_shape = {weight.shape: weight for weight in graph.model.get_weights()[2:]}
    kernels = [weight for weight in graph.model.get_weights() if weight.shape == (4, 2, 8)]
    first, bias = graph.model.get_weights()[:2]
    hidden = np.tanh(batch.x @ first + bias)
    query, key = (np.einsum("btf,fnh->btnh", hidden, kernel) for kernel in kernels[:2])
    scores = np.einsum("bqnh,bknh->bnqk", query, key) / 8**0.5
    may = settings.attends(batch.mask)[:, None]
    raised = np.where(may, np.exp(scores), 0)
    with np.errstate(invalid="ignore"):
        wanted = raised / raised.sum(axis=-1, keepdims=True)
    none = 1 / may.shape[-1] if score in ("1e9", "layer") else 0.0  # of a row without keys
    assert by_shape and found.shape == (5, 2, 4, 4)
    np.testing.assert_allclose(found, np.where(np.isnan(wanted), none, wanted), atol=1e-5)


@pytest.mark.verify
def test_a_causal_model_gives_nothing_to_the_future_and_another_does():
    for causal_mask in ("causal", "none"):
        _, batch, found = weights_of(replace(DECODER, causal_mask=causal_mask))
        ahead = (np.triu(found[:, 0], 1) * batch.real[:, :, None])[batch.real.sum(axis=1) > 1]
        assert (ahead == 0).all() == (causal_mask == "causal")


def test_pictures_are_taken_before_their_epochs_and_of_the_trained_model():
    run = trained(Recipe(replace(DECODER, epochs=30)))
    pictures = run.pictures
    assert pictures.epochs.tolist() == [*pictured_epochs(30), 30] and len(pictures.epochs) == PICTURES
    _, _, first = weights_of(replace(DECODER, epochs=30))
    np.testing.assert_allclose(pictures.attention[0, 0], first[:, 0], atol=1e-6)
    assert not np.allclose(pictures.attention[-1], pictures.attention[0], atol=1e-3)
    written, _ = run.settings.written(run.batch, lambda x, mask: run.scores)
    assert pictures.text.shape == (len(pictures.text_epochs), 5, 6) and pictures.text[-1].shape == written.shape
    assert ((pictures.text[-1] == run.settings.end).any(axis=1).mean()) == 1 - run.measures["endless"]


@pytest.mark.verify
def test_halts_for_pictures_leave_the_training_as_it_is():
    """The same epochs without pictures: of a graph that is told to advance at once."""
    settings = replace(ENCODER, epochs=25)
    graph, _, _ = weights_of(settings)
    loss = graph.advance(25)["loss"]
    assert np.array_equal(trained(Recipe(settings)).snapshot.loss, loss)


@pytest.mark.verify
def test_long_sequences_have_fewer_in_the_pictures():
    run = trained(Recipe(replace(ENCODER, timesteps=48, sequences=16, epochs=3)))
    attention = run.pictures.attention
    assert attention.shape[1:] == (2, 1, 48, 48) and attention.size <= WEIGHTS


@pytest.mark.verify
def test_a_family_without_attention_has_no_pictures():
    run = trained(Recipe(Recurrent(sequences=4, timesteps=5, epochs=3)))
    assert run.pictures is None and run.to_json()["pictures"] is None


@pytest.mark.verify
def test_what_falls_on_padding_and_on_the_future_is_counted():
    padded = trained(Recipe(replace(ENCODER, attention_mask="none")))
    assert astray_shares(padded, padded.pictures)[-1] > 0.1
    masked = trained(Recipe(replace(ENCODER, attention_mask="keys")))
    assert astray_shares(masked, masked.pictures).max() == 0
    texts = trained(Recipe(replace(DECODER, causal_mask="none")))
    assert astray(texts)[0, 0, 1] and not astray(texts)[0, 1, 0]
    assert astray_shares(texts, texts.pictures)[-1] > 0.1


def test_the_reach_of_a_token_is_measured_on_the_loss_of_each_step():
    reach = trained(Recipe(DECODER)).pictures.reach
    assert not np.triu(reach, 1).any() and np.diag(reach).any()
    ahead = trained(Recipe(replace(DECODER, causal_mask="none")))
    assert np.triu(ahead.pictures.reach, 1).any()
    share = np.triu(ahead.pictures.reach, 1).sum() / ahead.pictures.reach.sum()
    assert ahead.measures["looks_ahead"] == pytest.approx(share, rel=1e-3)
