"""Model: a learner's own model in place of a family's. It runs behind the walls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lessons.recipe import model_data
from lessons.recipe.bad_input import BadInput
from lessons.recipe.compiled import optimizer_of
from lessons.recipe.data import Whole
from lessons.recipe.interface import Interface, PutOut
from lessons.recipe.losses import OF_CLASSES
from lessons.recipe.metrics import Metric
from lessons.recipe.model_data import Several
from lessons.recipe.weights import NOTHING, Weights
from lessons.recipe.words import plural

if TYPE_CHECKING:
    from lessons.recipe.recipe import Recipe
    from lessons.recipe.settings import Settings
    from lessons.recipe.table import Table

MOST_NUMBERS = 786_432  # of all inputs and labels of a data set
DECIDED = {  # fields that the model decides, each with what it says of them
    "output": "Your model puts out {output}.",
    "activation": "Your model ends with it.",
    **dict.fromkeys(("cell", "units", "between"), "Your model has its own layers."),
    **dict.fromkeys(("columns", "columns_are"), "Your model puts out {columns}."),
    "words": "Your model reads {inputs}.",
}


@dataclass(frozen=True)
class Model:
    """A model as text. `choice`: which of those in it is meant."""

    text: str
    choice: str
    interface: Interface
    metrics: tuple[Metric, ...] = ()  # that are measured beside the loss, when it is trained
    weights: Weights = NOTHING  # that `fit` is given

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
        if recipe.table:
            changes["columns_are"] = "classes"
        else:
            changes |= {"timesteps": interface.timesteps, "features": interface.features}
            changes |= {"task": "binary" if interface.put_out.labels == "binary" else "regression"}
        settings = settings.with_changes(changes)
        numbers = interface.numbers * settings.sequences
        if numbers > MOST_NUMBERS:
            raise BadInput(
                f"own model: its inputs and labels are {numbers:,} numbers for {settings.sequences} sequences; up to "
                f"{MOST_NUMBERS:,} are trained here."
            )
        return settings

    def generated(self, recipe: Recipe, lengths: Whole, stream: int) -> Several:
        """See model_data.generated. lengths (count,)."""
        return model_data.generated(recipe, lengths, stream)

    def padded(self, recipe: Recipe, several: Several, padded_labels: str, stream: int) -> dict[str, Any]:
        """See model_data.padded."""
        return model_data.padded(recipe, several, padded_labels, stream)

    def _meets(self, table: Table, timesteps: int) -> None:
        interface = self.interface
        if interface.words:
            raise BadInput(
                "own model: it reads ids of words; your data have numbers. It is trained on ours without them."
            )
        if interface.others:
            names = ", ".join(interface.inputs[place].name for place in interface.others)
            raise BadInput(
                f"own model: it takes {names} too; your data are one sequence for each label. It is trained on ours "
                "without them."
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
                f"own model: it puts out {interface.columns} columns; your labels are one number, and no classes."
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
        "columns_are": "classes" if interface.put_out.labels == "class" else "numbers",
    }
    if interface.words:
        fields["padded_inputs"] = "zero"
    if interface.mark is not None:  # data.py: it stands in the padded inputs, whatever that is
        fields |= {"mask": "inputs" if interface.mark == 0 else "aligned", "mask_route": "passed"}
        fields |= {"validation_mask": "same", "padded_inputs": "zero"}
    return fields


def trained_with(output: PutOut, loss: str | None) -> str:
    """The loss that the training of an output begins with, where `compile` asks for this one, if for any."""
    classes = output.labels == "class"
    if loss and classes == (loss in OF_CLASSES):
        return loss
    if classes:
        return "cross_entropy_clipped" if output.activation == "softmax" else "cross_entropy"
    return "bce_clipped" if output.activation == "sigmoid" and output.labels == "binary" else "mse"


def outset(interface: Interface, compiled: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a run with such a model begins with: as `fit(x, y)` has it, and as the text's `compile` says.

    `compiled`: see compiled.optimizer_of. What is not on offer here is left, and otherwise.py says it.
    """
    said = compiled or {}
    begins: dict[str, Any] = {"mask": "none", "padded_labels": "zero", "loss": interface.put_out.loss}
    return begins | optimizer_of(said) | decided(interface)
