"""Training as `model.fit` does it, told epoch by epoch."""

import time
from collections.abc import Iterator
from functools import lru_cache

import keras
import numpy as np
import tensorflow as tf

from lessons.engine import graph_files
from lessons.engine.graph import Graph
from lessons.engine.pictures import Recorder, remembering
from lessons.engine.stored_graph import Store
from lessons.recipe import data
from lessons.recipe.recipe import Recipe, Structure
from lessons.recipe.settings import Settings
from lessons.runs import run
from lessons.runs.run import Closing, Opening, Snapshot
from lessons.workers import GRAPHS_KEPT

CHUNK_SECONDS = 0.12  # how long the graph runs before the worker looks whether it shall stop
FIRST_CHUNK = 5  # epochs of a graph whose pace is not known, enough for a curve to appear


def train(recipe: Recipe, graph: Graph | None = None) -> Iterator[Opening | Snapshot | Closing]:
    """Train from scratch and tell of every epoch: first an Opening, then Snapshots, last a Closing.

    `graph`: of another loss than the settings name. Of a learner's own data nothing stays behind.
    Raises what Keras raises when the recipe cannot be trained.
    """
    started = time.perf_counter()
    settings, batch = recipe.settings, data.training_batch(recipe)
    graph = graph or traced(recipe.structure())
    graph.start(recipe, batch, data.validation_batch(recipe))
    recorder = Recorder(settings, batch, graph)
    try:
        yield Opening(graph.source, graph.warnings, versions(), graph.xray(), graph.output)
        kept = run.kept_epochs(settings.epochs)
        done, wanted = 0, graph.chunk or FIRST_CHUNK
        while done < settings.epochs:
            step = min(wanted, settings.epochs - done)
            begun = time.perf_counter()
            measured = recorder.advance(done, step)
            spent = time.perf_counter() - begun
            yield snapshot(settings, batch, done, measured, kept, graph.output)
            if not (done or graph.chunk):  # its first call may have traced it
                wanted = 10 * step
            elif step == wanted or not graph.chunk:
                wanted = graph.chunk = max(1, int(step * CHUNK_SECONDS / max(spent, 1e-4)))
            done += step
        predictions, scores = graph.predict()
        ask = remembering(graph.ask)  # a family asks for its pictures what it asks for its measures
        measures, pictures = settings.measures(batch, ask), recorder.pictures(ask)
        yield Closing(predictions, time.perf_counter() - started, scores, measures, pictures=pictures)
        graph.keep()
    finally:
        if recipe.table:
            graph.forget()


def trained(recipe: Recipe) -> run.Run:
    """The whole run at once, for scripts. Raises what `train` raises."""
    return run.Run.gather(recipe, data.training_batch(recipe), train(recipe))


def trace(recipe: Recipe) -> None:
    """Trace the graph of this recipe, so that a later run starts warm."""
    for _ in train(recipe.with_changes({"epochs": 1})):
        pass


def snapshot(
    settings: Settings, batch: data.PaddedBatch, first: int, measured: dict, kept: np.ndarray, output: str
) -> Snapshot:
    """Snapshot of the epochs from `first` on, from what the graph told of them. `output`: what a prediction is.

    `measured`: arrays (epoch, …) as Graph.advance tells them; kept (epoch,) int.
    """
    epochs = first + np.arange(len(measured["loss"]))
    these = np.isin(epochs, kept)
    predictions, scores = run.predicted(settings.predicts, measured["predictions"])
    with np.errstate(over="ignore"):
        input_norm = np.sqrt(np.square(measured["input_gradient"][these]).sum(axis=-1))
    return Snapshot(
        epochs=epochs,
        loss=measured["loss"],
        real_loss=measured["real_loss"] if batch.known.any() else np.full_like(measured["loss"], np.nan),
        val_loss=measured["val_loss"],
        error=run.error(settings, predictions, run.squeezed(batch.truth), batch.known, output),
        kept=epochs[these],
        gradient=run.gradient_norm(settings.predicts, measured["gradient"][these]),
        input_gradient=input_norm,
        predictions=predictions[these],
        scores=None if scores is None else scores[these],
    )


def versions() -> dict[str, str]:
    """Keras, TensorFlow and NumPy with their versions."""
    return {"keras": keras.__version__, "tensorflow": tf.__version__, "numpy": np.__version__}


@lru_cache(maxsize=GRAPHS_KEPT)
def traced(structure: Structure) -> Graph:
    """The graph of what the settings name. Raises ValueError for a pasted loss or model: that runs behind the walls."""
    if structure.pasted or structure.model:
        raise ValueError("what is pasted is trained by lessons.engine.pasted_loss and pasted_training")
    return store.graph(structure) if store else Graph(structure)


store: Store | None = None


def store_graph(recipe: Recipe) -> None:
    """Leave the graph of this recipe in the folder of this machine, unless it is there. This process keeps none."""
    if store and not store.has(recipe.structure()):
        for _ in train(recipe.with_changes({"epochs": 1}), store.graph(recipe.structure())):
            pass


def keep_graphs() -> None:
    """Take traced graphs from the folder of this machine, and leave new ones there: for workers of ours alone."""
    global store
    files = graph_files.opened()
    store = Store(files) if files else None
