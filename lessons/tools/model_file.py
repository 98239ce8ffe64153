"""`python -m lessons examine MODEL.py`: the Keras model in a file of one's own, and its x-ray on a padded batch."""

from __future__ import annotations

import inspect
import runpy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lessons.recipe.bad_input import BadInput
from lessons.recipe.data import Bools
from lessons.recipe.words import first_line, shortened

if TYPE_CHECKING:
    import keras

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


def examined(path: str, x: np.ndarray | None = None, real: Bools | None = None) -> Any:
    """The x-ray (lessons.engine.mask_xray.XRay) of the model in a file. Raises BadInput."""
    import keras

    from lessons.engine.mask_xray import xray
    from lessons.engine.model_batch import batch_for

    build = builder(path, x)
    batch, steps = batch_for(build(), x, real)
    keras.utils.clear_session()  # layers are numbered by how many there were
    try:
        return xray(build, batch, steps)
    except BadInput:
        raise
    except Exception as failure:
        line = line_in(failure, path)
        where = f"{path}, line {line}" if line else path
        shapes = ", ".join(str(one.shape) for one in (batch if isinstance(batch, list) else [batch]))
        raise BadInput(f"{where}: the model does not take inputs of {shapes}: {first_line(failure)}") from failure


def report(path: str, seen: Any) -> dict[str, Any]:
    """The x-ray as plain values."""
    return {"model": path, "calls": [call.to_plain() for call in seen.calls], "says": seen.says}
