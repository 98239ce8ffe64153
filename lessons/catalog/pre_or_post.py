"""Lesson I: without a mask, padding after the steps moves the last state; padding before them hardly does."""

from lessons.course.exercise import FindSetting, Goal, MendLoss
from lessons.course.experiment import Experiment, Measured, seeded
from lessons.course.lesson import Answer, Contrast, Lesson, Prediction, Preset, of_padding
from lessons.families.recurrent import Recurrent

BASE = Recurrent(
    output="last_step", mask="none", cell="gru", padding_share=0.6, sequences=64, padded_inputs="zero", epochs=50
)
CELLS = ("LSTM", "GRU", "SimpleRNN")


# Texts of an exercise: what the learner mends, and one way to do it.
def last_position(y_true, y_pred):
    """squared error at the last position of each sequence"""
    from keras import ops

    return ops.square(y_true[:, -1] - y_pred[:, -1])


def each_position(y_true, y_pred):
    """squared error, one value per step"""
    from keras import ops

    return ops.mean(ops.square(y_true - y_pred), axis=-1)


def last_state(picked=CELLS) -> Measured:
    """How far padding moves the last state from where it is without padding: before and after a short training."""
    import keras
    import numpy as np

    rng = np.random.default_rng(0)
    steps = rng.normal(size=(4, 5, 3)).astype("float32")  # (batch, time, features), nothing padded
    zeros = np.zeros((4, 5, 3), "float32")
    padded = {"post": np.concatenate([steps, zeros], 1), "pre": np.concatenate([zeros, steps], 1)}
    real = {"post": np.repeat([[True, False]], 5, axis=1), "pre": np.repeat([[False, True]], 5, axis=1)}
    real = {side: np.repeat(mask, 4, axis=0) for side, mask in real.items()}  # (batch, time)
    targets = keras.ops.convert_to_tensor(1.0 + steps[:, -1, :1])

    def moved(layer, side, mask):
        return float(np.abs(layer(padded[side], mask=mask) - layer(steps)).max())

    rows = []
    for name in picked:
        layer = getattr(keras.layers, name)(8, **seeded())
        for biases in ("fresh", "trained"):
            if biases == "trained":
                update(layer, steps, targets)
            rows += [
                {"cell, biases": f"{name}, {biases}"}
                | {f"{side}, no mask": moved(layer, side, None) for side in padded}
                | {f"{side}, masked": moved(layer, side, real[side]) for side in padded}
            ]
    start, after = rows[::2], rows[1::2]
    numbers = {
        "post_least": min((row["post, no mask"] for row in rows), default=0.0),
        "pre_at_start": max((row["pre, no mask"] for row in start), default=0.0),
        "pre_trained": min((row["pre, no mask"] for row in after), default=0.0),
        "masked": max((max(row["post, masked"], row["pre, masked"]) for row in rows), default=0.0),
    }
    sentence = (
        f"Without a mask, post-padding moves the last state by {numbers['post_least']:.2g} or more. Pre-padding moves "
        f"it by {numbers['pre_at_start']:.2g} while the biases are as initialized, and by {numbers['pre_trained']:.2g} "
        f"or more once they are trained. With a mask the largest movement is {numbers['masked']:.2g}."
    )
    return Measured(sentence, numbers, tuple(rows), movement_figure(rows))


def update(layer, x, targets, updates=6) -> None:
    """Teach the layer's first unit the targets, so that its biases leave their starting values."""
    import keras
    import tensorflow as tf

    optimizer = keras.optimizers.Adam(0.02)
    for _ in range(updates):
        with tf.GradientTape() as tape:
            loss = keras.ops.mean(keras.ops.square(layer(x)[:, :1] - targets))
        variables = layer.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)


def movement_figure(rows) -> dict:
    """How far each kind of padding moved the last state."""
    from lessons.figures.experiment_figures import grouped_bars
    from lessons.figures.marks import EDGE, LEAK, REAL, titled

    moved = {
        "post, no mask": (LEAK, [row["post, no mask"] for row in rows]),
        "pre, no mask": (EDGE, [row["pre, no mask"] for row in rows]),
        "either side, masked": (REAL, [max(row["post, masked"], row["pre, masked"]) for row in rows]),
    }
    cells = [row["cell, biases"].replace(", ", "<br>") for row in rows]
    return grouped_bars(cells, moved, {**titled("last state moved by"), "rangemode": "tozero"}, "%{x}")


def step_by_step() -> Measured:
    """One sequence through one GRU: its state after every step, padded after, padded before, and masked."""
    import keras
    import numpy as np

    steps = np.random.default_rng(1).normal(size=(1, 5, 3)).astype("float32")
    zeros = np.zeros((1, 5, 3), "float32")
    layer = keras.layers.GRU(8, return_sequences=True, **seeded())
    after, before = np.concatenate([steps, zeros], 1), np.concatenate([zeros, steps], 1)
    mask = np.array([[True] * 5 + [False] * 5])
    states = {  # (time, units)
        "post, no mask": np.array(layer(after))[0],
        "post, masked": np.array(layer(after, mask=mask))[0],
        "pre, no mask": np.array(layer(before))[0],
    }
    wanted = np.array(layer(steps))[0, -1]
    rows = tuple(
        {"timestep": step} | {way: float(np.abs(state[step] - wanted).max()) for way, state in states.items()}
        for step in range(10)
    )
    last = rows[-1]
    sentence = (
        f"After the last real step the post-padded state is right to {rows[4]['post, no mask']:.2g}. Five zero steps "
        f"later it is off by {last['post, no mask']:.2g} without a mask and by {last['post, masked']:.2g} with one; "
        f"the pre-padded state ends {last['pre, no mask']:.2g} off."
    )
    numbers = {way: last[way] for way in states} | {"before_padding": rows[4]["post, no mask"]}
    return Measured(sentence, numbers, rows, state_figure(rows, list(states)))


def state_figure(rows, ways) -> dict:
    """Distance to the state of the unpadded sequence, over time."""
    from lessons.figures.experiment_figures import curves
    from lessons.figures.marks import EDGE, LEAK, REAL

    styles = dict(zip(ways, ((LEAK, "solid"), (REAL, "solid"), (EDGE, "dash")), strict=True))
    lines = {way: (*style, [row[way] for row in rows]) for way, style in styles.items()}
    return curves([row["timestep"] for row in rows], lines, "timestep", "distance to the wanted state")


LESSON = Lesson(
    chapter="Behind the answers",
    order=4,
    title="Pre- or post-padding?",
    text=(
        "With `return_sequences=False` you read the state after the **last** step. If the padding comes after the "
        "sequence, the last step is padding: without a mask the state moves on through every zero, "
        "$h_{t+1}=f(h_t, 0)\\neq h_t$, and you do not read the one you wanted. If the padding comes before, the "
        "state starts at 0 and stays there as long as the biases are 0: $f(0,0)=0$. Training moves the biases, so "
        "that is close, not exact. With a **mask** the state is carried through unchanged on either side."
    ),
    aims=(
        "Say which state is read with `return_sequences=False`, on either side of padding.",
        "Explain what an unmasked zero does to a recurrent state.",
        "Choose a side, or a mask, for a reason.",
    ),
    notes=(
        "**Run it:** draw one padded sequence on the board, post and pre, and let them mark the step whose state "
        "is read. Then vote on “Post, no mask”, and again on “Pre, no mask” with the same question.\n\n"
        "**What people believe:** zeros carry no information, so they do nothing; pre-padding is a habit of old "
        "tutorials; a mask is about the loss only.\n\n"
        "**Ask in the discussion:** what does the cell compute from a zero input and a state that is not zero? "
        "What keeps a zero state at zero before training, and what moves it later? With a mask, what is left of "
        "the choice?\n\n"
        "**Time:** two short cycles on the same question work better here than one long one. “Mask for the other "
        "side” makes a good last question: the mask is there; which steps does it hide?"
    ),
    controls=("padding", "mask", "mask_shift", "cell", "loss", "epsilon"),
    more=(
        "output",
        "padded_inputs",
        "padding_share",
        "timesteps",
        "units",
        "sequences",
        "optimizer",
        "learning_rate",
        "epochs",
        "seed",
    ),
    losses=("mse", "mae", "huber", "log_cosh", "root_error", "scalar_mse"),
    presets=(
        Preset(
            "broken",
            "Post, no mask",
            "The label belongs to the last real step, the state is read after the zeros: it has to be remembered.",
            BASE,
            findings=("gradient_on_padding",),
        ),
        Preset(
            "fixed",
            "Post, with a mask",
            "The same padding with a mask: the state is held where there is no step.",
            BASE.with_changes({"mask": "aligned"}),
        ),
        Preset(
            "pre",
            "Pre, no mask",
            "The last step is the last real one: nearly as good as a mask. Some input gradient still lies on padding.",
            BASE.with_changes({"padding": "pre"}),
            findings=("gradient_on_padding",),
        ),
        Preset(
            "pre_masked",
            "Pre, with a mask",
            "With a mask the side does not matter: compare with “Post, with a mask”.",
            BASE.with_changes({"padding": "pre", "mask": "aligned"}),
        ),
        Preset(
            "pre_noise",
            "Pre, filled with noise",
            "Pre-padding is harmless because zeros leave a zero state alone. Other values do not.",
            BASE.with_changes({"padding": "pre", "padded_inputs": "random"}),
            findings=("gradient_on_padding",),
        ),
        Preset(
            "wrong_side",
            "Mask for the other side",
            "Post-padded data with a mask made for pre-padding: real steps are skipped and zeros are read.",
            BASE.with_changes({"mask": "wrong_side"}),
            findings=("mask_misaligned",),
        ),
        Preset(
            "late",
            "Mask late by two",
            "Two zero steps are taken for real, the two first steps are not.",
            BASE.with_changes({"mask": "shifted", "mask_shift": 2}),
            findings=("mask_misaligned",),
        ),
        Preset(
            "lstm",
            "LSTM, post, no mask",
            "The forget gate of an LSTM starts more open than shut, which helps it to remember; not enough.",
            BASE.with_changes({"cell": "lstm"}),
            findings=("gradient_on_padding",),
        ),
    ),
    prediction=Prediction(
        "How much of the gradient at the inputs will lie on padding in the first epoch?",
        (
            Answer(
                "None",
                "A zero input is not a missing input. The layer computes a step with it, and that step has a gradient. "
                "Only a mask takes the step out.",
            ),
            Answer(
                "Some, less than its share of the steps",
                "The gradient at the last output reaches the latest steps first. What is padded there gets most of it; "
                "what a mask skips gets none.",
            ),
            Answer(
                "More than its share of the steps",
                "Padding at the far end from the output is forgotten like any early step, and masked padding is not "
                "seen at all.",
            ),
        ),
        lambda run: of_padding(run.input_leak[0], ~run.batch.real),
    ),
    contrast=Contrast("broken", "fixed", "validation loss", lambda run: run.snapshot.val_loss[-1]),
    experiments=(
        Experiment(
            "How far does padding move the last state?",
            "Compare post and pre, before and after training.",
            last_state,
            pick=CELLS,
        ),
        Experiment(
            "The state, step by step",
            "Watch the state leave its place once the zeros begin.",
            step_by_step,
        ),
    ),
    reading=(
        ("Keras guide: masking and padding", "https://keras.io/guides/understanding_masking_and_padding/"),
        ("keras-team/keras #3086", "https://github.com/keras-team/keras/issues/3086"),
    ),
    exercises=(
        FindSetting(
            name="nothing_after_the_end",
            title="Read the right state",
            asks="The state is read after the zeros. Find settings under which no gradient reaches a padded input and "
            "unseen sequences are answered well.",
            start=BASE,
            moves=("padding", "mask", "mask_shift", "padded_inputs"),
            solution=BASE.with_changes({"mask": "aligned"}),
            hints=(
                "Padding in front helps a lot. Does it keep the gradient off the padding?",
                "Only a mask takes a step out: a zero is computed like any other input.",
                "The mask has to be made for the side that is padded.",
            ),
            goal=Goal(input_leak=0, val_loss=0.1),
        ),
        FindSetting(
            name="two_steps_late",
            title="A mask that comes late",
            asks="The mask is late by a few steps: it takes zeros for real and skips real steps. Line it up without "
            "replacing it.",
            start=BASE.with_changes({"mask": "shifted", "mask_shift": 2}),
            moves=("mask_shift", "padding"),
            solution=BASE.with_changes({"mask": "shifted", "mask_shift": 0}),
            hints=(
                "Look at the picture of the batch above with the same settings: where does the mask end?",
                "A shift in the other direction skips the last real step, the one that is asked for.",
                "A mask that is shifted by nothing is the true one.",
            ),
            goal=Goal(input_leak=0, val_loss=0.1),
        ),
        MendLoss(
            name="which_is_last",
            title="The last position is padding",
            asks="Every step has a label here, and the loss looks at the last position only, as with padding in front. "
            "But these sequences are padded at the end. Mend the loss so that the model learns from real steps.",
            settings=BASE.with_changes({"output": "every_step", "mask": "aligned", "padded_labels": "garbage"}),
            broken=last_position,
            mended=each_position,
            hints=(
                "What stands at the last position of a sequence that is padded at the end?",
                "A loss that returns one value per step lets the mask leave out those that are none.",
                "Take the squared error of all positions, and the mean over the last axis only.",
            ),
            goal=Goal(error=0.2, leak=0),
        ),
    ),
)
