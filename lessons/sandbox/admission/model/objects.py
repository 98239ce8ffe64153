"""Layers and models for pasted code: it calls the real ones, and of nothing else of them does it get hold.

`self` of a class of the text is a record around a real Layer or Model of ours, on which only the methods in HOOKS are
the text's. Weights and layers that it keeps are put on the real one under names of ours, so that Keras trains them.
"""

import inspect
from collections.abc import Callable
from functools import partial
from types import FunctionType
from typing import Any

from lessons.sandbox.admission import guards, loss_class, vocabulary
from lessons.sandbox.admission.loss_class import Made, Maker, Members, Record
from lessons.sandbox.admission.model import layers
from lessons.sandbox.admission.model.arguments import check, check_value, checked
from lessons.sandbox.admission.model.names import MODELS
from lessons.sandbox.admission.model.weights import refuse, running_line

HOOKS = ("build", "call", "compute_mask", "compute_output_shape")
# What Keras asks an object of the text for, and of which type it may be.
EXPOSED: dict[str, tuple[type, ...]] = {
    "supports_masking": (bool,),
    "trainable": (bool,),
    "state_size": (int, list, tuple),
    "output_size": (int, list, tuple),
}
SETTABLE = ("trainable", "supports_masking")
_ATTRIBUTES = "name trainable dtype compute_dtype built supports_masking input output losses"
_VARIABLES = "weights embeddings kernel bias trainable_weights non_trainable_weights trainable_variables variables"
_METHODS = "build call compute_mask compute_output_shape add_loss count_params get_weights set_weights"
_OF_MODELS = "add pop layers get_layer inputs outputs"
READABLE = frozenset(f"{_ATTRIBUTES} {_VARIABLES} {_METHODS} {_OF_MODELS} add_weight".split())
_OF_LAYERS = READABLE - frozenset(_OF_MODELS.split())
OF_A_LAYER = "of a layer only what describes and builds it is read, such as .name, .output, .compute_mask and .weights"
_TEXT = 200  # letters that a text put together may have


def make(path: str, function: Any, *args: Any, **kwargs: Any) -> Any:
    """A layer, a model, an initializer … of our tables. Raises Refused, and what Keras raises."""
    name = path.rpartition(".")[2]
    if name in MODELS or name == "Input":
        if name == "Model":
            return _model(function, args, kwargs)
        takes = layers.SEQUENTIAL if name == "Sequential" else layers.INPUT
    elif name in layers.LAYERS:
        takes = layers.LAYERS[name] | layers.COMMON
    elif name in layers.MERGES:
        takes = layers.MERGES[name] | {"inputs", "name", "x1", "x2"}
    else:
        takes = frozenset(inspect.signature(function).parameters)
    checked(name, function, takes, args, kwargs)
    made = function(*args, **kwargs)
    if name in layers.LAYERS:
        object.__setattr__(made, "line_made", running_line())
    return made


def identified(kind: str, function: Any, identifier: Any) -> Any:
    """`initializers.get(…)` and its like. Raises Refused for what is not in our tables."""
    check(f"{kind}s.get", kind, identifier)
    return function(identifier)


def line_made(layer: Any) -> int | None:
    """The line of the text that made a layer, where one did."""
    return vars(layer).get("line_made")


def _model(function: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    """keras.Model(inputs, outputs): tensors, in lists or by name."""
    for argument, value in (*zip(("inputs", "outputs", "name"), args, strict=False), *kwargs.items()):
        if argument not in layers.MODEL:
            refuse(f"Model with `{argument}`", "it takes inputs, outputs and name")
        by_name = type(value) is dict and argument in ("inputs", "outputs")
        for one in value.values() if by_name else [value]:
            check(f"Model({argument}=…)", argument, one)
    return function(*args, **kwargs)


class LayerRecord(Record):
    """`self` of a class of the text that inherits from a layer or a model."""

    def __getitem__(self, name: str) -> Any:
        if name in self._fields or name in self._members:
            return super().__getitem__(name)
        if name not in READABLE:
            refuse(f"`self.{name}` of {self._name}"[:100], f"the class has no such field, and {OF_A_LAYER}")
        return read(name, self._object)

    def __setitem__(self, name: str, value: object) -> None:
        real: Any = self._object
        if name in EXPOSED:
            setattr(real, name, exposed(name, value, f"self.{name}"))
        elif is_state(value):
            setattr(real, f"own_{name}", value)
            value = getattr(real, f"own_{name}")  # Keras follows what is put into the lists that it gives back
        super().__setitem__(name, value)


def exposed(name: str, value: object, written: str) -> object:
    """A value that Keras asks an object of the text for. Raises Refused for one of another type."""
    if not isinstance(value, EXPOSED[name]):
        refuse(f"`{written} = …`", f"it is {' or '.join(kind.__name__ for kind in EXPOSED[name])}")
    check_value(written, value)
    return value


def is_state(value: object) -> bool:
    """Whether it can hold weights, or what numbers are drawn with: then Keras has to know of it."""
    import keras

    return isinstance(value, keras.layers.Layer | keras.Variable | keras.random.SeedGenerator | list | dict)


def read(name: str, value: Any) -> Any:
    """`value.name`, of a layer or model what is in the table, else as for a loss.

    Raises Refused, and AttributeError.
    """
    import keras

    if not isinstance(value, keras.layers.Layer):
        return guards.read(name, value)
    allowed = READABLE if isinstance(value, keras.Model) else _OF_LAYERS
    if name not in allowed:
        refuse(f"`.{name}` of {type(value).__name__}"[:100], OF_A_LAYER)
    found = getattr(value, name)
    return partial(_add_weight, found) if name == "add_weight" else found


def _add_weight(function: Callable, *args: Any, **kwargs: Any) -> Any:
    checked("add_weight", function, layers.ADDED_WEIGHT, args, kwargs)
    return function(*args, **kwargs)


def field(name: str, value: Any) -> Any:
    """`value.name`, for a name that a class of the text defines. Raises Refused, and AttributeError."""
    if isinstance(value, Made):
        value = value.record
    return value[name] if isinstance(value, Record | Maker) else read(name, value)


def put(name: str, layer: Any, value: object) -> None:
    """`layer.trainable = False`. Raises Refused for what is no layer, or no truth value."""
    import keras

    if not isinstance(layer, keras.layers.Layer) or not isinstance(value, bool):
        refuse(f"`… .{name} = …`", "it is True or False, of a layer or a model")
    setattr(layer, name, value)


def text(*parts: object) -> str:
    """A text put together from short texts and numbers, for names of layers. Raises Refused."""
    if not all(type(part) in (str, int, float, bool) for part in parts):
        refuse("text put together", "texts and numbers only")
    joined = "".join(map(str, parts))
    if len(joined) > _TEXT:
        refuse("text put together", f"up to {_TEXT} letters")
    return joined


def initialise(record: Record, *args: object, **kwargs: object) -> None:
    """`super().__init__(…)`. Raises Refused, and what Keras raises."""
    real: Any = record._object
    if not isinstance(record, LayerRecord):
        loss_class.initialise(record, *args, **kwargs)
        return
    base: Any = type(real).__mro__[2]  # behind the class itself and Made
    takes = layers.LAYERS.get(base.__name__, frozenset()) | layers.COMMON | {"activity_regularizer"}
    checked(f"super().{'_' * 2}init{'_' * 2}", partial(base.__init__, real), takes, args, kwargs)
    base.__init__(real, *args, **kwargs)


def inherited(record: Record, name: str, *args: object, **kwargs: object) -> object:
    """`super().call(…)` and the like. Raises AttributeError in a plain class."""
    if not isinstance(record, LayerRecord):
        return loss_class.inherited(record, name, *args, **kwargs)
    return getattr(type(record._object).__mro__[2], name)(record._object, *args, **kwargs)


def layer_class(name: str, members: Members, path: str) -> Maker:
    """A maker of a real subclass of Keras' class `path` whose HOOKS, and what is EXPOSED, are the pasted ones."""
    base: Any = vocabulary.resolve(path)
    hooks = {hook: _hook(hook, members[hook]) for hook in HOOKS if hook in members}
    plain = {one: exposed(one, members[one], one) for one in EXPOSED if one in members}
    made: Any = type(name, (Made, base), hooks | plain)

    def make(*args: object, **kwargs: object) -> object:
        layer = made.__new__(made)
        object.__setattr__(layer, "line_made", running_line())
        record = LayerRecord(name, members, layer)
        object.__setattr__(layer, "record", record)  # past Keras, which would look into it
        members.get("__init__", initialise)(record, *args, **kwargs)
        return layer

    return Maker(members, make)


def _hook(name: str, function: object) -> Callable:
    """The method of the real class, with the parameters of the text's: Keras hands `mask` to who takes it."""
    if not isinstance(function, FunctionType):
        refuse(f"`{name}` in a class", "write it as a method with `self`")

    def hook(self: Any, *args: Any, **kwargs: Any) -> Any:
        return self.record[name](*args, **kwargs)

    hook.__name__ = name
    hook.__wrapped__ = function  # type: ignore[attr-defined]  # where `inspect` finds its parameters
    return hook


NAMESPACE: dict[str, object] = {
    **{f"<read {name}>": partial(read, name) for name in READABLE | guards.READABLE},
    "<layer class>": layer_class,
    "<field>": field,
    "<super>": initialise,
    "<inherited>": inherited,
    "<put>": put,
    "<text>": text,
}
