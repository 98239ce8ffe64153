"""One traced graph per structure that trains as `model.fit` does: real layers, loss wrapper and optimizer."""

import warnings
from collections.abc import Callable
from functools import cached_property

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework import ops  # it has no public name

from lessons.engine import grappler, xray
from lessons.engine.models import build_loss, build_optimizer, draws
from lessons.recipe import data, losses
from lessons.recipe.bad_input import BadInput
from lessons.recipe.recipe import MaskPath, Recipe, Structure, mask_path
from lessons.recipe.settings import Settings
from lessons.recipe.words import first_line
from lessons.runs import run
from lessons.runs.run import LayerMask

UNMASKABLE = (
    "loss: a mask (batch, time) does not fit what it returns, and `fit` fails here too. Return a value per step: take "
    "the mean over the columns, axis=-1."
)
LEARNING_RATE = 1  # its place among an optimizer's variables; keras/src/optimizers/base_optimizer.py: __init__


def drop_gradients() -> None:
    """Let go of the graphs that were traced and dropped: 12 MB each.

    Keras' optimizers go through tf.custom_gradient, which TensorFlow registers for good, and the graph with it
    (tensorflow issue 97697). Nobody takes the gradient of an update.
    """
    registry = ops.gradient_registry._registry
    for name in [name for name in registry if name.startswith("CustomGradient-")]:
        del registry[name]


class Graph:
    """A model with its traced training loop. Everything a run sets is set by `start`, so runs leave nothing behind."""

    chunk = 0  # epochs that it trains in about train.CHUNK_SECONDS; 0 until that was measured
    reported: tuple[str, ...] = ("loss", "real_loss", "val_loss", "predictions", "gradient", "input_gradient")

    def __init__(self, structure: Structure, loss: Callable | None = None, source: str = ""):
        """`loss`, `source`: another loss than the settings name, and its text."""
        drop_gradients()
        self._describe(structure, loss)
        settings = structure.settings
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = self.model
        self.warnings = tuple(dict.fromkeys(str(w.message) for w in caught if issubclass(w.category, UserWarning)))
        self.source = source or losses.source(settings.loss)
        name = getattr(loss, "__name__", "your loss") if loss else settings.loss.rpartition(".")[2]
        row = xray.loss_row(self.loss, name, model.outputs[0], settings.sequences, self.puts_out)
        self.layers = (*xray.layers_of(model), row)
        shape = (settings.sequences, *model.outputs[0].shape[1:])
        unranked = not self.puts_out.ranked  # else the highest score is the answer, whatever the scores are
        self.output = run.output_of(self.puts_out, unranked and xray.takes_logits(self.loss, shape))
        self.weights, self.slots = [*model.weights], [*self.optimizer.variables]
        self.initial, self.draws = model.get_weights(), draws(model)
        self.traces = 0
        self.unmaskable: ValueError | None = None  # what Keras says of a mask beside the loss, where it refuses one
        train_part, val_part, *numbers = self.arguments
        self._advance = tf.function(self._epochs, (train_part, val_part, *numbers), autograph=False)
        weights = getattr(model, "attention", None) if settings.pictured else None
        self.attending = None if weights is None else keras.Model(model.inputs, [model.outputs[0], weights])
        self._predict = tf.function(self._predictions, (train_part,), autograph=False)

    def _describe(self, structure: Structure, loss: Callable | None = None) -> None:
        """All of it that needs no model."""
        settings = structure.settings
        self.structure, self.own, self.batched = structure, structure.own, settings.batched
        self.weighted = mask_path(settings, settings.mask).weighted
        self.loss, self.puts_out = build_loss(settings, loss), settings.predicts
        self.usual = not (loss or structure.model)  # what is pasted may hold anything: grappler does all it can

    @property
    def arguments(self) -> tuple:
        """Of the loop: training data, validation data, sequences in an update, epochs."""
        *counts, features = self.structure.extent
        number = tf.TensorSpec((), tf.int32)
        return (*(signature(self.structure.settings, count, features) for count in counts), number, number)

    @cached_property
    def built(self) -> tuple[keras.Model, keras.optimizers.Optimizer]:
        """The model, and its optimizer."""
        return self._built(self.structure.settings, self.structure.extent[2])

    @property
    def model(self) -> keras.Model:
        return self.built[0]

    @property
    def optimizer(self) -> keras.optimizers.Optimizer:
        return self.built[1]

    def _built(self, settings: Settings, features: int) -> tuple[keras.Model, keras.optimizers.Optimizer]:
        model, optimizer = settings.build(features), build_optimizer(settings)
        optimizer.build(model.trainable_variables)
        return model, optimizer

    def start(self, recipe: Recipe, batch: data.PaddedBatch, validation: data.PaddedBatch) -> None:
        """Fresh weights, empty optimizer slots, this run's data."""
        self._fresh(recipe.settings)
        self.train_part = arguments(batch, recipe.mask_path)
        self.val_part = arguments(validation, recipe.validation_mask_path)
        self.batch_size = tf.constant(recipe.update_size)

    def forget(self) -> None:
        """Let go of this run's data."""
        self.train_part = self.val_part = None

    def _fresh(self, settings: Settings) -> None:
        for variable, value in zip(self.weights, self.initial, strict=True):
            variable.assign(value)
        for draw in self.draws:
            self.weights[draw.place].assign(draw.value(settings.seed))
        for variable in self.slots:
            variable.assign(tf.zeros(variable.shape, variable.dtype))
        self.slots[LEARNING_RATE].assign(settings.learning_rate)

    def keep(self) -> None:
        """Called after a run: of most graphs nothing is kept beyond their process."""

    def advance(self, epochs: int) -> dict[str, np.ndarray]:
        """Train that many epochs more. Arrays with a leading epoch axis.

        Predictions and gradients are (epoch, batch, …). After keras/src/backend/tensorflow/trainer.py: fit. Raises
        BadInput where Keras refuses the mask that this run passes.
        """
        try:
            with grappler.quickly(self.usual):
                measured = self._advance(self.train_part, self.val_part, self.batch_size, tf.constant(epochs))
        except tf.errors.InvalidArgumentError:
            if self.unmaskable is None:
                raise
            said = first_line(self.unmaskable).partition(" for '")[0]  # then the name of an operation
            raise BadInput(f"{UNMASKABLE} Keras says: {said}") from None
        return {name: value.numpy() for name, value in measured.items()}

    def predict(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Predictions (batch, time) and scores (batch, time, class) of the model as it is now.

        Scores are None where there are no classes.
        """
        return run.predicted(self.puts_out, self._put_out(self.train_part)[0].numpy())

    def attention(self) -> np.ndarray | None:
        """Weights (batch, head, query, key) of the attention of the model as it is now; None where it has none."""
        _, *weights = self._put_out(self.train_part)
        return weights[0].numpy() if weights else None

    def ask(self, x: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """What the model as it is now puts out for other inputs (batch, time, features) and another mask (batch, time).

        Both of the shape of the training data; the mask is not told where this run passes none.
        """
        part = {**self.train_part, "x": tf.constant(x), "gate": tf.ones_like(self.train_part["gate"])}
        if part["masked"]:
            part["mask"] = tf.constant(mask)
        return self._put_out(part)[0].numpy()

    def _put_out(self, part) -> list[tf.Tensor]:
        """What `_predictions` returns for these data."""
        with grappler.quickly(self.usual):
            return self._predict(part)

    def xray(self) -> tuple[LayerMask, ...]:
        """Where the mask of this run goes, layer by layer."""
        return self.layers if self.train_part["masked"] else xray.without_mask(self.layers)

    def _call(self, given, training):
        return self.model(given, training=training)

    def _predictions(self, part):
        """What the model puts out, and the weights of its attention where it has one."""
        if self.attending:
            return self.attending(self._given(part), training=False)
        return [self._call(self._given(part), training=False)]

    def _given(self, part):
        """What the model is called with: [x (batch, time, features), mask (batch, time)]."""
        return inputs(part)

    def _epochs(self, part, val_part, batch_size, epochs):
        self.traces += 1
        measured = {name: tf.TensorArray(tf.float32, epochs) for name in self.reported}

        def epoch(k, measured):
            one = self._epoch(part, val_part, batch_size)
            return k + 1, {name: measured[name].write(k, one[name]) for name in measured}

        _, measured = tf.while_loop(lambda k, _: k < epochs, epoch, (0, measured))
        return {name: array.stack() for name, array in measured.items()}

    def _epoch(self, part, val_part, batch_size):
        """What is told of one epoch."""
        return self._train_epoch(part, batch_size) | {"val_loss": self._evaluate(val_part, batch_size)}

    def _train_epoch(self, part, batch_size):
        """One pass over the data in order. The loss is fit's: the mean over batches, weighted by their size."""
        if not self.batched:  # static shapes take two thirds of the time
            return self._train_step(part)
        sequences = tf.shape(part["x"])[0]
        batches = (sequences + batch_size - 1) // batch_size
        sums = {"loss": tf.constant(0.0), "real_loss": tf.constant(0.0), "known": tf.constant(0.0)}
        put_out = self.model.outputs[0]
        parts = {
            name: tf.TensorArray(tf.float32, batches, infer_shape=False, element_shape=(None, *like.shape[1:]))
            for name, like in (("predictions", put_out), ("gradient", put_out), ("input_gradient", self._read(part)))
        }

        def step(k, sums, parts):
            piece = batch_of(part, k, batch_size)
            one = self._train_step(piece)
            size = tf.cast(tf.shape(piece["x"])[0], tf.float32)
            known = tf.where(tf.reduce_any(piece["known"]), size, 0.0) if self.own else size  # no label has no say
            sums = {
                "loss": sums["loss"] + one["loss"] * size,
                "real_loss": sums["real_loss"] + tf.math.multiply_no_nan(one["real_loss"], known),
                "known": sums["known"] + known,
            }
            return k + 1, sums, {name: parts[name].write(k, one[name]) for name in parts}

        _, sums, parts = tf.while_loop(lambda k, *_: k < batches, step, (0, sums, parts), maximum_iterations=batches)
        losses = {"loss": sums["loss"] / tf.cast(sequences, tf.float32), "real_loss": sums["real_loss"] / sums["known"]}
        return losses | {name: parts[name].concat() for name in parts}

    def _train_step(self, part):
        """keras/src/backend/tensorflow/trainer.py: train_step, with the gradients at predictions and inputs besides."""
        with tf.GradientTape() as tape:
            tape.watch(part["x"])
            predictions = self._call(self._given(part), training=True)
            loss = self._loss(part, predictions)
        weights, read = self.model.trainable_variables, self._read(part)
        at_predictions, at_inputs, *gradients = tape.gradient(
            loss, [predictions, read, *weights], unconnected_gradients=tf.UnconnectedGradients.NONE
        )
        self.optimizer.apply(gradients, weights)
        if fused(predictions):
            at_predictions = self._at_copy(part, predictions)
        return {
            "loss": loss,
            "real_loss": self._real_loss(part, predictions),
            "predictions": predictions,
            "gradient": or_zeros(at_predictions, predictions),
            "input_gradient": or_zeros(at_inputs, read),
        }

    def _read(self, part):
        """What the model reads, (batch, time, …): the gradient at the inputs is taken there."""
        return part["x"]

    def _at_copy(self, part, predictions):
        """The gradient of the loss at a copy of the predictions, of which Keras cannot tell where it comes from."""
        copied = tf.identity(predictions)
        if (mask := getattr(predictions, "_keras_mask", None)) is not None:
            copied._keras_mask = mask
        with tf.GradientTape() as tape:
            tape.watch(copied)
            loss = self._loss(part, copied)
        return tape.gradient(loss, copied)

    def _loss(self, part, predictions):
        """The loss as compile() computes it."""
        return self._compared(self.loss, part["y"], predictions, part)

    def _compared(self, loss, y, predictions, part):
        """A loss of predictions (batch, …) beside labels, as a scalar; without a mask where none was passed."""
        weight = self._weight(y, part)

        def with_mask():
            try:
                return tf.cast(loss(y, predictions, weight), tf.float32)
            except ValueError as failure:  # a run that passes no mask is traced with this too
                self.unmaskable = failure
                return never()

        def without_mask():
            return tf.cast(loss(y, tf.identity(predictions), weight), tf.float32)

        if getattr(predictions, "_keras_mask", None) is None:
            return with_mask()
        return tf.cond(part["masked"], with_mask, without_mask)

    def _weight(self, y, part):
        """The sample_weight of labels (batch, …, columns): (batch, time), or None."""
        steps = part["weight"].shape[1]
        return part["weight"] if self.weighted and tuple(y.shape[1:-1]) == (steps,) else None

    def _real_loss(self, part, predictions):
        """The same loss against the true labels that are known, laid out as one long sequence (1, steps, columns)."""
        if not self.puts_out.per_step:
            truth, real = part["truth"], tf.identity(predictions)
            if self.own:
                truth, real = (tf.boolean_mask(a, part["known"][:, 0]) for a in (truth, real))
        else:
            truth, real = (tf.boolean_mask(a, part["known"])[None] for a in (part["truth"], predictions))
        return tf.cast(self.loss(truth, real), tf.float32)

    def _evaluate(self, part, batch_size):
        """evaluate()'s loss: the mean over batches, weighted by their size."""
        if not self.batched:
            return self._loss(part, self._call(self._given(part), training=False))
        sequences = tf.shape(part["x"])[0]

        def step(start, total):
            piece = batch_of(part, start // batch_size, batch_size)
            value = self._loss(piece, self._call(self._given(piece), training=False))
            return start + batch_size, total + value * tf.cast(tf.shape(piece["x"])[0], tf.float32)

        _, total = tf.while_loop(lambda start, _: start < sequences, step, (0, 0.0))
        return total / tf.cast(sequences, tf.float32)


def signature(settings: Settings, count: int, features: int) -> dict[str, tf.TensorSpec]:
    """The arguments of the graph for a data set of `count` sequences.

    x (count, time, features), y and truth (count, time, columns) or (count, columns); the rest (count, time).
    """
    steps = (count, settings.timesteps)
    predicted = steps if settings.predicts.per_step else (count,)
    label = (*predicted, settings.predicts.label_width)
    floats = {"x": (*steps, features), "y": label, "truth": label, "gate": (*steps, 1), "weight": steps}
    flags = {"mask": steps, "known": steps if settings.predicts.per_step else (count, 1), "masked": ()}
    return {name: tf.TensorSpec(shape, tf.float32) for name, shape in floats.items()} | {
        name: tf.TensorSpec(shape, tf.bool) for name, shape in flags.items()
    }


def arguments(batch: data.PaddedBatch, path: MaskPath) -> dict[str, tf.Tensor]:
    """The values of `signature`'s arguments. `gate` multiplies the inputs: by the mask where that is what is done.

    Their shapes are those of `signature`.
    """
    steps = batch.mask.astype("float32")
    return {
        "x": tf.constant(batch.x),
        "y": tf.constant(batch.y),
        "truth": tf.constant(batch.truth),
        "known": tf.constant(batch.known),
        "mask": tf.constant(batch.mask if path.passed else np.ones_like(batch.mask)),
        "masked": tf.constant(path.passed),
        "gate": tf.constant((steps if path.multiplied else np.ones_like(steps))[..., None]),
        "weight": tf.constant(steps),
    }


def inputs(part) -> list:
    """x (batch, time, features) times the gate, and mask (batch, time): what the model is called with."""
    return [part["x"] * part["gate"], part["mask"]]


def batch_of(part, k, batch_size):
    """The k-th batch of a data set, in order.

    Tensors (sequence, …) give (batch_size, …); the last batch has what is left.
    """
    return {
        name: value if name == "masked" else value[k * batch_size : (k + 1) * batch_size]
        for name, value in part.items()
    }


def never():
    """A scalar that cannot be had: a run that asks for it fails."""
    with tf.control_dependencies([tf.debugging.Assert(False, [0])]):
        return tf.constant(0.0)


def fused(predictions) -> bool:
    """Whether Keras' cross-entropies would take the logits behind these predictions (…), past the predictions.

    keras/src/backend/tensorflow/nn.py: _get_logits. Then no gradient arrives at them.
    """
    made_by = getattr(getattr(predictions, "op", None), "type", "")
    return hasattr(predictions, "_keras_logits") or made_by in ("Sigmoid", "Softmax")


def or_zeros(gradient, like):
    """The gradient, or zeros in the shape (…) of `like` where there is none."""
    return tf.zeros_like(like) if gradient is None else gradient
