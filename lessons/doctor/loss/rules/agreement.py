"""Whether the loss and what it is given belong together: labels that it does not look at, activations that disagree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lessons.doctor.loss.rules import LOSS_RULES
from lessons.doctor.loss.subject import Subject
from lessons.doctor.rule import Evidence, Specimen

SHIFT = 1.7  # added to all scores of a sample: a softmax does not see it
NEAR, FURTHER, FAR = 4.0, 6.0, 200.0  # scores on the right side
DECAY = (np.exp(1.5), np.exp(9.0))  # how much nearer its lowest value an exponential tail is at FURTHER than at NEAR
HELD_UP = 0.05  # by how much the declared activation keeps a right answer above the lowest value
TRIALS = 2

TWICE = """
def loss(y_true, y_pred):
    return keras.losses.binary_crossentropy(y_true, y_pred, from_logits=True)
"""
PENALTY = "def loss(y_true, y_pred):\n    return tf.reduce_mean(tf.square(y_pred), axis=-1)\n"
SQUARED = "def loss(y_true, y_pred):\n    return tf.reduce_mean(tf.square(y_true - y_pred), axis=-1)\n"


@LOSS_RULES.rule(
    code="ignores_labels",
    severity="note",
    title="The labels are not used",
    tried="other labels for the same predictions",
    why="The value and the gradient depend on the predictions alone. A penalty is meant so; of any other loss the "
    "labels were lost on the way.",
    fix="If it is meant as a penalty, nothing is to be done. Only what needs no labels was judged.",
    lesson="not_learning",
    fires_on=Specimen(PENALTY, {"task": "regression", "activation": "linear", "labels": "float"}),
    silent_on=Specimen(SQUARED),
)
def ignores_labels(subject: Subject) -> Evidence | None:
    if not subject.sampler.unused or LOSS_RULES.found(subject, "no_gradient"):
        return None
    y, z = subject.draw()
    value = subject.value(y, z)
    return Evidence(
        f"The loss is {value:.4g} with one set of labels and with any other: it does not look at them, and was "
        "judged by what needs no labels.",
        {"value": value},
    )


@LOSS_RULES.rule(
    code="wrong_activation",
    severity="error",
    title="The loss and the model's last layer disagree",
    tried="whether the loss wants probabilities or logits, and whether it is given them",
    why="A loss that applies a sigmoid or softmax itself (from_logits=True) wants plain scores, any other "
    "cross-entropy wants probabilities. Applied twice, no prediction can be sure; left out, logarithms meet numbers "
    "that are no probabilities.",
    fix="Either the last layer has the activation and the loss has from_logits=False, or the layer is linear and "
    "the loss has from_logits=True. One of the two, not both and not neither.",
    lesson="not_learning",
    fires_on=Specimen(TWICE, {"task": "binary", "activation": "sigmoid"}),
    silent_on=Specimen(TWICE, {"task": "binary", "activation": "linear"}),
)
def wrong_activation(subject: Subject) -> Evidence | None:
    usage = subject.usage
    hard = {"probabilities": "binary" if usage.task == "binary" else "onehot"}.get(usage.labels, usage.labels)
    classifies = usage.task in ("binary", "multiclass") and hard in ("binary", "onehot", "ids")
    if not classifies or len(usage.activation) > 1 or not subject.sampler.has_truth or not subject.activation_declared:
        return None
    plain = Subject(subject.loss, replace(usage, activation=("linear",), labels=hard))
    if usage.activation[0] in ("sigmoid", "softmax"):
        return twice(subject, plain) if all(wants_logits(plain) for _ in range(TRIALS)) else None
    if usage.activation == ("linear",) and all(wants_probabilities(plain) for _ in range(TRIALS)):
        return Evidence(
            "The model gives plain scores (a linear last layer), and the loss takes them for probabilities: it is "
            "only meaningful between 0 and 1, and beyond it is flat or not a number.",
            {"given": "linear", "wanted": "probabilities"},
        )
    return None


def behind_another(subject: Subject) -> str | None:
    """With which other last layer the loss would be wrong, in a sentence, where nobody said which the model has."""
    usage = subject.usage
    if subject.activation_declared or len(usage.activation) > 1:
        return None
    name = {"binary": "sigmoid", "multiclass": "softmax"}.get(usage.task)
    if name is None:
        return None
    given = (name,) if usage.activation == ("linear",) else ("linear",)
    other = Subject(subject.loss, replace(usage, activation=given))
    other.settle_rows()
    other.settle_labels()
    if not wrong_activation(other):
        return None
    if given == ("linear",):
        return (
            f"This holds if the model's last layer ends in a {name}: the loss takes probabilities. If the layer is "
            "linear, the loss gets plain scores and is wrong for them."
        )
    return (
        "This holds if the model's last layer is linear: the loss makes probabilities of plain scores itself. If the "
        f"layer ends in a {name}, that is done twice and the loss cannot come near its lowest value."
    )


def twice(subject: Subject, plain: Subject) -> Evidence | None:
    """Evidence that an activation is applied in the model and in the loss."""
    y, z = plain.draw()
    right = FAR * sides(plain, y, z)
    in_fit, by_hand, lowest = subject.value(y, right), subject.eagerly(y, right).value, plain.value(y, right)
    at_best = max(in_fit, by_hand)
    if not np.isfinite([at_best, lowest]).all() or at_best < lowest + HELD_UP:
        return None
    name = subject.usage.activation[0]
    undone = in_fit < lowest + HELD_UP
    rescued = (
        f" Inside `fit` this Keras notices that a {name} came last and takes the scores before it; nothing else does."
        if undone
        else ""
    )
    return Evidence(
        f"The model's last layer is a {name}, and the loss applies an activation once more: with every answer right "
        f"and as sure as can be it is still {at_best:.3g}; of plain scores, without that {name}, it would be "
        f"{lowest:.3g}.{rescued}",
        {"given": name, "wanted": "logits", "at_best": at_best, "lowest": lowest},
    )


def sides(plain: Subject, y, z) -> np.ndarray:
    """1 where a score should be high and -1 where low. y and z (batch, …); as z."""
    if plain.usage.labels == "ids":
        classes = z.shape[-1]
        return (2 * np.eye(classes)[y.astype(int).reshape(z.shape[:-1]) % classes] - 1).astype(np.float32)
    return np.broadcast_to(2 * y.reshape(*y.shape, *[1] * (z.ndim - y.ndim)) - 1, z.shape).astype(np.float32)


def wants_logits(plain: Subject) -> bool:
    """Whether there is a softmax inside, which does not see a shift, or a sigmoid, with its exponential tail."""
    y, z = plain.draw()
    right = sides(plain, y, z)
    near, further, far = (plain.value(y, distance * right) for distance in (NEAR, FURTHER, FAR))
    if not np.isfinite([near, further, far]).all() or not near > further >= far:
        return False
    if z.shape[-1] > 1:
        here, shifted = plain.value(y, z), plain.value(y, z + np.float32(SHIFT))
        if abs(shifted - here) < 1e-4 * (1 + abs(here)) and plain.value(y, right) > near + 1e-3:
            return True
    return further > far and DECAY[0] < (near - far) / (further - far) < DECAY[1]


def wants_probabilities(plain: Subject) -> bool:
    """Whether it falls from 0 to 1 and, beyond, is flat or not a number: so is a cross-entropy of probabilities."""
    y, z = plain.draw()
    right = sides(plain, y, z) > 0
    several = plain.usage.labels in ("onehot", "ids") and z.shape[-1] > 1
    rest = 1.0 / max(1, z.shape[-1] - 1)

    def given(p: float, others: float | None = None) -> float:
        """The loss where what is right has p: of several columns the others share the rest, or have `others`."""
        away = (1 - p) * rest if others is None else others
        return plain.value(y, np.where(right, p, away if several else 1 - p).astype(np.float32))

    inside = [given(p) for p in (0.1, 0.5, 0.9)]
    if not np.isfinite(inside).all() or not inside[0] > inside[1] > inside[2]:
        return False
    below = [given(-distance, 3.0 if several else None) for distance in (1.0, 2.0, 4.0)]
    above = given(2.0, 0.01 if several else None)
    beyond = not np.isfinite(above) or above <= inside[2]
    return beyond and (not np.isfinite(below).any() or bool(np.ptp(below) == 0 and below[0] > inside[0]))
