"""What makes a model that writes tokens useless alone: it looks ahead, it learns to repeat, it never learns to end.

The labels, the inputs and the gradient are looked at, and what the trained model did when it was left alone.
"""

import numpy as np

from lessons.doctor.rule import Evidence
from lessons.doctor.run.remedy import remedy
from lessons.doctor.run.rules import RUN_RULES
from lessons.doctor.run.view import RunView, percent
from lessons.families.decoder import Decoder
from lessons.recipe.words import plural

ORDER = 0  # causes before what they cause
AHEAD = 1e-3  # share of what moves the loss of a step: under a causal mask it is exactly 0
REPEATS = 0.99  # of the labels are the token of their own step
SELDOM = 0.5  # of the true labels at most are: else a text repeats itself

TEXTS = Decoder(padded_labels="zero", epochs=10)
IGNORED = TEXTS.with_changes({"pad_token": "end", "mask": "labels"})


def alone(view: RunView) -> str:
    """How it did without the true text before it, in words; nothing of a run that was stopped."""
    wrong = view.run.measures.get("wrong_alone", np.nan)
    return "" if np.isnan(wrong) else f" Writing alone it gets {percent(wrong)} of the answers wrong."


@RUN_RULES.rule(
    code="causal_leak",
    severity="error",
    title="Predictions look at what comes after them",
    tried="whether the loss of a step moves when a later token is exchanged",
    why="The label of a step is the token of the next. Who may look at the next token need not predict it, and has "
    "nothing to look at when it writes.",
    fix="Mask the future: use_causal_mask=True.",
    lesson="useless_alone",
    fires_on=TEXTS.with_changes({"causal_mask": "none"}),
    silent_on=TEXTS,
)
def causal_leak(view: RunView) -> Evidence | None:
    ahead = view.run.measures.get("looks_ahead", np.nan)
    if not ahead > AHEAD:  # NaN too
        return None
    right = 1 - float(view.snapshot.error[-1])
    return Evidence(
        f"{percent(ahead)} of what moves the loss of a step stands after it. With the whole text before its eyes the "
        f"model has {percent(right)} of the next tokens right.{alone(view)}",
        {"looks_ahead": ahead, "right": right},
        epochs=(0, view.last),
        **remedy("Mask the future: use_causal_mask=True.", causal_mask="causal"),
    )


@RUN_RULES.rule(
    code="labels_not_shifted",
    severity="error",
    title="Each token is its own label",
    tried="whether the labels are the tokens of their own steps",
    why="A model that may look at a token has nothing to predict where that token is the label: copying it is the "
    "perfect answer.",
    fix="Shift the labels by one: the label of a step is the token of the next.",
    lesson="useless_alone",
    fires_on=TEXTS.with_changes({"shift": "same"}),
    silent_on=TEXTS,
)
def labels_not_shifted(view: RunView) -> Evidence | None:
    if view.settings.predicts.kind != "token" or not view.known.any():
        return None
    own = view.run.batch.x.argmax(axis=-1)  # (batch, time) the token of the step
    given, true = ((labels == own)[view.known].mean() for labels in (view.labels, view.truth))
    if given < REPEATS or true > SELDOM:
        return None
    return Evidence(
        f"{percent(given)} of the labels are the token of their own step, and {percent(true)} of the next tokens are. "
        f"The loss goes from {view.loss_from:.3g} to {view.loss_to:.3g}.{alone(view)}",
        {"given": float(given), "true": float(true)},
        epochs=(0, view.last),
        cells=view.known & (view.labels != view.truth),
        **remedy("Shift the labels by one.", shift="next"),
    )


def ends(view: RunView) -> np.ndarray:
    """(batch, time) bool: real steps whose true label is the end of the text; none where there are no texts."""
    if not isinstance(view.settings, Decoder):
        return np.zeros_like(view.real)
    return view.known & (view.truth == view.settings.end)


@RUN_RULES.rule(
    code="never_stops",
    severity="error",
    title="The end is never taught",
    tried="whether the end of a text got gradient in some epoch, and which label padding has",
    why="The end has the id of the padding, and what ignores the padding ignores that id. Nobody tells the model to "
    "stop.",
    fix="Give padding an id of its own, or take the mask from the lengths.",
    lesson="never_stops",
    fires_on=IGNORED,
    silent_on=IGNORED.with_changes({"pad_token": "own"}),
)
def never_stops(view: RunView) -> Evidence | None:
    """Only where the padded labels hold the end: what else leaves the end out is told by other rules."""
    cells = ends(view)
    padded = view.labels[view.padding] if cells.any() else np.zeros(0)
    if not padded.size or not (padded == view.labels[cells][0]).all() or not view.sound.any():
        return None
    if view.ever(cells).any() or not view.ever(view.known & ~cells).any():
        return None
    endless = view.run.measures.get("endless", np.nan)
    said = "" if np.isnan(endless) else f" Writing alone it leaves {percent(endless)} of the answers without an end."
    return Evidence(
        f"The end of the text has the id of the padding, and none of {plural(int(cells.sum()), 'end')} got gradient in "
        f"any epoch.{said}",
        {"ends": int(cells.sum())} | ({} if np.isnan(endless) else {"endless": endless}),
        cells=cells,
        **remedy("Give padding an id of its own: a pad token beside the end token.", pad_token="own"),
    )


@RUN_RULES.rule(
    code="all_ignored",
    severity="warning",
    title="A batch has no label left",
    tried="whether in some batch no label got gradient in any epoch",
    why="All that a batch holds is ignored. Keras makes 0 of it and moves on; a mean by hand divides 0 by 0.",
    fix="Take larger batches, or leave sequences out that have no label.",
    lesson="never_stops",
    fires_on=IGNORED.with_changes({"batch_size": 4, "padding_share": 0.6}),
    silent_on=TEXTS.with_changes({"batch_size": 4, "padding_share": 0.6}),
)
def all_ignored(view: RunView) -> Evidence | None:
    """Only where the other batches do teach, and no mask that is in the wrong place explains it."""
    size, updates = view.run.recipe.update_size, view.run.recipe.updates
    if updates < 2 or not view.every_step or RUN_RULES.found(view, "mask_misaligned"):
        return None
    first = view.gradients["predictions"][0]  # (batch, time), of the first epoch
    batches = [slice(k * size, (k + 1) * size) for k in range(updates)]
    if view.sound.any():
        idle = [one for one in batches if not view.ever(view.known)[one].any()]
    elif view.settings.predicts.kind != "token":  # a label of 0 is a label like others
        return None
    else:  # a mean over nothing is NaN, and what came before it in this epoch is not
        idle = [one for one in batches if (view.labels[one][view.known[one]] == 0).all()]
        broken = next((one for one in batches if not np.isfinite(first[one]).all()), None)
        idle = idle if broken in idle else []
    if not idle or len(idle) == updates:
        return None
    cells = np.zeros_like(view.real)
    for one in idle:
        cells[one] = view.real[one]
    way = remedy("Take larger batches: then every batch has labels.", batch_size=0)
    if RUN_RULES.found(view, "never_stops"):
        way = remedy("Give padding an id of its own: then every text has a label that counts.", pad_token="own")
    return Evidence(
        f"In {len(idle)} of {updates} batches no label counts: {plural(int(cells.sum()), 'real step')} of "
        f"{plural(int(cells.any(axis=1).sum()), 'sequence')}.",
        {"batches": len(idle), "of": updates},
        cells=cells,
        **way,
    )
