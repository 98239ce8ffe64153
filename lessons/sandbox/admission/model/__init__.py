"""The first wall before a pasted Keras model: its text is read, checked, rewritten and built.

`admit_model` loads no library. `AdmittedModel.build` does, and runs the text: call it in a walled process only.
"""

import ast
from functools import partial
from typing import Any

from lessons.sandbox.admission import grammar, guards, loss_class, screening, vocabulary, written
from lessons.sandbox.admission.model import needed, objects, text
from lessons.sandbox.admission.model.compiling import Compiled
from lessons.sandbox.admission.model.names import MODEL, makes_model
from lessons.sandbox.admission.model.rewriting import ModelRewriter
from lessons.sandbox.admission.model.weights import MODEL_FILENAME, MOST_WEIGHTS, counted
from lessons.sandbox.admission.refusal import Refused

__all__ = ["MODEL_FILENAME", "MOST_WEIGHTS", "AdmittedModel", "Compiled", "admit_model", "counted"]

_FAMILIES = ("layers", "initializers", "regularizers", "constraints")


def admit_model(source: str) -> "AdmittedModel":
    """The text, ready to be built. Raises Refused if no model is in it, or anything that a model has no need of."""
    tree = screening.parse(source)
    found = text.read(tree, source)
    grammar.check(found.needed.tree)
    rewriter = ModelRewriter()
    tree = rewriter.module(found.needed.tree)
    return AdmittedModel(source, tree, rewriter, found)


class AdmittedModel:
    """The text of a model that passed the wall. `candidates` can be meant, `default` is meant when nothing is said.

    `compiled` is what its `compile` says; `steps` are its own training steps, as text, which are not run.
    """

    def __init__(self, source: str, tree: ast.Module, rewriter: ModelRewriter, found: text.ModelText):
        self.source = source
        self.candidates = tuple(found.kinds)
        self.default = found.default
        self.compiled = found.compiled
        self.steps = found.steps
        self._tree, self._rewriter, self._found = tree, rewriter, found

    def build(self, timesteps: int, features: int, classes: int | None = None, choice: str | None = None) -> Any:
        """Runs the text and returns a `keras.Model` for sequences of (timesteps, features).

        What has no Input of its own is built when it is called: do that inside `counted()`, which bounds its weights.
        Raises Refused, and what Keras and the text raise.
        """
        import keras

        name = self.default if choice is None else choice
        if name not in self.candidates:
            raise Refused(f"{name[:60]} is no model in this text: the choices are {', '.join(self.candidates)}")
        sizes = needed.sizes_of(timesteps, features, classes or 1)
        with counted():
            namespace = self._names(sizes, timesteps, features, classes)
            exec(compile(self._tree, MODEL_FILENAME, "exec", dont_inherit=True), namespace)
            model = self._made(name, namespace[name], sizes, (timesteps, features, classes or 1))
            if self._found.kinds[name] == text.LAYER:
                inputs = keras.Input((timesteps, features))
                model = keras.Model(inputs, model(inputs))
        if not isinstance(model, keras.Model):
            raise Refused(f"{name} gives {_said(model)}, and no keras.Model: return the model")
        return model

    def _made(self, name: str, value: Any, sizes: dict[str, int], order: tuple[int, ...]) -> Any:
        """The value of a choice: what it is, or what it makes of the sizes."""
        if self._found.kinds[name] == text.VALUE:
            return value
        lacks = self._found.parameters[name]
        known = {parameter: sizes[parameter] for parameter in lacks if parameter in sizes}
        if len(known) < len(lacks):
            if name != "build" or len(lacks) > len(order):
                missing = next(parameter for parameter in lacks if parameter not in sizes)
                raise Refused(f"{name} needs `{missing}`: give it a default, or add a line such as `model = {name}(…)`")
            known = dict(zip(lacks, order, strict=False))
        return value(**known)

    def _names(self, sizes: dict[str, int], timesteps: int, features: int, classes: int | None) -> dict[str, Any]:
        """The namespace of the text: our guards, the built-ins, its libraries' functions, and what stands for sizes."""
        import numpy as np

        names = {"__builtins__": {}, **vocabulary.BUILTINS, **guards.NAMESPACE, **loss_class.NAMESPACE}
        names |= objects.NAMESPACE
        names |= {name: sizes[name] for name in self._found.needed.sizes}
        for name in self._found.needed.data:
            names[name] = np.zeros(needed.shape_of_data(name, timesteps, features, classes or 1), "float32")
        for path, line in self._rewriter.uses.items():
            names[path] = _bound(path, line)
        return names


def _bound(path: str, line: int) -> Any:
    """What stands behind a dotted name in the text of a model. Raises Refused for what is not in the table."""
    try:
        value = written.guarded(path, vocabulary.resolve(written.INSTEAD.get(path, path)), line)
    except AttributeError:
        raise Refused(f"{path}: the installed version does not have it", line) from None
    if not MODEL.is_allowed(path):
        raise Refused(f"{path}: it is not among the layers and functions that a model may have here", line)
    family, _, name = path.rpartition(".")
    if vocabulary.is_loss_class(path):
        return partial(loss_class.plain_arguments, value)
    if name == "get":
        return partial(objects.identified, family.rpartition(".")[2].removesuffix("s"), value)
    ours = family.rpartition(".")[2] in _FAMILIES
    made = ours or makes_model(path) or name in ("Input", "SeedGenerator")
    return partial(objects.make, path, value) if made else value


def _said(value: Any) -> str:
    return "nothing" if value is None else f"an object of type {type(value).__name__[:40]}"
