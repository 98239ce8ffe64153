"""A lesson of the family in conv.py, for tests."""

from lessons.families.conv import Conv

from lessons.course.lesson import Answer, Contrast, Lesson, Prediction, Preset


def cross_entropy(y_true, y_pred):
    """cross-entropy of the right class, one value per step"""
    import keras

    return keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)


def scalar_cross_entropy(y_true, y_pred):
    """cross-entropy of the right class, one scalar"""
    import keras

    return keras.ops.mean(keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True))


BASE = Conv(loss="conv_lesson.cross_entropy", epochs=40)


def where_it_lies(run) -> int | None:
    """Which answer comes true: 0 or 1. None without padding, or with a gradient that is all 0 or not finite."""
    if run.batch.label_real.all() or run.leak[0] != run.leak[0]:
        return None
    return 0 if run.leak[0] == 0 else 1


LESSON = Lesson(
    chapter="Behind the answers",
    order=90,
    title="Does a classifier know its padding?",
    text="A convolution that names one of three classes at each step.",
    aims=("Say where the gradient lies.", "Tell a scalar loss from one per step."),
    notes="**Run it:** a.\n\n**What people believe:** b.\n\n**Ask in the discussion:** c.\n\n**Time:** d.",
    controls=("mask", "mask_shift", "loss", "epsilon", "width"),
    more=("padded_labels", "padding_share", "learning_rate", "seed"),
    losses=("conv_lesson.cross_entropy", "conv_lesson.scalar_cross_entropy"),
    presets=(
        Preset(
            "broken",
            "One scalar",
            "The padding is learned.",
            BASE.with_changes({"loss": "conv_lesson.scalar_cross_entropy"}),
            findings=("gradient_on_padding",),
        ),
        Preset("fixed", "One value per step", "The padding is left out.", BASE),
    ),
    prediction=Prediction(
        "Where will the gradient lie in the first epoch?",
        (
            Answer("On real steps only", "A mask that is passed is thought to be used."),
            Answer("On padding too", "A loss is thought to see every step."),
        ),
        where_it_lies,
    ),
    contrast=Contrast("broken", "fixed", "gradient on padding", lambda run: run.leak[0]),
)
