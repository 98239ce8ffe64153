"""Lesson D: a mask has to reach the validation data too, and a multiplied input is no mask."""

from lessons.course.exercise import FindSetting, Goal, MendLoss
from lessons.course.experiment import Experiment, Measured
from lessons.course.lesson import Answer, Contrast, Lesson, Prediction, Preset
from lessons.families.recurrent import Recurrent

BASE = Recurrent(validation_labels="garbage", epochs=40)

WITHOUT_TORCH = "the same arithmetic in TensorFlow, as PyTorch is not installed (requirements-torch.txt)"
UNITS, FEATURES = 4, 3


# Texts of an exercise: what the learner mends, and one way to do it.
def every_label(y_true, y_pred):
    """squared error, one value per step"""
    from keras import ops

    return ops.mean(ops.square(y_true - y_pred), axis=-1)


def but_marked_labels(y_true, y_pred):
    """squared error where the label is not 1000, over the number of such steps"""
    from keras import ops

    valid = ops.cast(ops.not_equal(y_true, 1000.0), y_pred.dtype)
    error = ops.square(y_true - y_pred) * valid
    return ops.sum(error) / ops.maximum(ops.sum(valid), 1.0)


def three_ways() -> Measured:
    """Train on padded data, then give the validation set in three ways; its padded labels hold 1000."""
    import keras
    import numpy as np

    rng = np.random.default_rng(0)
    x = rng.normal(size=(24, 6, 2)).astype("float32")  # (batch, time, features)
    y = x[..., :1] - x[..., 1:]
    real = np.arange(6) < rng.integers(2, 6, (24, 1))
    x[~real], y[~real] = 0, 1000
    weight = real.astype("float32")
    known, unseen = slice(0, 16), slice(16, 24)

    def compiled(*first):
        last = keras.layers.Dense(1, kernel_initializer=glorot())
        model = keras.Sequential([keras.Input((6, 2)), *first, last])
        error = keras.metrics.MeanSquaredError
        model.compile(keras.optimizers.Adam(0.2), "mse", metrics=[error("plain")], weighted_metrics=[error("weighted")])
        return model

    def row(name, told):
        return {"validation data": name, "val_loss": told["loss"]} | {
            kind: told[key] for kind, key in (("metrics", "plain"), ("weighted_metrics", "weighted"))
        }

    weighted = compiled()
    fitted = weighted.fit(
        x[known], y[known], sample_weight=weight[known], epochs=10, batch_size=16, shuffle=False, verbose=0,
        validation_data=(x[unseen], y[unseen], weight[unseen]),
    ).history  # fmt: skip
    masked = compiled(keras.layers.Masking(0.0))
    masked.set_weights(weighted.get_weights())
    ways = (
        row("(x, y): weights forgotten", weighted.evaluate(x[unseen], y[unseen], return_dict=True, verbose=0)),
        row("(x, y, weights)", {key[4:]: values[-1] for key, values in fitted.items() if key.startswith("val_")}),
        row("(x, y) through a Masking layer", masked.evaluate(x[unseen], y[unseen], return_dict=True, verbose=0)),
    )
    forgotten, weights, mask = ways
    sentence = (
        f"Trained with weights to a loss of {fitted['loss'][-1]:.2g}. Without weights in validation_data val_loss is "
        f"{forgotten['val_loss']:.3g}. With them it is {weights['val_loss']:.2g}, weighted_metrics "
        f"{weights['weighted_metrics']:.2g}, but metrics still {weights['metrics']:.3g}. With a Keras mask all three "
        f"leave the padding out: {mask['val_loss']:.2g}, {mask['weighted_metrics']:.2g}, {mask['metrics']:.2g}."
    )
    numbers = {"loss": fitted["loss"][-1]} | {
        f"{name}_{key}": float(way[key])
        for name, way in (("forgotten", forgotten), ("weights", weights), ("mask", mask))
        for key in ("val_loss", "metrics", "weighted_metrics")
    }
    return Measured(sentence, numbers, ways, three_ways_figure(ways))


def three_ways_figure(ways) -> dict:
    """Grouped bars on a logarithmic axis."""
    from lessons.figures.run_figures import ERROR, LOSS, REAL_LOSS

    colours = {"val_loss": LOSS, "metrics": ERROR, "weighted_metrics": REAL_LOSS}
    traces = [
        {
            "type": "bar",
            "name": key,
            "x": [way["validation data"] for way in ways],
            "y": [way[key] for way in ways],
            "marker": {"color": colour},
            "hovertemplate": f"{key}: %{{y:.3g}}<extra></extra>",
        }
        for key, colour in colours.items()
    ]
    layout = {
        "barmode": "group",
        "margin": {"l": 60, "r": 8, "t": 6, "b": 36},
        "xaxis": {"type": "category"},
        "yaxis": {"type": "log", "title": {"text": "squared error"}, "exponentformat": "power"},
        "legend": {"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0, "font": {"size": 11}},
    }
    return {"data": traces, "layout": layout}


def masking_layer() -> Measured:
    """Masking(-1) in front of an LSTM, on data in which one step is -1 in every feature and one in a single feature."""
    import keras
    import numpy as np
    import tensorflow as tf

    x = np.random.default_rng(0).normal(size=(1, 6, 3)).astype("float32")
    x[0, 3] = -1  # every feature: masked
    x[0, 1, 0] = -1  # one feature only
    masking = keras.layers.Masking(-1.0)
    orthogonal = keras.initializers.Orthogonal(seed=0)
    lstm = keras.layers.LSTM(4, return_sequences=True, kernel_initializer=glorot(), recurrent_initializer=orthogonal)
    given = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(given)
        outputs = lstm(masking(given))
        total = tf.reduce_sum(outputs[:, 4:])
    gradient = tape.gradient(total, given).numpy()
    outputs = outputs.numpy()
    deleted = np.delete(x, 3, axis=1)
    without = lstm(deleted).numpy()
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


def glorot():
    import keras

    return keras.initializers.GlorotUniform(0)


def drawn() -> dict:
    """Weights of an LSTM in PyTorch's order (input, forget, cell, output gate) and data, for both libraries."""
    import numpy as np

    rng = np.random.default_rng(9)
    bound = UNITS**-0.5
    shapes = {"kernel": (4 * UNITS, FEATURES), "recurrent": (4 * UNITS, UNITS), "bias": (4 * UNITS,), "head": (UNITS,)}
    return {name: rng.uniform(-bound, bound, shape) for name, shape in shapes.items()} | {
        "x": rng.normal(size=(4, 6, FEATURES)),  # (batch, time, features)
        "mask": np.array([[1, 1, 1, 1, 0, 0]] * 4),  # the last two steps are padding
        "targets": rng.normal(size=(150, 4)),  # (epoch, batch)
    }


def multiplied_input() -> Measured:
    """PyTorch: multiply the input by the mask and read output[:, -1]."""
    try:
        import torch
    except ImportError:
        return tell_multiplied(multiplied_in_tensorflow(), WITHOUT_TORCH)

    given = {name: torch.tensor(values, dtype=torch.float64) for name, values in drawn().items()}
    x, mask, head = given["x"], given["mask"], given["head"]

    def fresh():
        lstm = torch.nn.LSTM(FEATURES, UNITS, batch_first=True, dtype=torch.float64)
        with torch.no_grad():
            lstm.weight_ih_l0.copy_(given["kernel"])
            lstm.weight_hh_l0.copy_(given["recurrent"])
            lstm.bias_ih_l0.copy_(given["bias"])
            lstm.bias_hh_l0.zero_()
        return lstm

    lstm = fresh()
    watched = x.clone().requires_grad_()
    output, _ = lstm(watched * mask[..., None])
    answer = output[:, -1] @ head
    answer.sum().backward()
    deleted, _ = lstm(x[:, :4])
    bad = x.clone()
    bad[:, 4:] = torch.nan
    numbers = {
        "gradient_at_masked_inputs": watched.grad[:, 4:].abs().max().item(),
        "state_moved": (output[:, -1] - output[:, 3]).abs().max().item(),
        "answer": answer[0].item(),
        "answer_with_steps_deleted": (deleted[:, -1] @ head)[0].item(),
        "nan_stays_nan": lstm(bad * mask[..., None])[0][:, -1].isnan().all().item(),
    }
    for name, epoch_of in (("loss_fixed_targets", lambda epoch: 0), ("loss_redrawn_targets", lambda epoch: epoch)):
        lstm = fresh()
        weights = [*[*lstm.parameters()][:3], head.clone().requires_grad_()]  # one of the two biases is enough
        optimizer = torch.optim.SGD(weights, lr=0.5)
        losses = []
        for epoch in range(len(given["targets"])):
            optimizer.zero_grad()
            answer = lstm(x * mask[..., None])[0][:, -1] @ weights[-1]
            loss = (answer - given["targets"][epoch_of(epoch)]).square().mean()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        numbers[name] = sum(losses[-50:]) / 50
    return tell_multiplied(numbers, f"PyTorch {torch.__version__}")


def tell_multiplied(numbers: dict, ran: str) -> Measured:
    sentence = (
        f"Measured with {ran}. The gradient at the masked inputs is {numbers['gradient_at_masked_inputs']:g}, and "
        f"still the state moves by {numbers['state_moved']:.2g} through the zeroed steps: output[:, -1] answers "
        f"{numbers['answer']:.3g}, with the steps deleted {numbers['answer_with_steps_deleted']:.3g}. A NaN in a "
        f"masked input {'stays NaN' if numbers['nan_stays_nan'] else 'is gone'}. Targets that stay the same are "
        f"learned to a loss of {numbers['loss_fixed_targets']:.2g}; re-drawn in every epoch the last losses are "
        f"{numbers['loss_redrawn_targets']:.2g} on average."
    )
    return Measured(sentence, numbers)


def lstm_step(x, h, c, kernel, recurrent, bias):
    """One step of PyTorch's LSTM in TensorFlow: x (batch, features), h and c (batch, units)."""
    import tensorflow as tf

    gates = tf.matmul(x, kernel, transpose_b=True) + tf.matmul(h, recurrent, transpose_b=True) + bias
    i, f, g, o = tf.split(gates, 4, axis=-1)
    c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
    return tf.sigmoid(o) * tf.tanh(c), c


def multiplied_in_tensorflow() -> dict:
    """What `multiplied_input` measures, without PyTorch."""
    import numpy as np
    import tensorflow as tf

    given = drawn()
    x, mask = given["x"], given["mask"][..., None].astype(float)
    names = ("kernel", "recurrent", "bias", "head")

    def states(x, kernel, recurrent, bias):
        h = c = tf.zeros((x.shape[0], UNITS), tf.float64)
        told = []
        for step in range(x.shape[1]):
            h, c = lstm_step(x[:, step], h, c, kernel, recurrent, bias)
            told.append(h)
        return tf.stack(told, axis=1)

    *weights, head = (tf.constant(given[name]) for name in names)
    watched = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(watched)
        output = states(watched * mask, *weights)
        answer = tf.linalg.matvec(output[:, -1], head)
    gradient = tape.gradient(answer, watched)
    deleted = states(tf.constant(x[:, :4]), *weights)
    bad = np.where(mask == 1, x, np.nan)
    numbers = {
        "gradient_at_masked_inputs": float(tf.reduce_max(tf.abs(gradient[:, 4:]))),
        "state_moved": float(tf.reduce_max(tf.abs(output[:, -1] - output[:, 3]))),
        "answer": float(answer[0]),
        "answer_with_steps_deleted": float(tf.linalg.matvec(deleted[:, -1], head)[0]),
        "nan_stays_nan": bool(np.isnan(states(tf.constant(bad * mask), *weights)[:, -1]).all()),
    }

    @tf.function(autograph=False)
    def update(targets, *weights):
        with tf.GradientTape() as tape:
            tape.watch(weights)
            answer = tf.linalg.matvec(states(watched * mask, *weights[:3])[:, -1], weights[3])
            loss = tf.reduce_mean(tf.square(answer - targets))
        steps = tape.gradient(loss, weights)
        return loss, [weight - 0.5 * step for weight, step in zip(weights, steps, strict=True)]

    for name, epoch_of in (("loss_fixed_targets", lambda epoch: 0), ("loss_redrawn_targets", lambda epoch: epoch)):
        weights, losses = [tf.constant(given[key]) for key in names], []
        for epoch in range(len(given["targets"])):
            loss, weights = update(tf.constant(given["targets"][epoch_of(epoch)]), *weights)
            losses.append(float(loss))
        numbers[name] = sum(losses[-50:]) / 50
    return numbers


def cell_as_published():
    """A masked cell whose body was left out: the new state is returned without ever being computed."""
    try:
        from torch import ones, zeros
        from torch.nn import LSTMCell

        sizes = (FEATURES, UNITS)
    except ImportError:  # the same body on Keras' cell fails in the same line
        from keras.layers import LSTMCell
        from numpy import ones, zeros

        sizes = (UNITS,)

    class MaskedCell(LSTMCell):
        def forward(self, x, state, mask):
            hidden, cell = state  # noqa: RUF059
            x = x * mask
            ...  # the gates would go here
            return next_hidden, next_cell  # noqa: F821

    state = zeros((2, UNITS)), zeros((2, UNITS))
    return MaskedCell(*sizes).forward(ones((2, FEATURES)), state, zeros((2, 1)))


def masked_cell() -> Measured:
    """The cell finished in three ways; what its state does on masked steps."""
    try:
        import torch
    except ImportError:
        return tell_cell(masked_cell_in_tensorflow(), WITHOUT_TORCH)

    class MaskedCell(torch.nn.LSTMCell):
        """`hold` names the states that are carried through unchanged where the mask is 0."""

        hold = ""

        def forward(self, x, state, mask):
            h, c = state
            next_h, next_c = super().forward(x * mask[:, None], state)
            step = mask[:, None].bool()
            return (
                torch.where(step, next_h, h) if "h" in self.hold else next_h,
                torch.where(step, next_c, c) if "c" in self.hold else next_c,
            )

    given = {name: torch.tensor(values, dtype=torch.float64) for name, values in drawn().items()}
    x, mask = given["x"], given["mask"].clone()
    mask[:, 2] = 0  # a masked step in the middle: what follows must not notice
    cell = MaskedCell(FEATURES, UNITS, dtype=torch.float64)
    numbers = {}
    with torch.no_grad():
        cell.weight_ih.copy_(given["kernel"])
        cell.weight_hh.copy_(given["recurrent"])
        cell.bias_ih.copy_(given["bias"])
        cell.bias_hh.zero_()

        def final(steps):
            state, moved = (torch.zeros(4, UNITS, dtype=torch.float64),) * 2, [0.0, 0.0]
            for step in steps:
                following = cell(x[:, step], state, mask[:, step])
                if mask[0, step] == 0:
                    moved = [
                        max(far, (new - old).abs().max().item())
                        for far, new, old in zip(moved, following, state, strict=True)
                    ]
                state = following
            return state[0], moved

        for name, cell.hold in (("input", ""), ("h_only", "h"), ("h_and_c", "hc")):
            h, (h_moved, c_moved) = final(range(6))
            deleted, _ = final((0, 1, 3))
            numbers |= {f"{name}_h_moved": h_moved, f"{name}_c_moved": c_moved}
            numbers[f"{name}_off"] = (h - deleted).abs().max().item()
    return tell_cell(numbers, f"PyTorch {torch.__version__}")


def masked_cell_in_tensorflow() -> dict:
    """What `masked_cell` measures, without PyTorch."""
    import numpy as np
    import tensorflow as tf

    given = drawn()
    x, mask = given["x"], given["mask"].copy()
    mask[:, 2] = 0
    weights = [tf.constant(given[name]) for name in ("kernel", "recurrent", "bias")]
    numbers = {}

    def final(steps, hold):
        h = c = tf.zeros((4, UNITS), tf.float64)
        moved = [0.0, 0.0]
        for step in steps:
            m = mask[:, step, None]
            next_h, next_c = lstm_step(tf.constant(x[:, step] * m), h, c, *weights)
            next_h = tf.where(m == 1, next_h, h) if "h" in hold else next_h
            next_c = tf.where(m == 1, next_c, c) if "c" in hold else next_c
            if mask[0, step] == 0:
                moved = [
                    max(moved[0], float(np.abs(next_h - h).max())),
                    max(moved[1], float(np.abs(next_c - c).max())),
                ]
            h, c = next_h, next_c
        return h, moved

    for name, hold in (("input", ""), ("h_only", "h"), ("h_and_c", "hc")):
        h, (h_moved, c_moved) = final(range(6), hold)
        deleted, _ = final((0, 1, 3), hold)
        numbers |= {f"{name}_h_moved": h_moved, f"{name}_c_moved": c_moved}
        numbers[f"{name}_off"] = float(np.abs(h - deleted).max())
    return numbers


def tell_cell(numbers: dict, ran: str) -> Measured:
    words = {"input": "input times mask", "h_only": "h carried through", "h_and_c": "h and c carried through"}
    rows = tuple(
        {
            "cell": words[name],
            "h moves on a masked step": numbers[f"{name}_h_moved"],
            "c moves on a masked step": numbers[f"{name}_c_moved"],
            "last h off by": numbers[f"{name}_off"],
        }
        for name in words
    )
    sentence = (
        f"Measured with {ran}. With only the input masked, h moves by {numbers['input_h_moved']:.2g} and c by "
        f"{numbers['input_c_moved']:.2g} on a masked step. With h carried through, c still moves by "
        f"{numbers['h_only_c_moved']:.2g}, and the last h is {numbers['h_only_off']:.2g} off. With both, h and c move "
        f"by {max(numbers['h_and_c_h_moved'], numbers['h_and_c_c_moved']):g}, and the last h is "
        f"{numbers['h_and_c_off']:g} off from deleting the steps."
    )
    return Measured(sentence, numbers, rows)


def comparable(run) -> bool:
    """Whether the validation loss is not a number, or can be told in multiples of the loss on real steps."""
    held_out, real = run.snapshot.val_loss[-1], run.snapshot.real_loss[-1]
    return held_out != held_out or (held_out >= 0 and 0 <= real < float("inf"))


def kept_up(run) -> str:
    """How the validation loss ends beside the loss on the real training steps."""
    held_out, real = float(run.snapshot.val_loss[-1]), float(run.snapshot.real_loss[-1])
    if held_out <= 4 * real:
        return "close"
    return "above" if held_out <= 100 * real else "far"


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
        Preset(
            "fixed",
            "Masked in both",
            "The same model and labels; the validation data come with their mask.",
            BASE,
        ),
        Preset(
            "answer",
            "What the answer said",
            "A Masking layer for rows of -1: this one is right. The experiment beside it shows its limits.",
            BASE.with_changes({"padded_inputs": "minus_one"}),
            ("D1",),
            claimed="Masking(-1) in front of the LSTM makes it leave out the rows that hold -1.",
            truth="True: a masked step is as good as deleted. But every feature must hold the value, a mask per "
            "feature is refused, and a masked step repeats the output before it.",
            published=Experiment(
                "Masking(-1)",
                "A masked step against the same step deleted.",
                masking_layer,
            ),
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
                lambda run: kept_up(run) == "close",
                "A validation set is not masked because the training set was. If its padding is in the loss, no amount "
                "of learning brings the loss down.",
            ),
            Answer(
                "Above it, as with unseen data",
                lambda run: kept_up(run) == "above",
                "A gap is not always overfitting. First ask whether both numbers are about the same steps.",
            ),
            Answer(
                "More than a hundred times above it, or not a number",
                lambda run: kept_up(run) == "far",
                "Garbage in a padded label does no harm where a mask leaves it out.",
            ),
        ),
        answerable=comparable,
    ),
    contrast=Contrast("broken", "fixed", "validation loss", lambda run: run.snapshot.val_loss[-1]),
    experiments=(
        Experiment(
            "Validation data in three ways",
            "Which of val_loss, metrics and weighted_metrics hears of the padding?",
            three_ways,
        ),
        Experiment(
            "masked cell",
            "The PyTorch cell, finished: what moves where the mask is 0?",
            masked_cell,
        ),
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
            broken=every_label,
            mended=but_marked_labels,
            hints=(
                "The label says whether a step is padded: no real label is 1000.",
                "Multiply each error by 1 where the label is not 1000, and by 0 where it is.",
                "Divide the sum of what is left by the number of steps that are left.",
            ),
            goal=Goal(error=0.2, val_loss=0.5),
        ),
    ),
)
