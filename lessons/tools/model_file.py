"""`python -m lessons examine MODEL.py`: the Keras model in a file of one's own, its x-ray and its training."""

from __future__ import annotations

import ast
import inspect
import runpy
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lessons.course.own_case import START
from lessons.recipe import weights
from lessons.recipe.bad_input import BadInput
from lessons.recipe.data import Bools, training_batch
from lessons.recipe.metrics import compiled_metrics
from lessons.recipe.model import Model, outset
from lessons.recipe.otherwise import left_out
from lessons.recipe.recipe import Pasted, Recipe
from lessons.recipe.table import Table
from lessons.recipe.words import first_line, shortened
from lessons.runs.run import Run
from lessons.sandbox.admission.model.compiled_loss import loss_itself
from lessons.sandbox.admission.model.compiling import compiled

if TYPE_CHECKING:
    import keras

    from lessons.engine.model_examination import Examination

HOW = "takes a Python file with `def build(timesteps, features)`, or with a Keras model at its top level"


def builder(path: str, x: np.ndarray | None = None) -> Callable[[], keras.Model]:
    """What builds the model of a file: it runs the file, each time anew. `x`: a batch (batch, time, features).

    It raises BadInput where the file cannot be run or holds no model.
    """
    from lessons.engine.model_batch import CLASSES, FEATURES, TIMESTEPS

    sizes = {
        "timesteps": TIMESTEPS if x is None else x.shape[1],
        "features": FEATURES if x is None else x.shape[2],
        "classes": CLASSES,
    }

    def build() -> keras.Model:
        return model_of(ran(path), sizes, path)

    return build


def ran(path: str) -> Mapping[str, Any]:
    """The names that a file defines. Raises BadInput, with its line, where it cannot be run."""
    if not Path(path).is_file():
        raise BadInput(f"examine: got “{shortened(path)}”; {HOW}.")
    try:
        return runpy.run_path(path, run_name="model")
    except Exception as failure:
        line = failure.lineno if isinstance(failure, SyntaxError) else line_in(failure, path)
        where = f", line {line}" if line else ""
        raise BadInput(f"{path}{where}: {type(failure).__name__}: {first_line(failure)}") from failure


def line_in(failure: BaseException, path: str) -> int | None:
    """The last line of the file that an exception passed through."""
    line, trace = None, failure.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def model_of(names: Mapping[str, Any], sizes: Mapping[str, int], path: str) -> keras.Model:
    """The model among the names of a file: what `build` returns, or the last one at the top level. Raises BadInput."""
    import keras

    if callable(build := names.get("build")):
        wanted = list(inspect.signature(build).parameters)
        given = {name: sizes[name] for name in wanted if name in sizes}
        try:
            model = build(**given) if len(given) == len(wanted) else build(*list(sizes.values())[: len(wanted)])
        except Exception as failure:
            raise BadInput(f"{path}, line {line_in(failure, path)}: {first_line(failure)}") from failure
    else:
        models = [value for value in names.values() if isinstance(value, keras.Model)]
        model = models[-1] if models else None
    if not isinstance(model, keras.Model):
        raise BadInput(f"examine: “{shortened(path)}” holds no model; {HOW}.")
    return model


def examined(path: str, x: np.ndarray | None = None, real: Bools | None = None) -> Examination:
    """The model in a file, looked at. Raises BadInput."""
    from lessons.engine import model_examination
    from lessons.engine.model_batch import inputs_of

    build = builder(path, x)
    try:
        return model_examination.examined(build, x, real, compiled=compiled_in(path))
    except BadInput:
        raise
    except Exception as failure:
        line = line_in(failure, path)
        where = f"{path}, line {line}" if line else path
        shapes = ", ".join(str((None, *one.shape)) for one in inputs_of(build(), x))
        raise BadInput(f"{where}: the model does not take inputs of {shapes}: {first_line(failure)}") from failure


def compiled_in(path: str) -> dict[str, Any] | None:
    """What the last `compile` in a file says; of a file that cannot be read, nothing."""
    try:
        calls = compiled(ast.parse(Path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, SyntaxError):
        return None
    return asdict(calls[-1]) if calls else None


def report(path: str, found: Examination) -> dict[str, Any]:
    """The x-ray as plain values."""
    calls = [call.to_plain() for call in found.seen.calls]
    return {
        "model": path,
        "calls": calls,
        "says": found.says,
        "model_findings": found.to_plain(),
        "untrained": found.untrained or None,
    }


def recipe_of(
    path: str,
    found: Examination,
    table: Table | None,
    loss: Pasted | None,
    changes: Mapping[str, str],
    weighed: str = weights.NONE,
) -> Recipe:
    """What is trained: the model of the file, as its `compile` and `fit` say, and over that what was set.

    `weighed`: see weights.read. Raises BadInput.
    """
    assert found.interface
    text, said = Path(path).read_text(encoding="utf-8"), compiled_in(path)
    begins, metrics = outset(found.interface, said), compiled_metrics(found.interface, said)
    settings = START.with_changes({**(table.care(START) if table else {}), **begins})
    if not loss and "loss" not in changes:
        loss = loss_itself(found.interface, said, text)
    given = weights.read(weighed, weights.class_weight_of(found.interface, said))
    return Recipe(settings, table, loss, Model(text, path, found.interface, metrics, given)).with_changes(changes)


def left_out_of(recipe: Recipe) -> list[str]:
    """Which weights are used, and what `compile` asks for and this training does otherwise: a sentence each."""
    assert recipe.model
    interface, said = recipe.model.interface, compiled_in(recipe.model.choice)
    given = recipe.model.weights.sentences(interface)
    return [*given, *left_out(interface, said, itself=recipe.pasted is not None)]


def trained(recipe: Recipe, path: str) -> Run:
    """The run of a model in a file: on this machine, where nothing is refused. Raises BadInput."""
    from lessons.engine import model_metrics
    from lessons.engine.model_graph import ModelGraph
    from lessons.engine.pasted_model import said
    from lessons.sandbox.admission import admit

    batch, pasted = training_batch(recipe), recipe.pasted
    build = builder(path, batch.x)
    try:
        loss = admit(pasted.text).build(pasted.function) if pasted else None
        graph = ModelGraph(recipe.structure(), build, recipe.settings.seed, loss, pasted.text if pasted else "")
        return Run.gather(recipe, batch, model_metrics.train(recipe, graph))
    except Exception as failure:
        line = line_in(failure, path)
        raise BadInput(f"{path}{f', line {line}' if line else ''}: {said(failure)}") from failure
