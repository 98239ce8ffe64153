"""A training with a pasted model, and a pasted loss if there is one. For walled processes only."""

from __future__ import annotations

from collections.abc import Iterator

from lessons.engine import model_metrics
from lessons.engine.model_graph import ModelGraph
from lessons.engine.pasted_model import said
from lessons.recipe.bad_input import BadInput
from lessons.recipe.recipe import Recipe
from lessons.runs.run import Closing, Opening, Snapshot
from lessons.sandbox.admission import admit, line_of
from lessons.sandbox.admission.model import Refused, admit_model, counted


def train(recipe: Recipe) -> Iterator[Opening | Snapshot | Closing]:
    """Raises BadInput, which says what the text or Keras raised. Nothing is run in the process after it."""
    try:
        yield from _trained(recipe)
    except BadInput:
        raise
    except Exception as failure:
        line = failure.line if isinstance(failure, Refused) else line_of(failure)
        words = failure.message if isinstance(failure, Refused) else said(failure)
        raise BadInput(f"line {line}: {words}" if line else words) from None


def _trained(recipe: Recipe) -> Iterator[Opening | Snapshot | Closing]:
    structure, pasted, model = recipe.structure(), recipe.pasted, recipe.model
    assert model
    _, _, features = structure.extent
    settings, admitted = structure.settings, admit_model(model.text)
    loss = admit(pasted.text).build(pasted.function) if pasted else None

    def build():
        return admitted.build(settings.timesteps, features, settings.predicts.columns, model.choice)

    with counted():
        graph = ModelGraph(structure, build, recipe.settings.seed, loss, pasted.text if pasted else "")
        yield from model_metrics.train(recipe, graph)
