"""“Your case”: a bench for a learner's own data, with nothing preset. No lesson of the course: it has no question."""

from dataclasses import replace

from lessons.course.lesson import CHAPTERS, Answer, Contrast, Lesson, Prediction, Preset
from lessons.families.own import Own
from lessons.recipe import losses

SLUG = "your_case"
START = Own(padded_labels="zero", cell="gru", units=32, learning_rate=0.01, epochs=60)
CONTROLS = "mask mask_shift mask_route loss epsilon output cell units"
MORE = (
    "activation between reduction loss_dtype sample_weight padding padded_labels padded_inputs optimizer learning_rate "
    "clipping clip_at batch_size epochs padding_share sequences validation_mask validation_labels seed"
)

LESSON = Lesson(
    slug=SLUG,
    open=True,
    chapter=CHAPTERS[-1],
    order=100,
    title="Your case",
    text="Bring a file, look at what becomes of it, and press Run: all that lessons change can be set here. Or paste "
    "a model, see which layer loses its mask, and train it.",
    aims=("Train on data of your own.", "See where the gradient of your loss lies."),
    notes="",
    controls=tuple(CONTROLS.split()),
    more=tuple(MORE.split()),
    losses=tuple(losses.LABELS),
    presets=(
        Preset("start", "Start", "As it is set here, with a loss that has one value per step.", START),
        Preset("none", "No mask", "The same without a mask: padding is learned.", replace(START, mask="none")),
        Preset(
            "scalar", "One scalar", "The loss is one number: no mask reaches it.", replace(START, loss="scalar_mse")
        ),
    ),
    prediction=Prediction("", (Answer("", ""), Answer("", "")), lambda run: None),  # of own data none is asked
    contrast=Contrast("none", "start", "gradient on padding", lambda run: run.leak[0]),
)
