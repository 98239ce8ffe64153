"""Lesson D: a mask has to reach the validation data too, and a multiplied input is no mask."""

from lessons.course.exercise import FindSetting, Goal, MendLoss, mse_where_marked
from lessons.course.experiment import Experiment, Measured, seeded, value_and_gradient
from lessons.course.lesson import Answer, Contrast, Lesson, Prediction, Preset
from lessons.course.torch_lstm import FEATURES, UNITS, drawn, last_losses, run_through
from lessons.families.recurrent import Recurrent
from lessons.recipe.losses import mse

BASE = Recurrent(validation_labels="garbage", epochs=40)

STOPPED = {  # the ways to stop a cell on masked steps -> the states that are carried through
    "input": ("input times mask", ""),
    "h_only": ("h carried through", "h"),
    "h_and_c": ("h and c carried through", "hc"),
}


def three_ways() -> Measured:
    """Train on padded data, then give the validation set in three ways; its padded labels hold 1000."""
    import keras
    import numpy as np

    from lessons.figures.experiment_figures import grouped_bars
    from lessons.figures.marks import ERROR, LOSS, REAL_LOSS, titled

    rng = np.random.default_rng(0)
    x = rng.normal(size=(24, 6, 2)).astype("float32")  # (batch, time, features)
    y = x[..., :1] - x[..., 1:]
    real = np.arange(6) < rng.integers(2, 6, (24, 1))
    x[~real], y[~real] = 0, 1000
    weight = real.astype("float32")
    known, unseen = slice(0, 16), slice(16, 24)

    def compiled(*first):
        last = keras.layers.Dense(1, kernel_initializer=keras.initializers.GlorotUniform(0))
        model = keras.Sequential([keras.Input((6, 2)), *first, last])
        error = keras.metrics.MeanSquaredError
        model.compile(keras.optimizers.Adam(0.2), "mse", metrics=[error("plain")], weighted_metrics=[error("weighted")])
        return model

    def held_out(name, found):
        kinds = {"val_loss": "loss", "metrics": "plain", "weighted_metrics": "weighted"}
        return {"validation data": name} | {kind: found[key] for kind, key in kinds.items()}

    weighted = compiled()
    fitted = weighted.fit(
        x[known], y[known], sample_weight=weight[known], epochs=10, batch_size=16, shuffle=False, verbose=0,
        validation_data=(x[unseen], y[unseen], weight[unseen]),
    ).history  # fmt: skip
    masked = compiled(keras.layers.Masking(0.0))
    masked.set_weights(weighted.get_weights())
    bare, through_mask = (one.evaluate(x[unseen], y[unseen], return_dict=True, verbose=0) for one in (weighted, masked))
    last = {key[4:]: values[-1] for key, values in fitted.items() if key.startswith("val_")}
    forgotten = held_out("(x, y): weights forgotten", bare)
    weights = held_out("(x, y, weights)", last)
    mask = held_out("(x, y) through a Masking layer", through_mask)
    sentence = (
        f"Trained with weights to a loss of {fitted['loss'][-1]:.2g}. Without weights in validation_data val_loss is "
        f"{forgotten['val_loss']:.3g}. With them it is {weights['val_loss']:.2g}, weighted_metrics "
        f"{weights['weighted_metrics']:.2g}, but metrics still {weights['metrics']:.3g}. With a Keras mask all three "
        f"leave the padding out: {mask['val_loss']:.2g}, {mask['weighted_metrics']:.2g}, {mask['metrics']:.2g}."
    )
    ways = {"forgotten": forgotten, "weights": weights, "mask": mask}
    colours = {"val_loss": LOSS, "metrics": ERROR, "weighted_metrics": REAL_LOSS}
    numbers = {f"{name}_{kind}": float(way[kind]) for name, way in ways.items() for kind in colours}
    bars = {kind: (colour, [way[kind] for way in ways.values()]) for kind, colour in colours.items()}
    error = {"type": "log", **titled("squared error"), "exponentformat": "power"}
    figure = grouped_bars([way["validation data"] for way in ways.values()], bars, error, "{name}")
    return Measured(sentence, {"loss": fitted["loss"][-1]} | numbers, tuple(ways.values()), figure)


def masking_layer() -> Measured:
    """Masking(-1) in front of an LSTM, on data in which one step is -1 in every feature and one in a single feature."""
    import keras
    import numpy as np

    x = np.random.default_rng(0).normal(size=(1, 6, 3)).astype("float32")
    x[0, 3] = -1  # every feature: masked
    x[0, 1, 0] = -1  # one feature only
    masking = keras.layers.Masking(-1.0)
    lstm = keras.layers.LSTM(4, return_sequences=True, **seeded())
    outputs = lstm(masking(x)).numpy()
    without = lstm(np.delete(x, 3, axis=1)).numpy()
    _, gradient = value_and_gradient(lambda given: keras.ops.sum(lstm(masking(given))[:, 4:]), x)
    zeros = np.where(x == -1, 0, x).astype("float32")
    try:
        lstm(zeros, mask=np.ones((1, 6, 3), bool))  # a mask per feature
        refused = "nothing"
    except Exception as error:
        refused = type(error).__name__
    numbers = {
        "skipped": int((~masking.compute_mask(x).numpy()).sum()),
        "difference_to_deleted": float(np.abs(np.delete(outputs, 3, axis=1) - without).max()),
        "gradient_at_masked_step": float(np.abs(gradient[0, 3]).max()),
        "gradient_at_partly_masked_step": float(np.abs(gradient[0, 1]).max()),
        "repeats_previous": bool((outputs[0, 3] == outputs[0, 2]).all()),
        "largest_masked_output": float(np.abs(outputs[0, 3]).max()),
        "feature_mask_raises": refused,
    }
    sentence = (
        f"Masking(-1) skips {numbers['skipped']} step. The other outputs differ from those with the step deleted by "
        f"{numbers['difference_to_deleted']:g}; the gradient at the masked step is "
        f"{numbers['gradient_at_masked_step']:g}, at the step with only one -1 it is "
        f"{numbers['gradient_at_partly_masked_step']:.2g}. The masked step "
        f"{'repeats the previous output' if numbers['repeats_previous'] else 'has an output of its own'}. "
        f"Passing a mask per feature raises {refused}."
    )
    return Measured(sentence, numbers)


def multiplied_input() -> Measured:
    """PyTorch's arithmetic: multiply the input by the mask and read output[:, -1]."""
    import numpy as np
    import tensorflow as tf

    cell, head, x, mask, targets = drawn()
    mask = mask[..., None].astype(float)
    given = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(given)
        output = run_through(cell, given * mask)[0]
        answer = tf.linalg.matvec(output[:, -1], head)
    deleted = run_through(cell, x[:, :4])[0, :, -1] @ head[:, None]
    bad = np.where(mask == 1, x, np.nan)
    numbers = {
        "gradient_at_masked_inputs": float(np.abs(tape.gradient(answer, given)[:, 4:]).max()),
        "state_moved": float(np.abs(output[:, -1] - output[:, 3]).max()),
        "answer": float(answer[0]),
        "answer_with_steps_deleted": float(deleted[0, 0]),
        "nan_stays_nan": bool(np.isnan(run_through(cell, bad * mask)[0, :, -1]).all()),
        "loss_fixed_targets": last_losses(x * mask, head, np.tile(targets[:1], (150, 1))),
        "loss_redrawn_targets": last_losses(x * mask, head, targets),
    }
    sentence = (
        f"Measured with PyTorch's arithmetic in TensorFlow. The gradient at the masked inputs is "
        f"{numbers['gradient_at_masked_inputs']:g}, and still the state moves by {numbers['state_moved']:.2g} through "
        f"the zeroed steps: output[:, -1] answers {numbers['answer']:.3g}, with the steps deleted "
        f"{numbers['answer_with_steps_deleted']:.3g}. A NaN in a masked input "
        f"{'stays NaN' if numbers['nan_stays_nan'] else 'is gone'}. Targets that stay the same are learned to a loss "
        f"of {numbers['loss_fixed_targets']:.2g}; re-drawn in every epoch the last losses are "
        f"{numbers['loss_redrawn_targets']:.2g} on average."
    )
    return Measured(sentence, numbers)


def cell_as_published():
    """A masked cell whose body was left out; in PyTorch's LSTMCell as in Keras', this line of the body fails."""
    from keras.layers import LSTMCell
    from numpy import ones, zeros

    class MaskedCell(LSTMCell):
        def forward(self, x, state, mask):
            hidden, cell = state  # noqa: RUF059
            x = x * mask
            ...  # the gates would go here
            return next_hidden, next_cell  # noqa: F821

    state = zeros((2, UNITS)), zeros((2, UNITS))
    return MaskedCell(UNITS).forward(ones((2, FEATURES)), state, zeros((2, 1)))


def masked_cell() -> Measured:
    """PyTorch's cell finished in three ways; what its state does on masked steps."""
    import numpy as np

    cell, _, x, mask, _ = drawn()
    mask[:, 2] = 0  # a masked step in the middle: what follows must not notice
    deleted = run_through(cell, x[:, mask[0] == 1])[0, :, -1]
    numbers, rows = {}, []
    for name, (words, hold) in STOPPED.items():
        states = run_through(cell, x * mask[..., None], mask, hold).numpy()
        moved = np.abs(np.diff(states, axis=2, prepend=0))[:, mask == 0]  # of h and c
        h, c, off = float(moved[0].max()), float(moved[1].max()), float(np.abs(states[0, :, -1] - deleted).max())
        numbers |= {f"{name}_h_moved": h, f"{name}_c_moved": c, f"{name}_off": off}
        moves = {"h moves on a masked step": h, "c moves on a masked step": c}
        rows.append({"cell": words} | moves | {"last h off by": off})
    sentence = (
        f"Measured with PyTorch's arithmetic in TensorFlow. With only the input masked, h moves by "
        f"{numbers['input_h_moved']:.2g} and c by {numbers['input_c_moved']:.2g} on a masked step. With h carried "
        f"through, c still moves by {numbers['h_only_c_moved']:.2g}, and the last h is {numbers['h_only_off']:.2g} "
        f"off. With both, h and c move by {max(numbers['h_and_c_h_moved'], numbers['h_and_c_c_moved']):g}, and the "
        f"last h is {numbers['h_and_c_off']:g} off from deleting the steps."
    )
    return Measured(sentence, numbers, tuple(rows))


def last_validation_loss(run) -> int | None:
    """0: close to the loss on real steps, 1: above it, 2: far above or NaN; None where it is no multiple of that."""
    held_out, real = float(run.snapshot.val_loss[-1]), float(run.snapshot.real_loss[-1])
    if held_out == held_out and not (held_out >= 0 and 0 <= real < float("inf")):
        return None
    if held_out <= 4 * real:
        return 0
    return 1 if held_out <= 100 * real else 2


LESSON = Lesson(
    chapter="Five answers",
    order=4,
    title="How do I apply a mask to training and validation data?",
    text=(
        "A mask belongs to the **data**, so every data set needs its own. In Keras it travels with the batch: from "
        "`Masking` or `mask=` it reaches training, validation, every loss and every metric. Weights do not: "
        "`validation_data=(x, y, weights)` needs them again, and `metrics` ignore them where `weighted_metrics` do "
        "not. What stands in a padded validation label then decides `val_loss`. Multiplying the input by the mask is "
        "not masking: with $x_t=0$ the state still moves. Hold it: $h_t=m_t\\,f(x_t,h_{t-1})+(1-m_t)\\,h_{t-1}$."
    ),
    aims=(
        "Say which data sets, losses and metrics a mask reaches, and which a weight reaches.",
        "Ask of two loss values whether they are about the same steps before comparing them.",
        "Explain why a zero as input is not a skipped step.",
    ),
    notes=(
        "**Run it:** show the curves of “No mask in validation” only after the vote; the gap looks like the "
        "overfitting that everybody has met. Then “Masked in both”, which changes nothing in the model.\n\n"
        "**What people believe:** a gap between training and validation is overfitting; a mask belongs to the "
        "model, so validation has it too; multiplying inputs by the mask is the same as skipping them.\n\n"
        "**Ask in the discussion:** which experiment would tell overfitting from a wrong average? What stands in "
        "the padded validation labels, and who put it there? What does an LSTM do with an input of zeros?\n\n"
        "**Time:** a full cycle for the first preset. “Zeros hide it” is worth a second vote: the number is wrong "
        "and no longer looks it. “Input times mask” against “State held” suits a class that knows the LSTM's "
        "equations."
    ),
    controls=("mask", "mask_shift", "validation_mask", "validation_labels", "mask_route", "loss", "epsilon"),
    more=(
        "sample_weight",
        "output",
        "padded_labels",
        "padded_inputs",
        "padding_share",
        "padding",
        "cell",
        "sequences",
        "learning_rate",
        "epochs",
        "seed",
    ),
    losses=("mse", "mae", "huber", "root_error", "mask_reading_mse", "scalar_mse"),
    presets=(
        Preset(
            "broken",
            "No mask in validation",
            "Training is masked, validation is not: the model learns, and val_loss never hears of it.",
            BASE.with_changes({"validation_mask": "none"}),
            findings=("validation_unmasked",),
        ),
        Preset("fixed", "Masked in both", "The same model and labels; the validation data come with their mask.", BASE),
        Preset(
            "answer",
            "What the answer said",
            "A Masking layer for rows of -1: this one is right. The experiment beside it shows its limits.",
            BASE.with_changes({"padded_inputs": "minus_one"}),
            ("D1",),
            claimed="Masking(-1) in front of the LSTM makes it leave out the rows that hold -1.",
            truth="True: a masked step is as good as deleted. But every feature must hold the value, a mask per "
            "feature is refused, and a masked step repeats the output before it.",
            published=Experiment("Masking(-1)", "A masked step against the same step deleted.", masking_layer),
        ),
        Preset(
            "multiplied",
            "Input times mask",
            "Zeros go in after the last real step, no layer is told, and the state moves on through them.",
            BASE.with_changes({"mask_route": "multiplied", "output": "last_step", "sequences": 64}),
            ("D2",),
            claimed="Multiply the input by the mask and read the last output: masked steps do not influence it.",
            truth="Masked inputs get no gradient, but the state moves on through the zeros, NaN times 0 stays NaN, and "
            "targets that are drawn anew in each epoch cannot be learned.",
            published=Experiment(
                "multiplied input moves the state",
                "Compare the answer with the one where the steps are deleted.",
                multiplied_input,
            ),
            findings=("mask_dropped",),
        ),
        Preset(
            "held",
            "State held",
            "A masked cell that carries its state through, which is what Keras does with a mask.",
            BASE.with_changes({"output": "last_step", "sequences": 64}),
            ("D3",),
            claimed="A cell of your own that multiplies its input by the mask is a masked LSTM cell.",
            truth="As published its body is missing. Finished by masking the input alone it still moves its state on "
            "every masked step; h and c both have to be carried through.",
            published=Experiment(
                "The cell as published",
                "It cannot run: its middle was left out.",
                cell_as_published,
                explains="The lines that compute the new state were left out of the answer, so the names it returns do "
                "not exist. “masked cell” below is the finished one.",
            ),
        ),
        Preset(
            "unmasked",
            "No mask at all",
            "No mask in either, garbage in the padded labels of both: both losses are about the padding.",
            BASE.with_changes({"mask": "none", "padded_labels": "garbage"}),
            findings=("gradient_on_padding",),
        ),
        Preset(
            "zeros",
            "Zeros hide it",
            "No mask in validation, zeros in its padded labels: val_loss looks plausible and still counts the padding.",
            BASE.with_changes({"validation_mask": "none", "validation_labels": "zero"}),
            findings=("validation_unmasked",),
        ),
    ),
    prediction=Prediction(
        "After the last epoch, where will the validation loss be?",
        (
            Answer(
                "Close to the loss on the real training steps",
                "A validation set is not masked because the training set was. If its padding is in the loss, no amount "
                "of learning brings the loss down.",
            ),
            Answer(
                "Above it, as with unseen data",
                "A gap is not always overfitting. First ask whether both numbers are about the same steps.",
            ),
            Answer(
                "More than a hundred times above it, or not a number",
                "Garbage in a padded label does no harm where a mask leaves it out.",
            ),
        ),
        last_validation_loss,
    ),
    contrast=Contrast("broken", "fixed", "validation loss", lambda run: run.snapshot.val_loss[-1]),
    experiments=(
        Experiment(
            "Validation data in three ways",
            "Which of val_loss, metrics and weighted_metrics hears of the padding?",
            three_ways,
        ),
        Experiment("masked cell", "The PyTorch cell, finished: what moves where the mask is 0?", masked_cell),
    ),
    reading=(
        ("Keras guide: masking and padding", "https://keras.io/guides/understanding_masking_and_padding/"),
        ("tensorflow #34158: metrics and masks", "https://github.com/tensorflow/tensorflow/issues/34158"),
        ("tensorflow #39146", "https://github.com/tensorflow/tensorflow/issues/39146"),
        ("tensorflow #43103", "https://github.com/tensorflow/tensorflow/issues/43103"),
    ),
    exercises=(
        FindSetting(
            name="judge_alike",
            title="An honest val_loss",
            asks="The model learns, and val_loss never hears of it. Bring it down without touching the labels.",
            start=BASE.with_changes({"validation_mask": "none"}),
            moves=("validation_mask", "mask_shift", "padding", "learning_rate"),
            solution=BASE,
            hints=(
                "Compare the error on real steps with val_loss: is the model bad, or is it judged badly?",
                "The padded labels of the validation data hold garbage, and garbage counts where no mask comes along.",
                "Pass the validation data their mask, as in training.",
            ),
            goal=Goal(error=0.2, val_loss=0.1),
        ),
        FindSetting(
            name="hold_the_state",
            title="Multiplied is not masked",
            asks="The input is multiplied by the mask, and the last output is read: the state moves on through the "
            "zeros. Find settings under which the model learns what the last real step asks for.",
            start=BASE.with_changes({"mask_route": "multiplied", "output": "last_step", "sequences": 64}),
            moves=("mask_route", "cell", "padded_inputs"),
            solution=BASE.with_changes({"output": "last_step", "sequences": 64}),
            hints=(
                "An input of 0 is still a step: the cell computes a new state from it.",
                "Other cells forget in other ways, but each of them moves on.",
                "Pass the mask to the layers: then the state is carried through.",
            ),
            goal=Goal(error=0.1),
        ),
        MendLoss(
            name="marked_labels",
            title="A loss that needs no mask",
            asks="The validation data come without a mask, and that cannot be changed; padded labels hold 1000 in both "
            "data sets. Mend the loss so that it leaves them out by itself.",
            settings=BASE.with_changes({"validation_mask": "none", "padded_labels": "garbage"}),
            padding="1000",
            broken=mse,
            mended=mse_where_marked,
            hints=(
                "The label says whether a step is padded: no real label is 1000.",
                "Multiply each error by 1 where the label is not 1000, and by 0 where it is.",
                "Divide the sum of what is left by the number of steps that are left.",
            ),
            goal=Goal(error=0.2, val_loss=0.5),
        ),
    ),
)
