"""Claims of answer D, “How do I apply a mask to training and validation data?”."""

from lessons.claims.apparatus import dense, lstm, stack
from lessons.claims.claim import ROUNDING, beyond, claims_of, near, under, whole
from lessons.claims.fronts import masking_of_zeros, no_masking
from lessons.claims.readings import change

claim = claims_of("D")

MOVED = 1e-3  # a state that moves by less than this on a masked step is as good as held


def recurrent(units: int = 8, seed: int = 0, **options):
    """An LSTM whose biases are drawn too, as after training or as PyTorch starts one: uniform up to 1 / sqrt(units)."""
    import keras

    reach = units**-0.5
    drawn = keras.initializers.RandomUniform(-reach, reach, seed)
    return lstm(units, seed, bias_initializer=drawn, unit_forget_bias=False, **options)


def one_sequence(seed: int = 0):
    """x (1, 6, 2) with steps 2 and 5 masked, mask (1, 6): one gap in the middle, one at the end."""
    import numpy as np

    x = np.random.default_rng(seed).normal(size=(1, 6, 2)).astype("float32")
    return x, np.array([[True, True, False, True, True, False]])


# --- 23


def keras_lstm():
    """What Keras has."""
    return lstm(return_sequences=False)


def lstm_of_feature_masks():
    """An LSTM from a library whose masks are shaped like the input."""
    import keras

    class FeatureMasked(keras.layers.LSTM):
        def call(self, x, mask=None, **options):
            if mask is not None:
                mask = keras.ops.any(keras.ops.reshape(mask, keras.ops.shape(x)), axis=-1)
            return super().call(x, mask=mask, **options)

    return FeatureMasked(8, kernel_initializer=keras.initializers.GlorotUniform(0))


def shape_of_the_input(n):
    return whole(
        {"(batch, time, features) is taken": n["takes_input_shape"], "(batch, time) is not": not n["takes_step_shape"]}
    )


@claim(
    23,
    "The mask must have the shape of the input, (batch, time, features)",
    rule=shape_of_the_input,
    says="The LSTM takes a mask (batch, time): {takes_step_shape}; a mask (batch, time, features): "
    "{takes_input_shape}. With the first, its answer is {apart:.2g} away from that for the sequence without "
    "its masked steps.",
    counter={"layer": lstm_of_feature_masks},
    counter_says="a library whose LSTM wants a mask shaped like the input",
)
def shape_of_the_mask(layer=keras_lstm):
    import numpy as np

    x, mask = one_sequence()
    recurrent_layer = layer()
    recurrent_layer.build(x.shape)
    without = recurrent_layer(x[:, mask[0]]).numpy()

    def answer(mask):
        try:
            return recurrent_layer(x, mask=mask).numpy()
        except Exception:  # TensorFlow's and Python's errors, according to where the shapes clash
            return None

    by_step, by_feature = answer(mask), answer(np.repeat(mask[..., None], x.shape[-1], axis=-1))
    return {
        "takes_step_shape": by_step is not None,
        "takes_input_shape": by_feature is not None,
        "apart": None if by_step is None else change(without, by_step),
    }


# --- 24


def keras_masking(cell, x, mask):
    """States (batch, time, units) of Keras' own recurrence (keras/src/backend/tensorflow/rnn.py)."""
    import keras

    return keras.layers.RNN(cell, return_sequences=True)(x, mask=mask).numpy()


def multiplied_masking(cell, x, mask):
    """A recurrence that multiplies the mask into input, output and cell state."""
    import numpy as np
    import tensorflow as tf

    states, found = [tf.zeros((1, cell.units))] * 2, []
    for t in range(x.shape[1]):
        m = float(mask[0, t])
        _, states = cell(x[:, t] * m, [state * m for state in states])
        states = [state * m for state in states]
        found.append(states[0].numpy())
    return np.stack(found, axis=1)


def multiplies(n):
    return whole(
        {
            "the state is what multiplying gives": near(n["from_multiplying"], ROUNDING),
            "and not what was there before": beyond(n["from_held"], ROUNDING),
        }
    )


@claim(
    24,
    "The mask is multiplied with the input and the hidden state",
    rule=multiplies,
    says="After a masked step the hidden state has size {size_after:.3g}, before it {size_before:.3g}. It is "
    "{from_held:.2g} away from the state before and {from_multiplying:.2g} away from the state that "
    "multiplying would give.",
    counter={"recurrence": multiplied_masking},
    counter_says="a library that multiplies the mask into input and state",
)
def mask_in_the_recurrence(recurrence=keras_masking):
    import numpy as np

    x, mask = one_sequence()
    layer = recurrent()
    layer.build(x.shape)
    states = recurrence(layer.cell, x, mask)  # (1, time, units)
    multiplied = multiplied_masking(layer.cell, x, mask)
    gap = 2  # the masked step in the middle
    return {
        "size_before": np.abs(states[0, gap - 1]).max(),
        "size_after": np.abs(states[0, gap]).max(),
        "from_held": np.abs(states[0, gap] - states[0, gap - 1]).max(),
        "from_multiplying": np.abs(states[0, gap] - multiplied[0, gap]).max(),
    }


# --- 25


def handles_zeros(n):
    return under(
        {
            "with padding after the steps": near(n["post"], MOVED),
            "with padding before the steps and biases still 0": near(n["pre"], MOVED),
            "with padding before the steps and biases as after training": near(n["pre_biased"], MOVED),
        }
    )


@claim(
    25,
    "Standard LSTMs implicitly handle zero padding",
    rule=handles_zeros,
    says="Four steps of zeros move the last state by {post:.2g} behind the sequence, by {pre:.2g} in front of it, "
    "and by {pre_biased:.2g} in front of it once the biases are not 0.",
    counter={"front": masking_of_zeros},
    counter_says="Masking(0) in front of the LSTM",
)
def zero_padding(front=no_masking):
    import numpy as np

    x, _ = one_sequence()
    zeros = np.zeros((1, 4, 2), "float32")

    def moved(layer, padded):
        model = stack(front(), layer)
        return np.abs(model(padded) - model(x)).max()

    post, pre = np.concatenate([x, zeros], axis=1), np.concatenate([zeros, x], axis=1)
    plain, biased = lstm(return_sequences=False), recurrent(return_sequences=False)
    return {"post": moved(plain, post), "pre": moved(plain, pre), "pre_biased": moved(biased, pre)}


# --- 26


def handles_missing(n):
    return whole(
        {
            "forward: as if the steps were deleted": near(n["output_apart"], ROUNDING),
            "backward: the same gradient for the weights": near(n["gradient_apart"], ROUNDING),
            "backward: none for the missing inputs": n["gradient_at_missing"] == 0,
        }
    )


@claim(
    26,
    "Masking(-1) handles missing steps in forward and backward pass",
    example="D1",
    rule=handles_missing,
    says="Against the sequence with its missing steps deleted: outputs {output_apart:.2g} apart, weight gradients "
    "{gradient_apart:.2g} apart; the gradient at the missing inputs is {gradient_at_missing:.2g}.",
    counter={"missing_features": 1},
    counter_says="steps in which one of the two features is missing",
)
def masking_minus_one(missing_features=2):
    import keras
    import numpy as np
    import tensorflow as tf

    x, mask = one_sequence()
    x[~mask, :missing_features] = -1.0
    model = stack(keras.layers.Masking(-1.0), recurrent(return_sequences=False), dense())

    def look(x):
        x = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            output = model(x)
        at_x, *at_weights = tape.gradient(output, [x, *model.trainable_variables])
        return output.numpy(), at_x.numpy(), np.concatenate([np.ravel(one) for one in at_weights])

    output, at_x, at_weights = look(x)
    output_deleted, _, at_weights_deleted = look(x[:, mask[0]])
    return {
        "output_apart": change(output_deleted, output),
        "gradient_apart": change(at_weights_deleted, at_weights),
        "gradient_at_missing": np.abs(at_x[~mask]).max(),
    }


# --- 27, 28


def masked_input(cell, x, m, states):
    """One step as D2 and D3 take it: the input is multiplied by the mask, the state goes on."""
    return cell(x * m, states)[1]


def held_state(cell, x, m, states):
    """One step that does nothing where the mask is 0: h and c are carried through."""
    import tensorflow as tf

    new = cell(tf.where(m > 0, x, 0.0), states)[1]
    return [tf.where(m > 0, after, before) for after, before in zip(new, states, strict=True)]


def run_through(cell, step, x, mask):
    """Hidden and cell state (2, units) after every step, and the last hidden state as a tensor."""
    import tensorflow as tf

    states, found = [tf.zeros((1, cell.units))] * 2, []
    for t in range(x.shape[1]):
        states = step(cell, x[:, t], float(mask[0, t]), states)
        found.append([state.numpy()[0] for state in states])
    return found, states[0]


def built_cell():
    """An LSTM cell with weights and biases drawn as PyTorch draws them: all uniform up to 1 / sqrt(units)."""
    import keras

    reach = 8**-0.5
    kernel, recurrent_kernel, bias = (keras.initializers.RandomUniform(-reach, reach, seed) for seed in range(3))
    cell = keras.layers.LSTMCell(8, "tanh", "sigmoid", True, kernel, recurrent_kernel, bias, unit_forget_bias=False)
    cell.build((1, 2))
    return cell


def kept_out(n):
    return whole(
        {
            "no gradient at masked inputs": n["gradient_at_masked"] == 0,
            "the last output is that of the sequence without them": near(n["apart"], MOVED),
            "NaN in a masked input stays out": n["finite_with_nan"],
        }
    )


@claim(
    27,
    "Multiplying the input by the mask keeps masked steps out of the computation (PyTorch)",
    example="D2",
    rule=kept_out,
    says="The same arithmetic in TensorFlow: the gradient at masked inputs is {gradient_at_masked:.2g}; the last "
    "output begins with {output:.3f}, without the masked steps {output_deleted:.3f} (largest difference "
    "{apart:.2g}); finite with NaN at masked inputs: {finite_with_nan}.",
    counter={"step": held_state},
    counter_says="a step that holds the state where the mask is 0",
)
def input_times_mask(step=masked_input):
    import numpy as np
    import tensorflow as tf

    x, mask = one_sequence()
    cell = built_cell()
    given = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(given)
        _, last = run_through(cell, step, given, mask)
    at_input = tape.gradient(last, given).numpy()
    real = x[:, mask[0]]
    _, deleted = run_through(cell, step, real, np.ones(real.shape[:2], bool))
    _, with_nan = run_through(cell, step, np.where(mask[..., None], x, np.nan).astype("float32"), mask)
    return {
        "output": float(last[0, 0]),
        "output_deleted": float(deleted[0, 0]),
        "apart": np.abs(last - deleted).max(),
        "gradient_at_masked": np.abs(at_input[~mask]).max(),
        "finite_with_nan": bool(np.isfinite(with_nan).all()),
    }


def full_control(n):
    return whole(
        {
            "the hidden state rests on a masked step": near(n["hidden_moved"], MOVED),
            "the cell state rests on a masked step": near(n["cell_moved"], MOVED),
        }
    )


@claim(
    28,
    "A cell that masks its input gives full control over masked steps",
    example="D3",
    rule=full_control,
    says="The same arithmetic in TensorFlow: on a masked step the hidden state moves by {hidden_moved:.2g} and the "
    "cell state by {cell_moved:.2g}.",
    counter={"step": held_state},
    counter_says="a cell that carries h and c through where the mask is 0",
)
def cell_that_masks_its_input(step=masked_input):
    import numpy as np

    x, mask = one_sequence()
    states, _ = run_through(built_cell(), step, x, mask)
    (before, after) = states[1], states[2]  # step 2 is masked
    moved = np.abs(np.subtract(after, before)).max(axis=1)
    return {"hidden_moved": moved[0], "cell_moved": moved[1]}
