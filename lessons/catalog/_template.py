"""A lesson to copy: `cp lessons/catalog/_template.py lessons/catalog/<slug>.py`, and there it is. Nothing else to edit.

The file's name is the lesson's slug, its address and its test id. Files that begin with an underscore are left out.
What is still wrong say tests/course/ and tests/engine/: `python -m pytest tests/course -k <slug>`.
"""

from lessons.course.exercise import FindSetting, Goal, MendLoss, MendModel, OrderLines
from lessons.course.experiment import Experiment, Measured
from lessons.course.lesson import Answer, Contrast, Lesson, Prediction, Preset
from lessons.families.recurrent import Recurrent


# A loss of the lesson's own: public, (y_true, y_pred[, epsilon]), imports inside. Settings call it "<slug>.half_error".
# The first line of the docstring is what the control shows; the source is what the learner reads.
def half_error(y_true, y_pred):
    """half the absolute error, one value per step"""
    from keras import ops

    return ops.mean(ops.abs(y_true - y_pred) / 2, axis=-1)


# An experiment measures what is no training of Settings. It runs in a worker; the sentence is built from its numbers.
def half_of_one() -> Measured:
    from keras import ops

    half = float(ops.convert_to_tensor(1.0) / 2)
    return Measured(f"Half of one is {half:.3g}.", {"half": half})


# Of an exercise: what the learner mends, and one way to do it. Parameters (y_true, y_pred) only; the source is shown.
def one_number(y_true, y_pred):
    """squared error, one scalar"""
    from keras import ops

    return ops.mean(ops.square(y_true - y_pred))


def one_number_per_step(y_true, y_pred):
    """squared error, one value per step"""
    from keras import ops

    return ops.mean(ops.square(y_true - y_pred), axis=-1)


# The same of a model: a text, and what its layer puts out for the real steps (steps, columns) of one sequence.
MODEL = """from keras import Input, Sequential, layers


class Doubled(layers.Layer):
    def __init__(self):
        super().__init__()
        self.supports_masking = {supports}

    def call(self, x):
        return 2 * x


model = Sequential([Input((12, 3)), layers.Masking(), Doubled(), layers.Dense(1)])
"""


def twice(given):
    return 2 * given


# What the presets share. Every field has a default: name only what the lesson is about.
BASE = Recurrent(epochs=30, padded_labels="garbage")


def where_it_lies(run) -> int | None:
    """Which answer comes true: 0 or 1. None without padding, or with a gradient that is all 0 or not finite."""
    if run.batch.label_real.all() or run.leak[0] != run.leak[0]:
        return None
    return 0 if run.leak[0] == 0 else 1


LESSON = Lesson(
    chapter="Behind the answers",  # one of lessons.course.lesson.CHAPTERS
    order=9,
    title="The question, as people ask it?",
    text="A short answer in Markdown. **No numbers**: those are measured. A formula may help: $L=\\sum_t\\ell_t$.",
    # For a class: two or three things that learners can do afterwards, and notes for whoever teaches it. No answers:
    # a session plan reads those off a run. What stands in “…” is a preset's label, an experiment's title or a lesson's.
    aims=("Say what …, in one sentence.", "Tell … from …."),
    notes=(
        "**Run it:** which preset first, and what to cover until the reveal.\n\n"
        "**What people believe:** the misconceptions that the vote brings up.\n\n"
        "**Ask in the discussion:** two or three questions that need no computer.\n\n"
        "**Time:** which presets deserve a vote, and which can just be run."
    ),
    # Fields of Settings in sight, and behind "More". Changed alone from the first preset, each must change the run,
    # or be idle with a reason (lessons/recipe/idle.py): a test tries them all.
    controls=("mask", "mask_shift", "loss", "epsilon"),
    more=("padded_labels", "padding_share", "seed"),
    losses=("mse", "scalar_mse"),
    # The first preset is the one the page opens with: the failure at its clearest. 300 epochs at most.
    presets=(
        # `findings`: exactly what the doctor finds in this run (lessons/doctor/run/rules); a repair has none.
        Preset(
            "broken",
            "What goes wrong",
            "One sentence: what to see here.",
            BASE.with_changes({"loss": "scalar_mse"}),
            findings=("gradient_on_padding",),
        ),
        Preset("fixed", "The repair", "One sentence: what is better now, and why.", BASE),
    ),
    # Asked before the first run. The function says which answer came true, of a run with NaN too.
    prediction=Prediction(
        "Where will the gradient lie in the first epoch?",
        (
            Answer("On real steps only", "What someone believes who expects this."),
            Answer("On padding too", "What someone believes who expects that."),
        ),
        where_it_lies,
    ),
    # What a learner must see within two seconds: at least a factor 2, or NaN against finite, on every seed from 0 to 4.
    contrast=Contrast("broken", "fixed", "error on real steps", lambda run: run.snapshot.error[-1]),
    experiments=(Experiment("Half of one", "One sentence: what to look for.", half_of_one),),
    reading=(("Keras guide: masking and padding", "https://keras.io/guides/understanding_masking_and_padding/"),),
    # Two or three, about the lesson's own failure. Each is checked by running the answer: the start must miss the goal,
    # the solution must reach it, with a fifth of room on every seed from 0 to 4 (tests/course/test_exercises.py). Hints
    # give
    # away more and more; the solution comes after the last.
    exercises=(
        FindSetting(
            name="find_it",
            title="A few words",
            asks="What is wrong, and what is wanted, without the numbers of the goal.",
            start=BASE.with_changes({"loss": "scalar_mse"}),
            moves=("loss", "mask"),  # fields of Settings that the learner may move
            solution=BASE,
            hints=("Where to look.", "What to do."),
            goal=Goal(error=0.3, leak=0),  # after the last epoch, and in the worst one; a leak of 0 is none at all
        ),
        # The clinic examines the text, too, and must find no error.
        MendLoss(
            name="mend_it",
            title="A few words",
            asks="What is wrong, and what is wanted.",
            settings=BASE,
            broken=one_number,
            mended=one_number_per_step,
            hints=("Where to look.", "What to do."),
            goal=Goal(error=0.3, leak=0),
        ),
        # Lines in an order that works; they are shuffled. An order that runs and is wrong teaches most.
        OrderLines(
            name="order_them",
            title="A few words",
            asks="What the lines make, and that one of them is better left out.",
            settings=BASE,
            lines=("error = ops.square(y_true - y_pred)", "return ops.mean(error, axis=-1)"),
            spare=("return ops.mean(error)",),
            hints=("Where to look.", "What to do."),
            goal=Goal(error=0.3, leak=0),
        ),
        # The text of a model, x-rayed as one on “Your case” is. It is not trained.
        MendModel(
            name="mend_the_model",
            title="A few words",
            asks="What is wrong, and what is wanted.",
            start=MODEL.format(supports=False),
            solution=MODEL.format(supports=True),
            layer="Doubled",  # has to stay, and to put out on real steps what `computes` makes of what it is given
            does="twice its input",
            computes=twice,
            hints=("Where to look.", "What to do."),
        ),
    ),
)
