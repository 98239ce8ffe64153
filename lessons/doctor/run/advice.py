"""What to try next: one toggle at a time. On an ill run one that shows more of what is wrong, on a healthy one that
breaks it."""

from collections.abc import Collection, Iterator, Sequence

import numpy as np

from lessons.doctor.run.finding import Finding
from lessons.doctor.run.next_step import NextStep, few
from lessons.doctor.run.toggles import (
    Toggle,
    below,
    binary_steps,
    faster,
    first_padded,
    halves,
    held,
    labelled,
    masked_labels,
    masked_padding,
    missing,
    one_label,
    other_seed,
    other_shift,
    set_to,
    slower,
)
from lessons.doctor.run.view import RunView
from lessons.runs.run import Run

HELD_BY_ALL = 1e-4  # an epsilon that even float16 can hold beside a small number
ROOTS = ("first_iteration.root_of_square",)  # losses whose slope at error 0 is 0/0 without an epsilon


def next_steps(run: Run, findings: Sequence[Finding], fields: Collection[str]) -> tuple[NextStep, ...]:
    """At most three, of fields that the lesson shows, other fields before other values. `findings`: of `diagnose`."""
    view = RunView(run)
    toggles = [toggle for finding in findings for toggle in EXPLORE[finding.code]] if findings else BREAK
    return few(possible(view, toggles, fields)) or few(repairs(findings, fields))


def possible(view: RunView, toggles: Sequence[Toggle], fields: Collection[str]) -> Iterator[NextStep]:
    """The steps that change something on this run."""
    recipe = view.run.recipe
    with np.errstate(all="ignore"):
        there = [toggle for toggle in toggles if toggle.field in fields and toggle.field in recipe.settings.specs()]
        fitting = [toggle for toggle in there if (toggle.of_any or not view.ranked) and toggle.fits(view)]
    for step in (toggle.step(view) for toggle in fitting):
        changed = recipe.with_changes({step.field: step.value})
        if changed != recipe and step.field not in changed.idle():
            yield step


def repairs(findings: Sequence[Finding], fields: Collection[str]) -> Iterator[NextStep]:
    """The fixes that are a single toggle."""
    for finding in findings:
        if len(finding.changes) == 1:
            ((field, value),) = finding.changes.items()
            if field in fields:
                yield NextStep(field, value, finding.fix)


# --- on an ill run: what shows more of it

MORE_PADDING = below("padding_share", 0.8)
ZEROS = Toggle(
    "padded_labels",
    "zero",
    "With zeros in the padded labels the loss curve looks harmless: look where the gradient lies.",
    held("zero"),
)
HUGE = Toggle(
    "padded_labels",
    "garbage",
    "With huge padded labels nothing stays hidden: look at the loss beside the one on real steps.",
    held("garbage"),
)
LUCK = Toggle("seed", other_seed, "Other data and other first weights: see whether it was luck.")
SLOWER = Toggle("learning_rate", slower, "Smaller steps: see whether it still happens, and when.")
FASTER = Toggle("learning_rate", faster, "Larger steps: see whether the error leaves the dotted line.")
CLIPPED = Toggle(
    "clipping", "global_clipnorm", "Clipped gradients: look whether the error gets better, or only the curve."
)

EXPLORE: dict[str, tuple[Toggle, ...]] = {
    "non_finite": (
        Toggle(
            "nan_fill", "mean", "Missing labels filled: the loss is a number. Look whose labels it learns.", missing
        ),
        Toggle(
            "epsilon",
            HELD_BY_ALL,
            "A larger epsilon: see whether it removes the NaN or puts it off.",
            below("epsilon", HELD_BY_ALL),
        ),
        Toggle("loss_dtype", "float32", "More digits in the loss: see when the NaN comes now.", halves),
        Toggle("padding", "post", "Padding behind the steps: see whether the outputs there are still 0.", first_padded),
        Toggle("clipping", "global_clipnorm", "Clipped gradients: see whether a NaN can be clipped."),
        SLOWER,
    ),
    "mask_misaligned": (
        Toggle(
            "mask_shift",
            other_shift,
            "Shifted the other way: one way padding gets gradient, the other way real steps get none.",
            set_to("mask", "shifted"),
        ),
        Toggle("mask", "shifted", "A mask that is only a little off: look how much the curves tell you."),
        ZEROS,
        HUGE,
    ),
    "mask_dropped": (
        Toggle("between", "dense", "A layer that hands the mask on: look at the gradient on padding."),
        Toggle("sample_weight", "besides", "The mask as a weight too: it goes through no layer.", masked_labels),
        ZEROS,
        Toggle(
            "padding", "pre", "Zeros before the first step: see whether a state of 0 moves through them.", one_label
        ),
    ),
    "mask_unused": (
        Toggle("layer", "call", "A layer that takes the mask and hands none on: look at the predictions."),
        Toggle("padded_inputs", "random", "Other inputs on padding: see how far real steps move."),
        ZEROS,
    ),
    "row_without_keys": (
        Toggle("masked_score", "1e9", "A large number in place of −inf: look what a row of them becomes."),
        Toggle("attention_mask", "keys", "The keys alone masked: look whether every query has a key."),
        Toggle("padding", "post", "Padding behind the steps: look whether every step can see one.", first_padded),
    ),
    "causal_leak": (
        Toggle("counted", "answer", "The answer alone counts: see whether it still learns to look ahead."),
        LUCK,
    ),
    "labels_not_shifted": (
        Toggle("causal_mask", "none", "No causal mask either: the loss cannot tell you."),
        LUCK,
    ),
    "never_stops": (
        Toggle("mask", "aligned", "A mask from the lengths: look at the gradient at the last step of each text."),
        Toggle("batch_size", 1, "One text in a batch: some have nothing left to learn from."),
    ),
    "all_ignored": (
        Toggle("batch_size", 8, "Larger batches: see whether one is still empty.", below("batch_size", 8)),
    ),
    "attends_to_padding": (
        Toggle("attention_mask", "queries", "Only the queries masked: look at the gradient on padded inputs."),
        Toggle("attention_mask", "none", "No attention mask: see how much the mask at the loss can do alone."),
        Toggle("padded_inputs", "zero", "Zeros in the padded inputs: see what a model can learn to look past."),
        Toggle(
            "padding_share", 0.8, "More padding: look at its share of the gradient, and at the error.", MORE_PADDING
        ),
    ),
    "padding_pooled": (
        Toggle("pooling", "average_all", "An average in place of the maximum: see how much of it is padding."),
        Toggle("attention_mask", "none", "No attention mask either: look at the error."),
        Toggle(
            "padding_share", 0.8, "More padding: look at its share of the gradient, and at the error.", MORE_PADDING
        ),
    ),
    "gradient_on_padding": (
        Toggle(
            "loss",
            "mask_reading_mse",
            "One number for the batch, from a loss that reads the mask itself: look at the gradient on padding.",
            masked_labels,
        ),
        ZEROS,
        HUGE,
        Toggle("padding", "pre", "Padding before the first step: look how much of the gradient it gets.", one_label),
        Toggle("padding", "post", "Padding behind the steps: see what the state forgets.", one_label),
        Toggle(
            "padding_share", 0.8, "More padding: look at its share of the gradient, and at the error.", MORE_PADDING
        ),
    ),
    "starved_steps": (
        Toggle(
            "task",
            "regression",
            "Labels that are hardly ever exactly 0: see which steps are left out now.",
            set_to("loss", "label_masked_mse"),
        ),
        Toggle("loss", "mae", "A loss with a slope at every step: look at the predictions.", labelled),
        LUCK,
    ),
    "looks_fine_but_wrong": (HUGE, LUCK),
    "imputed_labels": (
        Toggle("nan_fill", "garbage", "A huge filling in place of a modest one: it counts just as much."),
        Toggle(
            "nan_share",
            0.5,
            "More labels missing: look at the loss beside the one on real steps.",
            below("nan_share", 0.5),
        ),
    ),
    "wrong_normalisation": (
        Toggle("padding_share", 0.5, "Another share of padding: the loss moves, the one on real steps does not."),
        Toggle(
            "optimizer", "adam", "Adam divides each gradient by its own size: see whether learning is still slower."
        ),
        Toggle("reduction", "sum", "No divisor at all: look at both loss curves, and at the steps it takes."),
    ),
    "validation_unmasked": (
        Toggle("validation_labels", "zero", "Zeros in the padded validation labels: see how plausible the curve gets."),
        Toggle("validation_labels", "garbage", "Huge padded validation labels: see what the curve is about."),
        Toggle("padding_share", 0.8, "More padding: look how far the validation loss moves.", MORE_PADDING),
    ),
    "exploding": (
        SLOWER,
        CLIPPED,
        Toggle("epsilon", 1e-2, "A larger epsilon: look at the largest gradient.", below("epsilon", 1e-2)),
    ),
    "vanishing": (
        SLOWER,
        Toggle("activation", "linear", "An output that is flat nowhere: look at wrong predictions."),
        LUCK,
    ),
    "collapsed_predictions": (SLOWER, LUCK),
    "no_learning": (
        Toggle(
            "task",
            "regression",
            "Labels that depend on the inputs: the same settings, and the error.",
            set_to("task", "noise"),
        ),
        FASTER,
        Toggle("epochs", 200, "More epochs: see whether the error leaves the dotted line.", below("epochs", 200)),
    ),
}

# --- on a healthy run: what breaks it

BREAK: tuple[Toggle, ...] = (
    Toggle("layer", "supports", "A layer that hands the mask on and takes none: look at the inputs.", masked_padding),
    Toggle("causal_mask", "none", "No causal mask: look at the loss, and what it writes alone."),
    Toggle("shift", "same", "Labels that are not shifted: look at the loss, and what it writes alone."),
    Toggle(
        "pad_token",
        "end",
        "Padding and end with one id: look whether it stops.",
        lambda view: set_to("mask", "labels")(view) or view.settings.loss.startswith("never_stops."),
    ),
    Toggle(
        "attention_mask",
        "inverted",
        "The attention mask the other way round: look at the error, and at the gradient on padded inputs.",
        masked_padding,
    ),
    Toggle(
        "validation_mask",
        "none",
        "Validation without a mask: training stays as it is. Look at the validation loss.",
        masked_padding,
    ),
    Toggle(
        "sample_weight",
        "instead",
        "The same mask as a weight: compare the loss with the one on real steps.",
        lambda view: masked_labels(view) and set_to("reduction", "sum_over_batch_size")(view),
    ),
    Toggle(
        "epsilon",
        0,
        "No epsilon: the first loss is the same. Look at its gradient.",
        lambda view: (
            view.settings.loss in ROOTS
            and first_padded(view)
            and masked_labels(view)
            and view.settings.padded_labels == "zero"
        ),
    ),
    Toggle(
        "nan_fill",
        "mean",
        "Missing labels filled before training: look whether they get gradient.",
        lambda view: missing(view) and view.settings.loss == "nan_labels.where_inside",
    ),
    Toggle(
        "loss",
        "mse",
        "A loss that does not ask which labels are missing.",
        lambda view: np.isnan(view.labels).any(),
    ),
    Toggle(
        "between",
        "times_one",
        "One multiplication by 1 between the layers: see what becomes of the mask.",
        masked_labels,
    ),
    Toggle(
        "loss",
        "label_masked_mse",
        "A mask made from the labels, where 0 is a label: look at the answers.",
        lambda view: binary_steps(view) and set_to("activation", "linear")(view),
    ),
    Toggle(
        "loss",
        "not_learning.half_cross_entropy",
        "A loss that is silent about label 0: look at the answers, not at the curve.",
        lambda view: binary_steps(view) and set_to("activation", "sigmoid")(view),
    ),
    Toggle("loss", "scalar_mse", "One number for the whole batch: look where the gradient goes.", masked_labels),
    Toggle("mask", "shifted", "The mask a step too late: look at the first and at the last step.", masked_padding),
    Toggle("mask", "none", "No mask at all: look where the gradient goes.", masked_padding),
    Toggle("mask", "wrong_side", "A mask made for the other padding side: look which steps it takes.", masked_padding),
)
