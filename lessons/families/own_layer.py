"""Own layer: a layer as a learner writes one, which subtracts the mean over time, between two Dense layers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lessons.recipe.data import Floats, Whole
from lessons.recipe.output import Output
from lessons.recipe.recipe import mask_path
from lessons.recipe.settings import Settings
from lessons.recipe.spec import choice, whole

if TYPE_CHECKING:
    import keras

FEATURES = 2  # of a step: a value, and noise
LEVEL = 2.0  # deviation of the mean of a sequence; values deviate from it by 1
HANDS_ON = ("supports", "both", "computes")  # layers that put their mask on what comes out


@dataclass(frozen=True)
class OwnLayer(Settings):
    """The label of a step is how far its value is from the mean of its sequence."""

    layer: str = choice(
        "both",
        {
            "plain": "call(x)",
            "supports": "call(x), supports_masking = True",
            "call": "call(x, mask=None)",
            "both": "call(x, mask=None), supports_masking = True",
            "computes": "call(x, mask=None), compute_mask returns the mask",
            "forgets": "call(x, mask=None), compute_mask returns None",
        },
        "Own layer",
        "How the layer is written that subtracts the mean over time.",
        True,
    )
    units: int = whole(8, 1, 64, "Units", "Width of the Dense layers.", True, (4, 8, 16, 32))

    template: ClassVar[str] = """
{% extends "script.jinja" %}
{% block sequences %}
    values = 2.0 * rng.normal(size=(count, 1)) + rng.normal(size=(count, TIMESTEPS))
    x = np.stack([values, rng.normal(size=values.shape)], axis=-1)
    inside = np.arange(TIMESTEPS) < lengths[:, None]
    truth = (values - (values * inside).sum(axis=1, keepdims=True) / lengths[:, None])[..., None]
{% endblock %}
{% set takes = s.layer not in ("plain", "supports") %}
{% block layers %}
class Centred(layers.Layer):
    \"\"\"Subtracts the mean over time.\"\"\"

{% if s.layer in ("supports", "both") %}
    def __init__(self):
        super().__init__()
        self.supports_masking = True

{% endif %}
{% if takes %}
    def call(self, x, mask=None):
        if mask is None:
            return x - keras.ops.mean(x, axis=1, keepdims=True)
        steps = keras.ops.cast(mask, x.dtype)[..., None]
        count = keras.ops.maximum(keras.ops.sum(steps, axis=1, keepdims=True), 1.0)
        return x - keras.ops.sum(x * steps, axis=1, keepdims=True) / count
{% else %}
    def call(self, x):
        return x - keras.ops.mean(x, axis=1, keepdims=True)
{% endif %}
{% if s.layer in ("computes", "forgets") %}

    def compute_mask(self, x, mask=None):
        return {{ "mask" if s.layer == "computes" else "None" }}
{% endif %}


glorot = keras.initializers.GlorotUniform(SEED)
embed, centred = layers.Dense(UNITS, kernel_initializer=glorot), Centred()
widen, dense = layers.Dense(UNITS, "relu", kernel_initializer=glorot), layers.Dense(1, kernel_initializer=glorot)
{% if recipe.mask_path.passed %}
with_mask = layers.Lambda(lambda both: both[0], mask=lambda both, _: both[1])
{% endif %}
{% endblock %}
{% macro predictions(x, mask) %}
{% set masked = "with_mask([" + x + ", " + mask + "])" if mask else x %}
dense(widen(centred(embed({{ masked }}))))
{%- endmacro %}
"""

    @property
    def predicts(self) -> Output:
        """x (batch, time, features) gives (batch, time, 1)."""
        return Output("number", True)

    @property
    def keeps_mask(self) -> bool:
        """The layer decides."""
        return self.layer in HANDS_ON

    def generated(self, lengths: Whole, rng: np.random.Generator, noise: np.random.Generator) -> tuple[Floats, Floats]:
        """Inputs (count, timesteps, 2) and labels (count, timesteps, 1): values, and how far from their mean."""
        values = LEVEL * rng.normal(size=(len(lengths), 1)) + rng.normal(size=(len(lengths), self.timesteps))
        x = np.stack([values, rng.normal(size=values.shape)], axis=-1)
        inside = np.arange(self.timesteps) < lengths[:, None]
        mean = (values * inside).sum(axis=1, keepdims=True) / lengths[:, None]
        return x, (values - mean)[..., None]

    def build(self, features: int = FEATURES, dtype: str = "float32") -> keras.Model:
        """The mask (batch, time) is hung on the inputs. The predictions are (batch, time, 1)."""
        import keras
        from keras import layers

        drawn = {"kernel_initializer": keras.initializers.GlorotUniform(self.seed), "dtype": dtype}
        x = keras.Input((self.timesteps, features), dtype=dtype, name="x")
        mask = keras.Input((self.timesteps,), dtype="bool", name="mask")
        with_mask = layers.Lambda(lambda both: both[0], mask=lambda both, _: both[1], dtype=dtype)
        hidden = layers.Dense(self.units, **drawn)(with_mask([x, mask]))
        hidden = layers.Dense(self.units, "relu", **drawn)(own_layer(self.layer)(dtype=dtype)(hidden))
        return keras.Model([x, mask], layers.Dense(1, **drawn)(hidden))

    def idle_fields(self) -> Iterator[tuple[str, str]]:
        """The mask, where the layer neither takes it nor lets it pass to the loss."""
        if self.layer == "plain" and mask_path(self, self.mask).passed:
            yield "mask", "The own layer neither takes the mask nor lets it pass: none comes to the loss."


def own_layer(kind: str) -> type[keras.Layer]:
    """The class of the layer, as the option of that name says."""
    import keras
    from keras import ops

    class Centred(keras.layers.Layer):  # type: ignore[misc]
        """Subtracts the mean over time."""

        def call(self, x: Any) -> Any:
            return x - ops.mean(x, axis=1, keepdims=True)

    class Supports(Centred):
        """Says that the mask may pass by it."""

        def __init__(self, **more: Any):
            super().__init__(**more)
            self.supports_masking = True

    class Call(Centred):
        """Takes the mean of the steps that the mask leaves in."""

        def call(self, x: Any, mask: Any = None) -> Any:
            if mask is None:
                return super().call(x)
            steps = ops.cast(mask, x.dtype)[..., None]
            count = ops.maximum(ops.sum(steps, axis=1, keepdims=True), 1.0)
            return x - ops.sum(x * steps, axis=1, keepdims=True) / count

    class Both(Call, Supports):
        """Takes the mask, and says that it may pass."""

    class Computes(Call):
        """Takes the mask, and makes that of its output."""

        def compute_mask(self, x: Any, mask: Any = None) -> Any:
            return mask

    class Forgets(Call):
        """Takes the mask, and puts none on its output."""

        def compute_mask(self, x: Any, mask: Any = None) -> Any:
            return None

    written = {
        "plain": Centred,
        "supports": Supports,
        "call": Call,
        "both": Both,
        "computes": Computes,
        "forgets": Forgets,
    }[kind]
    written.__name__ = Centred.__name__  # as in the script: what Keras says names it
    return written
