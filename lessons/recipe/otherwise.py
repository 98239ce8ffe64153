"""What a text's `compile` and `fit` ask for and a training here does otherwise: a sentence each, none left unsaid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lessons.recipe import losses, metrics, weights
from lessons.recipe.compiled import (
    FUNCTION,
    OPTIMIZERS,
    argued,
    clipping_of,
    each_weight,
    loss_of,
    optimizer_of,
    replaced,
)  # fmt: skip
from lessons.recipe.interface import Interface, PutOut

DEFAULTS = {  # of the arguments of the optimizers that are on offer
    **{"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "rho": 0.9, "momentum": 0.0, "weight_decay": None},
    **dict.fromkeys(("amsgrad", "nesterov", "centered", "use_ema"), False),
}


def left_out(interface: Interface, compiled: Mapping[str, Any] | None, itself: bool) -> Iterator[str]:
    """What is asked for and done otherwise, and why.

    `itself`: the output that is looked at is trained with the very loss of the text.
    """
    said = compiled or {}
    if said and said.get("loss") is None:
        yield without_a_loss(interface)
    for place, asked in replaced(interface, said).items():
        if place != interface.at or not itself:
            yield loss_left_out(interface.outputs[place], asked, place == interface.at)
    for one, weight in zip(interface.outputs, each_weight(interface.outputs, said), strict=True):
        if not isinstance(weight, int | float) and one.labels:
            yield f"The loss of {one.name or 'the output'} counts once: its weight {weight} is no plain number."
    yield from weights.left_out(interface, said)
    yield from optimizer_left_out(said)
    yield from metrics_left_out(interface, said)
    if callbacks := said.get("callbacks"):
        names = callbacks if isinstance(callbacks, str) else ", ".join(map(str, callbacks))
        yield f"The callbacks of your fit are not called: {names}."


def without_a_loss(interface: Interface) -> str:
    """What is trained where `compile` names no loss."""
    if not interface.put_out.weight:
        return (
            "compile names no loss: trained with what your layers add (add_loss), as fit does. At the predictions "
            "there is a gradient only where that is made of them."
        )
    trained = ", ".join(f"“{losses.label(interface.outputs[place].loss)}”" for place in interface.trained)
    return f"compile names no loss: trained with {trained}."


def loss_left_out(one: PutOut, asked: str, looked_at: bool) -> str:
    """Which loss an output is trained with in place of the one that is asked for, and why."""
    known = loss_of(asked)
    name = asked.removeprefix(FUNCTION)
    if asked.startswith(FUNCTION):
        way = "give it" if looked_at else "look at this output and give it"
        why = f"{name} of your text is not taken from there; {way} as a loss of your own"
    elif known in losses.OF_CLASSES and one.labels != "class":
        why = f"{name} takes classes, and this output has {'one column' if one.columns == 1 else 'other labels'}"
    elif known == one.loss:
        why = f"the arguments of {name} are not on offer here"
    else:
        why = f"{name} is not on offer here"
    return f"The loss of {one.name or 'the output'} is “{losses.label(one.loss)}”: {why}."


def optimizer_left_out(said: Mapping[str, Any]) -> Iterator[str]:
    """Of the optimizer, its learning rate, and what else it is given."""
    optimizer = said.get("optimizer")
    if not optimizer:
        return
    if optimizer.lower() not in OPTIMIZERS:
        yield f"The optimizer is Adam: {optimizer} is not on offer here."
        return
    used, rate = optimizer_of(said)["learning_rate"], said.get("learning_rate")
    given = dict(said.get("arguments") or {})
    asked = given.pop("learning_rate", rate)
    if asked is not None and asked != used:
        why = "is not on offer here" if rate is None else "is more, or less, than is trained with here"
        yield f"The learning rate is {used:g} throughout: {asked} {why}."
    taken = clipping_of(said).get("clipping")
    rest = [
        f"{name}={value}"
        for name, value in given.items()
        if name not in (taken, "name") and not (name in DEFAULTS and value == DEFAULTS[name])
    ]
    if rest:
        yield f"{optimizer} is used without {', '.join(rest)}: not on offer here."


def metrics_left_out(interface: Interface, said: Mapping[str, Any]) -> Iterator[str]:
    """Metrics that are measured otherwise, or not at all."""
    for key in ("metrics", "weighted_metrics"):
        for at, asked in metrics.said_of_outputs(said.get(key), interface):
            out, name = interface.outputs[at], str(asked).removeprefix(FUNCTION)
            known = out.labels and metrics.metric_of(asked, out.labels)
            if str(asked).startswith(FUNCTION):
                yield f"The metric {name} of your text is not measured: those of Keras are, with plain names."
            elif not known:
                yield f"The metric {name} is not measured: it is not on offer for what {out.name or 'the output'} is."
            elif argued(asked) or "from_logits=True" in name.replace(" ", ""):
                yield f"The metric {known} is measured with its defaults: the arguments of {name} are not on offer."
