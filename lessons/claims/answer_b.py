"""Claims of answer B, “Why is my model with a custom loss not learning?”."""

from lessons.claims.apparatus import dense, lstm, padded_batch, points, stack, training
from lessons.claims.claim import HALF, ROUNDING, beyond, claims_of, finite, near, under
from lessons.claims.readings import accuracy, change, constant_error, mean_error, moved_by_garbage, probe, slope
from lessons.recipe.losses import bce_from_logits, mae, mse, scalar_mse

claim = claims_of("B")

EPOCHS = 100  # as many as the answer trained
HIGH = 0.1  # a mean squared error of 0/1 labels that is not low: always answering 0.5 makes 0.25
JUMP = 0.1  # a rise from one step to the next by a tenth of the first loss shows as a spike
EXPLODES = 1e3  # such a gradient moves the weights a thousand times further than a plain error would
DEAD = 1e-3  # under such a gradient a wrong answer stays


def classifier(seed: int = 0, activation: str | None = "sigmoid"):
    """Two inputs, eight ReLUs, one answer."""
    return stack(dense(8, "relu", seed), dense(1, activation, seed + 100), shape=(2,))


# --- 9


def one_per_sequence(y_true, y_pred):
    """squared error, one value per sequence"""
    from keras import ops

    return ops.mean(ops.square(y_true - y_pred), axis=(1, 2))


def as_keras(model, loss, x, y):
    """Gradients as `fit` takes them: whatever shape the loss returns, Keras reduces it (keras/src/losses/loss.py)."""
    return probe(model, loss, x, y).gradient


def scalars_only(model, loss, x, y):
    """Gradients in a library like PyTorch: backward() takes a scalar and reduces nothing by itself."""
    if loss(y, model(x)).shape.rank:
        raise ValueError("grad can be created only for scalar outputs")
    return probe(model, loss, x, y).gradient


def scalar_is_needed(n):
    """Needed means: without it the library refuses, or computes another gradient."""
    needed = {one: n[f"refused_per_{one}"] or beyond(n[f"change_per_{one}"], ROUNDING) for one in ("step", "sequence")}
    return under({f"against one value per {one}": needed[one] for one in needed})


@claim(
    9,
    "A custom loss must return a single scalar per batch",
    rule=scalar_is_needed,
    says="Gradients against those of the scalar: {change_per_step:.2g} apart with one value per step (refused: "
    "{refused_per_step}), {change_per_sequence:.2g} apart with one per sequence (refused: "
    "{refused_per_sequence}). Under a mask, garbage in padded labels changes the scalar's gradient by "
    "{leak_scalar:.3g} times its size, the per-step one's by {leak_per_step:.2g}.",
    counter={"gradients": scalars_only},
    counter_says="a library that differentiates scalars only, as PyTorch's backward() does",
)
def shape_of_the_loss(gradients=as_keras):
    import keras

    batch = padded_batch()
    model, masked = stack(lstm(), dense()), stack(keras.layers.Masking(0.0), lstm(), dense())
    scalar = gradients(model, scalar_mse, batch.x, batch.y)
    numbers = {"leak_scalar": moved_by_garbage(masked, scalar_mse), "leak_per_step": moved_by_garbage(masked, mse)}
    for name, loss in (("per_step", mse), ("per_sequence", one_per_sequence)):
        try:
            apart, refused = change(scalar, gradients(model, loss, batch.x, batch.y)), False
        except ValueError:
            apart, refused = None, True
        numbers |= {f"change_{name}": apart, f"refused_{name}": refused}
    return numbers


# --- 10


def error_above_half(y_true, y_pred):
    """squared error where the prediction exceeds 0.5, the loss of B1"""
    import tensorflow as tf

    return tf.where(y_pred > 0.5, tf.square(y_true - y_pred), 0.0)


def log_above_half(y_true, y_pred):
    """a branch whose own derivative is infinite at the threshold"""
    import tensorflow as tf

    return tf.where(y_pred > 0.5, tf.math.log(y_pred - 0.5), 0.0)


def gradient_is_missing(n):
    return under(
        {
            "just below the threshold": not finite(n["slope_below"]),
            "at the threshold": not finite(n["slope_at"]),
            "just above the threshold": not finite(n["slope_above"]),
        }
    )


@claim(
    10,
    "tf.where at a threshold makes the loss non-differentiable; TensorFlow cannot define a gradient there",
    example="B1",
    rule=gradient_is_missing,
    says="For label 0 the gradient is {slope_below:.3g} at p = 0.499, {slope_at:.3g} at the threshold 0.5 and "
    "{slope_above:.3g} at 0.501.",
    counter={"loss": log_above_half},
    counter_says="a branch whose own derivative is infinite at the threshold",
)
def where_at_a_threshold(loss=error_above_half):
    places = {"below": 0.499, "at": 0.5, "above": 0.501}
    return {f"slope_{name}": slope(loss, y=0.0, p=p)[1] for name, p in places.items()}


# --- 11


def wrong_side(y_true, y_pred):
    """share of answers on the wrong side of 0.5: flat pieces, no slope anywhere"""
    from keras import ops

    return ops.abs(y_true - 0.5 - 0.5 * ops.sign(y_pred - 0.5))


def high_and_still(n):
    """Hardly changed means: not even halved."""
    pairs = enumerate(zip(n["first_losses"], n["last_losses"], strict=True))
    return under({f"from seed {seed}": beyond(last, max(HIGH, HALF * first)) for seed, (first, last) in pairs})


@claim(
    11,
    "Loss after 100 epochs is relatively high and hardly changes",
    example="B1",
    rule=high_and_still,
    says="Starting weights from seeds 0 to 3: the loss goes from {first_losses} to {last_losses} in 100 epochs of "
    "4 batches, the accuracy is then {accuracies} (the more frequent label alone: {base_rate:.2f}).",
    counter={"loss": wrong_side},
    counter_says="a loss without any slope, the share of answers on the wrong side",
)
def loss_above_half_trained(loss=error_above_half):
    import numpy as np

    x = np.random.default_rng(0).uniform(size=(128, 10)).astype("float32")
    y = (x.mean(axis=1, keepdims=True) > 0.48).astype("float32")
    first, last, right = [], [], []
    for seed in range(4):
        model = stack(dense(1, "sigmoid", seed + 100), shape=(10,))
        losses = training(model, loss, rate=0.001)(x, y, 4 * EPOCHS)
        first.append(round(float(losses[0]), 4))
        last.append(round(float(losses[-1]), 4))
        right.append(round(accuracy(model(x).numpy(), y), 2))
    return {
        "first_losses": first,
        "last_losses": last,
        "accuracies": right,
        "base_rate": max(y.mean(), 1 - y.mean()),
    }


# --- 12


def hinge(y_true, y_pred):
    """hinge on labels of -1 and 1 made from 0 and 1: two straight pieces"""
    from keras import ops

    return ops.relu(1 - (2 * y_true - 1) * (2 * y_pred - 1))


def corners_keep_from_learning(n):
    """Not learning means: more than half of what the more frequent label alone gets wrong."""
    return under(
        {
            "with |error|": beyond(n["wrong_abs"], HALF * n["wrong_constant"]),
            "with a hinge": beyond(n["wrong_hinge"], HALF * n["wrong_constant"]),
        }
    )


@claim(
    12,
    "Piecewise linear functions without a smooth derivative keep the model from learning",
    rule=corners_keep_from_learning,
    says="A network of ReLUs after 150 steps answers {wrong_abs:.1%} wrong with |error| and {wrong_hinge:.1%} with "
    "a hinge; the more frequent label alone: {wrong_constant:.1%}.",
    counter={"straight": wrong_side, "bent": wrong_side},
    counter_says="piecewise constant losses instead of piecewise linear ones",
)
def piecewise_linear(straight=mae, bent=hinge):
    x, y = points("binary")

    def wrong(loss):
        model = classifier()
        training(model, loss)(x, y, 150)
        return 1 - accuracy(model(x).numpy(), y)

    return {
        "wrong_abs": wrong(straight),
        "wrong_hinge": wrong(bent),
        "wrong_constant": float(min(y.mean(), 1 - y.mean())),
    }


# --- 13, 14


def half_cross_entropy(y_true, y_pred):
    """-log(p + 1e-8) * y, the loss of B2"""
    from keras import ops

    return -ops.log(y_pred + 1e-8) * y_true


def misbehaves(n):
    steady = near(n["rise"], JUMP * n["loss_first"]) and near(n["loss_last"], HALF * n["loss_first"])
    worst = (n["loss32_label0"], n["loss32_label1"])
    worst16 = (n["loss16_label0"], n["loss16_label1"])
    return under(
        {
            "for the loss in float32": not steady or not all(map(finite, worst)),
            "for the share of wrong answers": beyond(n["wrong"], HALF * n["wrong_constant"]),
            "for the loss in float16": not all(map(finite, worst16)),
        }
    )


@claim(
    13,
    "-mean(log(p+1e-8)*y) may turn NaN, jump wildly or stagnate at a high error",
    example="B2",
    rule=misbehaves,
    says="In 150 steps the loss goes from {loss_first:.3g} to {loss_last:.2g}, its largest rise is {rise:.2g}. "
    "Wrong answers: {wrong:.1%} (the more frequent label alone: {wrong_constant:.1%}), smallest prediction "
    "{smallest:.3g}. At p = 0 the loss of labels 0 and 1 is {loss32_label0:.3g} and {loss32_label1:.3g} in "
    "float32, {loss16_label0:.3g} and {loss16_label1:.3g} in float16.",
    counter={"loss": bce_from_logits, "activation": None},
    counter_says="the whole cross-entropy, from logits",
)
def half_of_the_cross_entropy(loss=half_cross_entropy, activation="sigmoid"):
    import numpy as np

    x, y = points("binary")
    model = classifier(activation=activation)
    losses = training(model, loss)(x, y, 150)
    answers = model(x).numpy()
    zero = 0.0 if activation else -30.0  # the output that means p = 0
    return {
        "loss_first": losses[0],
        "loss_last": losses[-1],
        "rise": max(0.0, np.diff(losses).max()),
        "wrong": 1 - accuracy(answers if activation else answers + 0.5, y),
        "wrong_constant": min(y.mean(), 1 - y.mean()),
        "smallest": answers.min(),
        "loss32_label0": slope(loss, y=0.0, p=zero)[0],
        "loss32_label1": slope(loss, y=1.0, p=zero)[0],
        "loss16_label0": slope(loss, y=0.0, p=zero, dtype="float16")[0],
        "loss16_label1": slope(loss, y=1.0, p=zero, dtype="float16")[0],
    }


def gradient_in_trouble(n):
    def trouble(slope):
        return beyond(slope, EXPLODES) or near(slope, DEAD)

    return under(
        {
            "at the prediction itself where p = 0": trouble(n["slope_at_prediction"]),
            "behind a sigmoid at p = 0.0067": trouble(n["slope_at_logit_5"]),
            "behind a sigmoid at p = 2e-22": trouble(n["slope_at_logit_50"]),
        }
    )


@claim(
    14,
    "Predictions near 0 are problematic for the gradient",
    example="B2",
    rule=gradient_in_trouble,
    says="Label 1, prediction 0: the gradient at the prediction is {slope_at_prediction:.3g}. At the logit in "
    "front of the sigmoid it is {slope_at_logit_5:.3g} for logit -5 and {slope_at_logit_50:.3g} for logit "
    "-50.",
    counter={"loss": bce_from_logits, "activation": "linear"},
    counter_says="the whole cross-entropy, from logits",
)
def predictions_near_zero(loss=half_cross_entropy, activation="sigmoid"):
    import keras

    answer = keras.activations.get(activation)

    def at_logit(logit):
        return slope(lambda y, at: loss(y, answer(at)), y=1.0, p=logit)[1]

    return {
        "slope_at_prediction": slope(loss, y=1.0, p=float(answer(-200.0)))[1],
        "slope_at_logit_5": at_logit(-5.0),
        "slope_at_logit_50": at_logit(-50.0),
    }


# --- 15


def signed_error(y_true, y_pred):
    """the error without the square"""
    from keras import ops

    return ops.mean(y_true - y_pred)


def mse_learns(n):
    """Learning shows on data the model has not seen, against the best constant."""
    return under(
        {
            "on labels that follow from the inputs": near(n["error_distance"], HALF * n["constant_distance"]),
            "on random labels, as in B3": near(n["error_noise"], HALF * n["constant_noise"]),
        }
    )


@claim(
    15,
    "Plain MSE is a correct custom loss and learns progressively",
    example="B3",
    rule=mse_learns,
    says="Labels that follow from the inputs: error on new data {error_distance:.3g} (best constant "
    "{constant_distance:.3g}). Random labels: the loss goes from {loss_first_noise:.3g} to "
    "{loss_last_noise:.3g} (their variance: {variance_noise:.3g}), error on new data {error_noise:.3g} (best "
    "constant {constant_noise:.3g}).",
    counter={"loss": signed_error},
    counter_says="the mean error without the square",
)
def plain_mse(loss=scalar_mse):
    model = classifier(activation=None)
    train = training(model, loss, rate=0.01)
    numbers: dict[str, float] = {}
    for task in ("distance", "noise"):
        (x, y), (new_x, new_y) = points(task), points(task, seed=1)
        losses = train(x, y, 150)
        numbers |= {
            f"loss_first_{task}": losses[0],
            f"loss_last_{task}": losses[-1],
            f"variance_{task}": y.var(),
            f"error_{task}": mean_error(model(new_x).numpy(), new_y),
            f"constant_{task}": constant_error(new_y),
        }
    return numbers


# --- 16


def foreign_breaks(n):
    """Only if the same formula in Keras' own operations does reach the weights is it the foreign ones' doing."""
    own = n["weights_reached_keras"] == n["weights"]
    return under(
        {
            "in the graph that fit makes": own and not n["trains_in_fit"],
            "step by step (run_eagerly=True)": own and n["weights_reached"] < n["weights"],
        }
    )


@claim(
    16,
    "Non-TensorFlow operations in the loss break the gradient",
    rule=foreign_breaks,
    says="mean(square(y - p)) with {library}: a gradient for {weights_reached} of {weights} weights; fit trains "
    "it: {trains_in_fit}. With keras.ops: {weights_reached_keras} of {weights}.",
    counter={"library": "tf.experimental.numpy"},
    counter_says="tf.experimental.numpy, the same functions made of TensorFlow operations",
)
def foreign_operations(library="numpy"):
    import numpy
    import tensorflow as tf

    np = {"numpy": numpy, "tf.experimental.numpy": tf.experimental.numpy}[library]

    def foreign(y_true, y_pred):
        return np.mean(np.square(y_true - y_pred))

    x, y = points("distance", count=16)
    model = classifier(activation=None)
    try:
        training(model, foreign)(x, y, 1)
        trains = True
    except Exception:  # which one NumPy raises on a symbolic tensor has changed before
        trains = False
    return {
        "weights": len(model.trainable_variables),
        "weights_reached": probe(model, foreign, x, y).reached,
        "weights_reached_keras": probe(model, scalar_mse, x, y).reached,
        "trains_in_fit": trains,
        "library": np.__name__,
    }
