"""The usages that fit what was declared of a loss and what its graph tells, the likeliest first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lessons.doctor.loss.traced import NOTHING, Hints
from lessons.doctor.usage import TIMESTEPS, Usage

TASKS_OF_LABELS = {
    "binary": ("binary",),
    "onehot": ("multiclass",),
    "ids": ("multiclass",),
    "probabilities": ("regression", "multiclass"),
}
TASKS_OF_ACTIVATION = {
    "sigmoid": ("binary", "regression"),
    "softmax": ("multiclass",),
    "softplus": ("regression",),
    "linear": ("regression", "binary", "multiclass"),
}
KINDS = {  # task -> (activation, labels), the most usual first
    "regression": (
        ("linear", "float"),
        ("linear", "nonnegative"),
        ("softplus", "nonnegative"),
        ("sigmoid", "probabilities"),
    ),
    "binary": (("sigmoid", "binary"), ("linear", "binary")),
    "multiclass": (("softmax", "onehot"), ("linear", "onehot"), ("softmax", "ids"), ("linear", "ids")),
    "distance": (("linear", "binary"),),
    "embedding": (("linear", "ids"),),
    "ranking": (("linear", "nonnegative"),),
    "survival": (("linear", "nonnegative"),),
    "transcript": (("linear", "ids"),),
}
SHAPES = {
    "multiclass": ((4,), (TIMESTEPS, 4), (8, 8, 4)),
    "embedding": ((8,),),
    "ranking": ((6,), (1,)),
    "survival": ((1,),),
    "transcript": ((TIMESTEPS, 5),),
    "other": ((1,), (4,), (2,), (3,), (TIMESTEPS, 1), (TIMESTEPS, 4), (8, 8, 1), (8, 8, 3)),
}
OF_RELATED: dict[str | None, list[tuple[int, ...]]] = {  # task -> shapes of its labels
    "embedding": [(1,), ()],
    "survival": [(2,), (1,)],
    "transcript": [(3,)],
}


def completions(declared: Usage, told: Hints = NOTHING) -> Iterator[Usage]:
    """Every usage that fits what was declared and what the graph tells, the likeliest first."""
    for task in likely_tasks(declared, told):
        for shape in likely_shapes(declared, task, told):
            for activation, labels in likely_kinds(declared, task, shape, told):
                for label_shape in likely_label_shapes(declared, task, shape, labels, told):
                    yield replace(
                        declared,
                        task=task,
                        shape=shape,
                        activation=activation,
                        labels=labels,
                        label_shape=label_shape,
                    )


def likely_tasks(declared: Usage, told: Hints) -> tuple[str, ...]:
    """The tasks that fit both. Where nothing was declared, what the graph does with the labels decides the order."""
    found = tasks(declared)
    if not told.traced or len(found) < 3:
        return found
    if told.ids:
        return ("multiclass",)
    if told.alike or told.partners or (told.views and told.vector):
        return ("embedding",)
    if told.ordered:  # times beside events, or grades of what is to be put in order
        return ("survival",) if told.label_columns == 2 else ("ranking",)
    if told.woven or (told.folded and told.listed):
        return ("regression",)
    if told.sharing and told.columns in (None, told.label_columns, told.folded):
        return ("multiclass", "regression") if told.folded else ("multiclass",)
    if told.flags:
        found = "binary", "distance", "multiclass"
    elif told.shares and told.vector:
        return ("multiclass",)
    elif told.rank == 4:
        found = "binary", "regression", "multiclass"
    fewer = told.label_columns in (None, 1) or (told.columns or 0) > told.label_columns
    heads = told.columns and told.columns > 1 and fewer and not told.flags
    odd = ("binary", "multiclass") if heads and told.several else ("binary",) if heads else ()  # parts mean two things
    return tuple(task for task in found if task not in odd and (task != "multiclass" or told.vector))


def likely_shapes(declared: Usage, task: str, told: Hints) -> tuple[tuple[int, ...], ...]:
    """The shapes that fit both, those that slices and constants speak of first."""
    found = shapes(declared, task)
    if declared.shape is not None or declared.labels == "boxes" or len(found) == 1 or task == "ranking":
        return found
    if in_groups(task, told):
        return ((1,),)
    columns = told.columns or (told.classes if told.ids else None)
    if columns is None and told.label_columns and told.label_columns > 1:
        columns = 1 if told.first else told.label_columns
    if columns:
        widths = (columns, 3 * columns) if told.several and columns > 1 else (columns,)
        if told.vector:  # a sum over the columns of a part: it has several
            widths = widths[::-1]
        found = tuple(shape for width in widths for shape in ((width,), (TIMESTEPS, width)))
        return (*found, (8, 8, columns)) if told.rank == 4 else found
    if told.rank in (3, 4):
        axes = told.rank - 1
        found = tuple(sorted(found, key=lambda shape: len(shape) != axes))
    if told.vector:
        several = tuple(shape for shape in found if shape[-1] > 1)
        found = (*several, *(shape for shape in found if shape[-1] == 1))
    return found


def in_groups(task: str, told: Hints) -> bool:
    """Whether some rows of the batch make a group, one of them the right one: they are woven, or are laid out as one
    row of which a softmax is taken."""
    return task == "regression" and bool(told.woven or (told.folded and (told.sharing or told.listed)))


def likely_kinds(declared: Usage, task: str, shape: tuple[int, ...], told: Hints) -> list[tuple[tuple[str, ...], str]]:
    """(activation, labels) that fit both: ids only where labels pick, shares where they stand in a logarithm."""
    found = kinds(declared, task)
    if declared.labels or declared.activation or not told.traced:
        return found
    if told.partners:
        return [(("linear",), "float")]
    if in_groups(task, told):
        return [(("linear",), "float" if told.listed or not told.vector else "binary")]
    if task == "multiclass":
        found = [kind for kind in found if (kind[1] == "ids") == told.ids] or found
        if told.shares:
            found = [(("softmax",), "probabilities"), *found]
    if task == "regression" and told.boxes:
        return [(("linear",), "boxes")]
    if task == "regression" and told.columns == 2 and told.label_columns in (None, 1) and shape[-1] == 2:
        found = [found[0], (("linear", "softplus"), "float"), *found[1:]]
    return found


def likely_label_shapes(
    declared: Usage, task: str, shape: tuple[int, ...], labels: str, told: Hints
) -> list[tuple[int, ...]]:
    """The shapes of labels that fit both: where only predictions are taken apart, one label for all their columns."""
    if declared.label_shape is not None or labels in ("ids", "boxes", "onehot") or not told.traced:
        found = label_shapes(declared, task, shape, labels)
        one_less = told.label_rank is not None and told.label_rank < told.rank  # only so it could be traced
        return sorted(found, key=len) if labels == "ids" and one_less else found
    if in_groups(task, told) or told.partners:
        return [shape]
    if told.pooled and task in ("regression", "binary") and len(shape) == 2 and shape[-1] > 1:  # Keras drops a last 1
        return [shape[1:]]
    if told.label_columns:
        return [(*shape[:-1], told.label_columns)]
    if told.columns and shape[-1] > 1 and declared.shape is None:
        return [(*shape[:-1], 1), shape]
    return label_shapes(declared, task, shape, labels)


def tasks(declared: Usage) -> tuple[str, ...]:
    """The tasks that fit what was declared, the likeliest first."""
    if declared.task:
        return (declared.task,)
    fitting = TASKS_OF_LABELS.get(declared.labels, ("regression",)) if declared.labels else ()
    if declared.activation:
        of_activation = TASKS_OF_ACTIVATION[declared.activation[0]]
        if len(declared.activation) > 1:
            of_activation = ("regression",)
        return tuple(task for task in of_activation if task in fitting or not fitting) or of_activation[:1]
    return fitting or ("regression", "binary", "multiclass")


def kinds(declared: Usage, task: str) -> list[tuple[tuple[str, ...], str]]:
    """(activation, labels) that go with the task and with what was declared."""
    if task == "distance":
        return [(declared.activation or ("linear",), declared.labels or "binary")]
    found = [
        (declared.activation or (activation,), declared.labels or labels)
        for activation, labels in KINDS[task]
        if declared.labels in (None, labels) or declared.labels not in dict(KINDS[task][::-1]).values()
        if declared.activation in (None, (activation,)) or declared.labels is None
    ]
    if declared.activation and not declared.labels:
        usual = [labels for activation, labels in KINDS[task] if (activation,) == declared.activation]
        found = [(declared.activation, labels) for labels in usual or ["float"]]
    if declared.activation and declared.labels:
        found = [(declared.activation, declared.labels)]
    if declared.task is None and declared.activation is None and len(found) > 1:  # a cross-entropy is binary first
        found = [kind for kind in found if kind != (("sigmoid",), "probabilities")]
    return list(dict.fromkeys(found)) or [(declared.activation or ("linear",), declared.labels or "float")]


def shapes(declared: Usage, task: str) -> tuple[tuple[int, ...], ...]:
    """Shapes of a prediction, the batch axis left out, that fit what was declared, the likeliest first."""
    if declared.shape is not None:
        return (declared.shape,)
    if declared.labels == "boxes":
        return ((4,),)
    if declared.activation and len(declared.activation) > 1:
        return ((len(declared.activation),),)
    if len(declared.label_kinds) > 1:
        return ((len(declared.label_kinds),),)
    offered = SHAPES.get(task, SHAPES["other"])
    if declared.padding not in (None, "none"):
        offered = tuple(sorted(offered, key=lambda shape: shape[0] != TIMESTEPS))
    return offered


def label_shapes(declared: Usage, task: str, shape: tuple[int, ...], labels: str) -> list[tuple[int, ...]]:
    """Shapes of the labels, the batch axis left out, that go with a prediction of that shape."""
    if declared.label_shape is not None:
        return [declared.label_shape]
    if task in OF_RELATED:  # in each a label says something about its sample, not about a column
        return OF_RELATED[task]
    if len(declared.label_kinds) > 1:
        return [(*shape[:-1], len(declared.label_kinds))]
    if labels == "ids" and shape and shape[-1] > 1:
        return [(*shape[:-1], 1), shape[:-1]]
    heads = declared.activation and len(declared.activation) > 1
    if declared.shape is None and shape in ((2,), (3,)):
        return [(1,), shape]
    return [(*shape[:-1], 1), shape] if heads else [shape]
