"""Why a loss raises: which shapes met, at which line of the pasted text, and what would have to be otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

import keras
import numpy as np
import tensorflow as tf

from lessons.doctor.loss.subject import STATIC_BATCH, Subject, activated
from lessons.doctor.usage import TIMESTEPS, Usage
from lessons.sandbox.admission import line_of

LONGEST = 300  # letters of what a library says
LARGEST_BATCH = 512
USUAL_BATCHES = (8, 16, 32, 64, 128, 256)
NUMBERS = 200_000  # in a batch that is tried

Shape = tuple[int | None, ...]

SHAPE = re.compile(r"(?<!\w)[\[(]((?:\d+|\?|None)?(?:,? ?(?:\d+|\?|None))*,?)[\])]")
NODE = re.compile(r"\{\{[^}]*\}\}(?: = \w+\[[^\]]*\]\([^)]*\))?|\[Op:\w+\]|\[\[.*?\]\]| name: *$")
FRAMES = re.compile(
    r"Graph execution error:|Detected at node .*?\(most recent call last\):|  File \"[^\n]*\n(?:    [^\n]*)?"
)
PATH = re.compile(r"[\"'(]?(?:[A-Za-z]:)?[\\/][\w.\\/-]*\.(?:py|so)\b[^ ,]*")
DEEDS = {
    "Mul": "are multiplied",
    "Sub": "are subtracted",
    "AddV2": "are added",
    "Add": "are added",
    "RealDiv": "are divided",
    "SquaredDifference": "are subtracted",
    "MatMul": "go into a matrix product",
    "BatchMatMulV2": "go into a matrix product",
    "ConcatV2": "are joined",
    "SelectV2": "meet in a where",
    "Reshape": "meet in a reshape",
    "Split": "are split",
}


@dataclass(frozen=True)
class Crash:
    """What was found out. `shapes`: those that met, as text; `reason` and `fix`: sentences, or ""."""

    says: str
    line: int | None
    shapes: tuple[str, ...] = ()
    deed: str = ""
    reason: str = ""
    fix: str = ""


def cleaned(words: str) -> str:
    """What a library says, without its stack frames, names of nodes and paths of this machine, in up to LONGEST
    letters."""
    words = FRAMES.sub(" ", words)
    words = PATH.sub("", NODE.sub("", words)).partition("Arguments received by")[0]
    words = re.sub(r" (for|in|node) '+(?= |$)", "", " ".join(words.split())).replace(" for '' with", " with")
    return words.rstrip(".") + "." if len(words) <= LONGEST else words[: LONGEST - 1] + "…"


def about_shapes(failure: Exception) -> bool:
    """Whether tensors of other shapes might have been taken."""
    words = re.search(r"shape|rank|dimension|slice|split|unpack|\baxis\b|incompatible", str(failure), re.IGNORECASE)
    return isinstance(failure, ValueError | IndexError | tf.errors.InvalidArgumentError) and words is not None


def look(subject: Subject) -> Crash | None:
    """What happens outside a graph, where a library says most; None where the loss runs there."""
    return next(filter(None, (raised_with(subject, size) for size in (STATIC_BATCH, 1))), None)


def raised_with(subject: Subject, size: int) -> Crash | None:
    """The same with a batch of one size."""
    y, z = subject.draw(size)
    try:
        subject.eagerly(y, z)
    except Exception as failure:
        says, line = str(failure), line_of(failure)
    else:
        return None
    shapes = met(says, subject.usage, size)
    operation = re.search(r"\[Op:(\w+)\]", says)
    behind_mask = subject.usage.padding == "keras" and line is None
    if behind_mask and (returned := returns(subject, y, z)) is not None:
        shapes = named(returned, subject.usage, size), "(B, T)"
    reason, fix = cause(subject, says, shapes, size)
    deed = DEEDS.get(operation[1], "") if operation else ""
    says = SHAPE.sub(
        lambda found: named(numbers(found[1]), subject.usage, size) if found[1].strip() else found[0], says
    )
    return Crash(cleaned(says), line, shapes, "" if behind_mask else deed, reason, fix)


def returns(subject: Subject, y: np.ndarray, z: np.ndarray) -> Shape | None:
    """The shape of what the bare function returns. y and z (batch, …)."""
    bare = subject.loss.call if isinstance(subject.loss, keras.losses.Loss) else subject.loss
    try:
        value = bare(tf.constant(y), activated(subject.usage.activation, tf.constant(z)))
    except Exception:
        return None
    return tuple(np.shape(value))


def met(says: str, usage: Usage, size: int) -> tuple[str, ...]:
    """The different shapes in what a library says, as text; none where there is only one."""
    found = [named(numbers(inner), usage, size) for inner in SHAPE.findall(says) if inner.strip()]
    shapes = tuple(dict.fromkeys(found))
    return shapes[:2] if len(shapes) > 1 else ()


def numbers(inner: str) -> Shape:
    return tuple(int(word) if word.isdigit() else None for word in re.split(r"[, ]+", inner.strip(", ")))


def named(shape: Shape, usage: Usage, size: int) -> str:
    """A shape with B for the batch of `size` and T for the steps of a sequence."""
    timed = usage.shape[:1] == (TIMESTEPS,) or usage.label_shape[:1] == (TIMESTEPS,)
    words = [
        "B" if number in (size, None) else "T" if timed and number == TIMESTEPS else str(number) for number in shape
    ]
    return f"({', '.join(words)}{',' * (len(words) == 1)})"


# --- why


def cause(subject: Subject, says: str, shapes: tuple[str, ...], size: int) -> tuple[str, str]:
    """(why, what to do), found by trying it otherwise; ("", "") where nothing helped."""
    usage = subject.usage
    ranks = {shape.count(",") + (shape[-2:] != ",)") for shape in shapes}
    steps = [shape for shape in shapes if shape.startswith("(B, T")]
    if usage.padding == "keras" and runs(subject, replace(usage, padding="none"), size):
        reason = (
            "The loss gives one number per sequence, and the Keras mask says one per step: Keras multiplies the two."
        )
        return reason + silently(subject), "Return one number per step, (B, T), or leave the mask to the loss."
    if steps and any(shape in ("(B,)", "(B, 1)") for shape in shapes) and len(ranks) > 1:
        reason = "One has a number per sequence, the other a number per step, and no rule says which belong together."
        return reason + silently(subject), "Take both over the same axes, or keep the time axis with keepdims=True."
    wanted = written_in(subject, says, size)
    if wanted in (*usage.shape, *usage.label_shape):
        return (
            f"With {wanted} samples, as many as another axis is long, it runs: the batch meets that axis.",
            "Name the axes that belong together, such as tf.einsum('bi,bi->b', y_true, y_pred).",
        )
    if wanted:
        return (
            f"The batch size is written into the code: with {wanted} samples it runs, with {size} it does not. The "
            "last batch of an epoch is often smaller.",
            "Take the batch size from the tensor, tf.shape(y_pred)[0], or let a constant of shape (1, …) broadcast.",
        )
    for words, other in otherwise(usage):
        if runs(subject, other, size):
            return words
    return "", ""


def silently(subject: Subject) -> str:
    """What happens where a batch has as many samples as a sequence has steps."""
    if not subject.usage.timed or not runs(subject, subject.usage, TIMESTEPS):
        return ""
    return f" With {TIMESTEPS} samples of {TIMESTEPS} steps it runs without a word, and weighs the wrong steps."


def otherwise(usage: Usage) -> Iterable[tuple[tuple[str, str], Usage]]:
    """((why, what to do), usage): labels of another kind that the loss may have been written for."""
    columns = usage.shape[-1] if usage.shape else 1
    if usage.labels == "ids" and columns > 1:
        yield (
            (
                f"The labels are ids, and the loss wants {columns} columns, one for each class, as one-hot has.",
                "Make them one-hot, tf.one_hot(tf.cast(y_true, tf.int32), classes), or use the loss's sparse form.",
            ),
            replace(usage, labels="onehot", label_shape=usage.shape),
        )
    if usage.labels == "onehot":
        for label_shape in ((*usage.shape[:-1], 1), usage.shape[:-1]):
            yield (
                (
                    f"The labels are one-hot, with {columns} columns, and the loss wants one id in their place.",
                    "Hand it ids, np.argmax(y, axis=-1), or use the form of the loss that is not sparse.",
                ),
                replace(usage, labels="ids", label_shape=label_shape),
            )
    shape = usage.label_shape
    for other in (shape[:-1] if shape[-1:] == (1,) else (*shape, 1), usage.shape):
        if other != shape:
            yield (
                (
                    f"With labels of shape {named((STATIC_BATCH, *other), usage, STATIC_BATCH)} it runs, with "
                    f"{named((STATIC_BATCH, *shape), usage, STATIC_BATCH)} it does not.",
                    "Give labels and predictions the same shape before anything else, with tf.reshape.",
                ),
                replace(usage, label_shape=other),
            )


def runs(subject: Subject, usage: Usage, size: int) -> bool:
    """Whether it gives a value in that usage with a batch of that size."""
    try:
        other = Subject(subject.loss, usage)
        other.eagerly(*other.draw(size))
    except Exception:
        return False
    return True


def written_in(subject: Subject, says: str, size: int) -> int | None:
    """The one batch size that the loss runs with; tried are the usual ones, and what the message leads to."""
    told = {int(number) for number in re.findall(r"\d+", says) if len(number) < 7}
    per_sample = {int(np.prod(shape[i:])) for shape in (subject.usage.shape, subject.usage.label_shape) for i in (0, 1)}
    led_to = {number // part for number in told for part in per_sample if part and number % part == 0}
    tried = sorted({*USUAL_BATCHES, *told, *led_to, *subject.usage.shape} - {0, 1, size})
    room = max(1, int(np.prod(subject.usage.shape)))
    found = [n for n in tried if n <= LARGEST_BATCH and n * room <= NUMBERS and runs(subject, subject.usage, n)]
    return found[0] if len(found) == 1 else None
