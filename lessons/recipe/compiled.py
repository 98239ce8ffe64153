"""What a text's `compile` asks of a training."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from lessons.recipe.interface import Interface, PutOut

FUNCTION = "def "  # before the name of a function of the text
OPTIMIZERS = {"adam": 1e-3, "rmsprop": 1e-3, "sgd": 1e-2}  # and their learning rates in Keras
CLIPPING = ("clipvalue", "clipnorm", "global_clipnorm")  # arguments of an optimizer that are settings here
RATES = 1e-6, 10.0  # learning rates that are trained with
CLIPS = 1e-3, 100.0  # thresholds of a clipping
NAMES = {  # of Keras' losses, without underscores -> ours
    **dict.fromkeys(("mse", "meansquarederror"), "mse"),
    **dict.fromkeys(("mae", "meanabsoluteerror"), "mae"),
    "huber": "huber",
    "logcosh": "log_cosh",
    "binarycrossentropy": "bce_clipped",
    **dict.fromkeys(("sparsecategoricalcrossentropy", "categoricalcrossentropy"), "cross_entropy_clipped"),
}
NUMBERS = {  # Keras' losses that take numbers, without underscores: labels are numbers whatever the shape suggests
    *(name for name, ours in NAMES.items() if ours in ("mse", "mae", "huber", "log_cosh")),
    *"poisson cosinesimilarity meansquaredlogarithmicerror msle meanabsolutepercentageerror mape".split(),
    *"hinge squaredhinge".split(),
}
ALIKE = ("from_logits", "name", "dtype")  # arguments of a loss that are read, or change nothing


def said_of_each(outputs: Sequence[PutOut], compiled: Mapping[str, Any]) -> list[tuple[Any, float]]:
    """The loss that `compile` names for each output, None where it names none for any, and its weight.

    An empty text: this output has none while others have. keras/src/trainers/compile_utils.py: CompileLoss.
    """
    losses = compiled.get("loss")
    if losses is None:
        return [(None, 1.0)] * len(outputs)
    each = map(number, each_weight(outputs, compiled))
    return [(of_output(losses, one, place, ""), next(each)) for place, one in enumerate(outputs)]


def of_output(said: Any, one: PutOut, place: int, missing: Any) -> Any:
    """What a list, or a dictionary by names, says of an output; one thing that is said holds for all."""
    if isinstance(said, dict):
        said = said.get(one.name)
    elif isinstance(said, list):
        said = said[place] if place < len(said) else None
    return missing if said is None else said


def number(said: Any) -> float:
    """A weight of a loss; 1 where it is no plain number."""
    return float(said) if isinstance(said, int | float) else 1.0


def plain_name(asked: Any) -> str:
    """Of a loss or metric, as `compile` has it: without its module, arguments and underscores."""
    return str(asked).partition("(")[0].rpartition(".")[2].replace("_", "").lower()


def own_name(asked: Any) -> str:
    """Of a function or class of the text that `compile` names; empty for anything else."""
    text = str(asked)
    return text.removeprefix(FUNCTION).partition("(")[0] if text.startswith(FUNCTION) else ""


def of_numbers(asked: Any) -> bool:
    """Whether it is a loss of Keras that takes numbers."""
    return plain_name(asked) in NUMBERS


def loss_of(asked: Any) -> str | None:
    """The loss on offer that `compile(loss=…)` names, by its text; None where there is none."""
    name = plain_name(asked)
    logits = "from_logits=True" in str(asked).replace(" ", "")
    if name == "binarycrossentropy" and logits:
        return "bce_from_logits"
    return "cross_entropy" if name.endswith("categoricalcrossentropy") and logits else NAMES.get(name)


def argued(asked: Any) -> bool:
    """Whether it has arguments that the loss on offer has not, or that cannot be read."""
    try:
        call = ast.parse(str(asked), mode="eval").body
    except (SyntaxError, ValueError):
        return "(" in str(asked)
    return isinstance(call, ast.Call) and bool(call.args or [one for one in call.keywords if one.arg not in ALIKE])


def replaced(interface: Interface, compiled: Mapping[str, Any] | None) -> dict[int, str]:
    """Losses that `compile` asks for and for which one on offer stands in, by the places of their outputs."""
    asked = dict(enumerate(one for one, _ in said_of_each(interface.outputs, compiled or {})))
    return {
        place: str(asked[place])
        for place in interface.trained
        if asked[place] and (loss_of(asked[place]) != interface.outputs[place].loss or argued(asked[place]))
    }


def each_weight(outputs: Sequence[PutOut], said: Mapping[str, Any]) -> list[Any]:
    """Of each output's loss, as `compile` has it; 1 where it has none."""
    given = said.get("loss_weights")
    return [of_output(given, one, place, 1.0) for place, one in enumerate(outputs)]


def optimizer_of(compiled: Mapping[str, Any]) -> dict[str, Any]:
    """Optimizer, learning rate and clipping that `compile` asks for, as settings; what is not on offer is left out."""
    name = str(compiled.get("optimizer")).lower()
    if name not in OPTIMIZERS:
        return {}
    low, high = RATES
    rate = compiled.get("learning_rate") or OPTIMIZERS[name]
    return {"optimizer": name, "learning_rate": min(max(rate, low), high)} | clipping_of(compiled)


def clipping_of(compiled: Mapping[str, Any]) -> dict[str, Any]:
    """One clipping, where the optimizer is given one that is on offer."""
    given = {name: value for name, value in (compiled.get("arguments") or {}).items() if name in CLIPPING}
    for name, value in given.items():
        if len(given) == 1 and isinstance(value, int | float) and CLIPS[0] <= value <= CLIPS[1]:
            return {"clipping": name, "clip_at": float(value)}
    return {}
