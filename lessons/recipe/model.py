"""Model: a learner's own model in place of a family's, and what was measured of it. It runs behind the walls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lessons.recipe.bad_input import BadInput
from lessons.recipe.losses import OF_CLASSES
from lessons.recipe.words import plural

if TYPE_CHECKING:
    from lessons.recipe.recipe import Recipe
    from lessons.recipe.settings import Settings
    from lessons.recipe.table import Table

PADDED = {0.0: "zero", -1.0: "minus_one"}  # what a Masking layer looks for -> what padded inputs hold
DECIDED = {  # fields that the model decides, each with what it says of them
    "output": "Your model puts out {output}.",
    "activation": "Your model ends with it.",
    **dict.fromkeys(("cell", "units", "between"), "Your model has its own layers."),
    "columns": "Your model puts out {columns}.",
    "words": "Your model reads {inputs}.",
}


OPTIMIZERS = {"adam": 1e-3, "rmsprop": 1e-3, "sgd": 1e-2}  # and their learning rates in Keras
NAMES = {  # of Keras' losses, without underscores -> ours
    **dict.fromkeys(("mse", "meansquarederror"), "mse"),
    **dict.fromkeys(("mae", "meanabsoluteerror"), "mae"),
    "huber": "huber",
    "logcosh": "log_cosh",
    "binarycrossentropy": "bce_clipped",
    "sparsecategoricalcrossentropy": "cross_entropy_clipped",
}


@dataclass(frozen=True)
class Interface:
    """What goes into a model and what comes out, measured on a batch."""

    timesteps: int  # of a sequence, and
    features: int  # of a step, in that batch; 1 where the model reads ids
    words: int  # ids that it knows; 0 where it reads numbers
    per_step: bool  # whether there is a prediction for each step
    columns: int  # of the last axis of what it puts out
    activation: str  # of its last layer, by Keras' name
    mark: float | None  # what stands in padded inputs for the model to make a mask of; None: it makes none
    given: bool = False  # whether a second input takes the mask, (batch, time) bool
    output: str = ""  # which of several it is, by name or place; empty: the only one
    hears_training: bool = True  # whether `fit` tells it of training: its `call` takes that


@dataclass(frozen=True)
class Model:
    """A model as text. `choice`: which of those in it is meant."""

    text: str
    choice: str
    interface: Interface

    def fit(self, recipe: Recipe) -> Settings:
        """The settings of a recipe with what the model decides.

        Raises BadInput where model and data do not go together.
        """
        interface, settings = self.interface, recipe.settings
        if not settings.takes_model:
            raise BadInput("own model: got one; this lesson’s own is trained here. “Your case” takes it.")
        if recipe.table:
            self._meets(recipe.table, settings.timesteps)
        changes = decided(interface) | {"columns": interface.columns, "words": interface.words}
        if not recipe.table:
            changes |= {"timesteps": interface.timesteps, "features": interface.features}
            changes |= {"task": "binary" if interface.activation == "sigmoid" else "regression"}
        return settings.with_changes(changes)

    def _meets(self, table: Table, timesteps: int) -> None:
        interface = self.interface
        if interface.words:
            raise BadInput(
                "own model: it reads ids of words; your data have numbers. It is trained on ours without them."
            )
        if (interface.timesteps, interface.features) != (timesteps, table.features):
            raise BadInput(
                f"own model: it was looked at with {plural(interface.timesteps, 'step')} of "
                f"{plural(interface.features, 'feature')}; your data have {timesteps} of {table.features}. Look at "
                "it again."
            )
        if table.task == "classes" and interface.columns < len(table.classes):
            raise BadInput(
                f"own model: it puts out {plural(interface.columns, 'column')}; your labels have {len(table.classes)} "
                "classes, and each needs one."
            )
        if table.task == "regression" and interface.columns > 1:
            raise BadInput(
                f"own model: it puts out {interface.columns} columns, as for classes; your labels are numbers."
            )

    def idle(self, table: Table | None) -> dict[str, str]:
        """The fields that the model decides, each with the reason."""
        interface = self.interface
        said = {
            "output": f"one prediction per {'step' if interface.per_step else 'sequence'}",
            "columns": plural(interface.columns, "column"),
            "inputs": f"ids below {interface.words}" if interface.words else "numbers",
        }
        reasons = {name: text.format(**said) for name, text in DECIDED.items()}
        if not table:
            reasons |= dict.fromkeys(("timesteps", "features"), "Your model takes so many.")
            reasons["task"] = "It follows from your model’s last layer."
        if interface.mark is not None:
            makes = "Your model makes its mask of the inputs."
            reasons |= dict.fromkeys(("mask", "mask_route", "mask_shift", "padded_inputs", "validation_mask"), makes)
        if interface.words:
            reasons["padded_inputs"] = "Your model reads ids: 0 is padding."
        return reasons


def decided(interface: Interface) -> dict[str, Any]:
    """Fields that such a model decides, and to what."""
    fields = {
        "output": "every_step" if interface.per_step else "last_step",
        "activation": "sigmoid" if interface.activation == "sigmoid" else "linear",
    }
    if interface.words:
        fields["padded_inputs"] = "zero"
    if interface.mark is not None:
        mask = {
            "mask": "inputs" if interface.mark == 0 else "aligned",
            "mask_route": "passed",
            "validation_mask": "same",
        }
        fields |= mask | {"padded_inputs": PADDED[interface.mark]}
    return fields


def outset(interface: Interface, compiled: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a run with such a model begins with: as `fit(x, y)` has it, and as the text's `compile` says.

    `compiled`: loss, optimizer and learning_rate as the text has them. What is not on offer here is left.
    """
    said = compiled or {}
    loss = {"softmax": "cross_entropy_clipped", "sigmoid": "bce_clipped"}.get(interface.activation)
    asked = loss_of(said.get("loss"))
    if asked in OF_CLASSES if interface.columns > 1 else asked and asked not in OF_CLASSES:
        loss = asked
    begins: dict[str, Any] = {
        "mask": "none",
        "padded_labels": "zero",
        "loss": loss or ("cross_entropy" if interface.columns > 1 else "mse"),
    }
    if (optimizer := str(said.get("optimizer")).lower()) in OPTIMIZERS:
        rate = said.get("learning_rate") or OPTIMIZERS[optimizer]
        begins |= {"optimizer": optimizer, "learning_rate": min(max(rate, 1e-6), 10.0)}
    return begins | decided(interface)


def loss_of(said: Any) -> str | None:
    """The loss on offer that `compile(loss=…)` names, by its text; None where there is none."""
    text = str(said)
    name = text.partition("(")[0].rpartition(".")[2].replace("_", "").lower()
    logits = "from_logits=True" in text.replace(" ", "")
    if name == "binarycrossentropy" and logits:
        return "bce_from_logits"
    return "cross_entropy" if name == "sparsecategoricalcrossentropy" and logits else NAMES.get(name)
