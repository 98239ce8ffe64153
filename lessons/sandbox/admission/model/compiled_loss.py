"""A loss that `compile` names and that is not on offer, Keras' or the text's own, as a text to be trained itself."""

import ast
from collections.abc import Mapping
from typing import Any

from lessons.recipe.compiled import FUNCTION, own_name, plain_name, replaced
from lessons.recipe.interface import Interface
from lessons.recipe.recipe import Pasted
from lessons.sandbox.admission import Refused, admit
from lessons.sandbox.admission.compiled import needed
from lessons.sandbox.admission.vocabulary import is_loss_class, is_loss_function

FAMILY = "keras.losses."
FLAT = "with_flat_labels"


def loss_itself(interface: Interface, compiled: Mapping[str, Any] | None, model: str = "") -> Pasted | None:
    """The loss of the output that is looked at, where it is not on offer here, and one of Keras' or of the `model`'s
    own text that is admitted.

    None where one on offer is what `compile` asks for, or where its labels would be other ones than these.
    """
    asked = replaced(interface, compiled).get(interface.at)
    if name := own_name(asked):
        ids, flat = (name in ((compiled or {}).get(kind) or []) for kind in ("of_ids", "of_flat_ids"))
        classes = interface.put_out.labels == "class"
        known = ids or flat if classes else True
        return own_loss(model, str(asked).removeprefix(FUNCTION), classes and flat) if known and model else None
    text = text_of(asked) if asked else None
    if text is None or (interface.put_out.labels == "class") != plain_name(asked).startswith("sparse"):
        return None
    try:
        admit(text)
    except Refused:
        return None
    return Pasted(text)


def own_loss(model: str, meant: str, flat: bool = False) -> Pasted | None:
    """A loss that the text of a model defines, with all that it goes back to; None where it is not admitted.

    `flat`: it takes ids (batch, time), and is called by a function that takes them as (batch, time, 1).
    """
    try:
        text = ast.unparse(needed(ast.parse(model), {own_name(FUNCTION + meant)}))
        if flat:
            text += f"\n\ndef {FLAT}(y_true, y_pred):\n    return {meant}(y_true[..., 0], y_pred)\n"
            meant = FLAT
        admit(text).check(meant)
    except (Refused, SyntaxError, ValueError):
        return None
    return Pasted(text, meant)


def text_of(asked: str) -> str | None:
    """As a text in which it has its full name; None where it is no loss of Keras by name or with plain arguments."""
    try:
        node = ast.parse(asked, mode="eval").body
    except (SyntaxError, ValueError):
        return None
    called = node.func if isinstance(node, ast.Call) else node
    name = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
    if isinstance(node, ast.Call):
        plain = [*node.args, *(one.value for one in node.keywords)]
        if not is_loss_class(FAMILY + name) or not all(isinstance(one, ast.Constant) for one in plain):
            return None
        node.func = ast.parse(FAMILY + name, mode="eval").body
        return f"import keras\nmodel.compile(loss={ast.unparse(node)})"
    if not (is_loss_function(FAMILY + name) or is_loss_class(FAMILY + name)):
        return None
    return f'model.compile(loss="{name}")'
