"""Lesson C: the mask reaches every loss that returns one value per step, and no loss that returns a scalar."""

from lessons.course.exercise import FindSetting, Goal, MendLoss, OrderLines
from lessons.course.experiment import Experiment, Measured
from lessons.course.lesson import Answer, Contrast, Lesson, Prediction, Preset, of_padding
from lessons.families.recurrent import Recurrent


# Texts of an exercise: what the learner mends, and one way to do it.
def one_number(y_true, y_pred):
    """squared error, one scalar"""
    from keras import ops

    return ops.mean(ops.square(y_true - y_pred))


def one_number_per_step(y_true, y_pred):
    """squared error, one value per step"""
    from keras import ops

    return ops.mean(ops.square(y_true - y_pred), axis=-1)


def masked_loss_of_the_backend() -> Measured:
    import numpy as np
    from keras import backend as K

    def masked_mse(y_true, y_pred):
        mask = K.cast(K.not_equal(y_true, 0), "float32")
        return K.mean(K.square(y_true * mask - y_pred * mask), axis=-1)

    loss = masked_mse(np.array([[1.0, 0.0]], "float32"), np.array([[0.5, 0.5]], "float32"))
    return Measured(f"The loss is {float(loss[0]):.3g}.", {"loss": float(loss[0])})


def mask_times_predict() -> Measured:
    import keras
    import numpy as np
    import tensorflow as tf

    x = np.random.default_rng(0).normal(size=(8, 6, 2)).astype("float32")
    mask = (np.arange(6) < np.arange(1, 9)[:, None] % 6 + 1).astype("float32")[..., None]
    y = x[..., :1] * mask
    inputs = keras.Input((6, 2))
    hidden = keras.layers.LSTM(4, return_sequences=True, kernel_initializer=keras.initializers.GlorotUniform(0))(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1)(hidden))
    gradients = {}
    for how, predict in (("model.predict(x)", lambda: model.predict(x, verbose=0)), ("model(x)", lambda: model(x))):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(tf.convert_to_tensor(predict()) * mask - y))
        gradients[how] = tape.gradient(loss, model.trainable_variables)
    rows = tuple(
        {"predictions from": how, "weights with a gradient": sum(g is not None for g in found), "weights": len(found)}
        for how, found in gradients.items()
    )
    lost, kept = (row["weights with a gradient"] for row in rows)
    return Measured(
        f"Through model.predict {lost} of {rows[0]['weights']} weights get a gradient, through model {kept}.",
        {"through predict": lost, "through model": kept},
        rows,
    )


BASE = Recurrent(padded_labels="garbage", epochs=30)


LESSON = Lesson(
    chapter="Five answers",
    order=3,
    title="Why does masking not affect my loss?",
    text=(
        "You pass a mask, and the loss still looks at the padding. Keras multiplies the mask into the values that your "
        "loss returns. **One value per step** can be masked; **one scalar** has the padding mixed in already. "
        "$L=\\frac{\\sum_t m_t\\,\\ell_t}{\\sum_t m_t}$ needs the single $\\ell_t$."
    ),
    aims=(
        "Say what shape a loss has to return for a Keras mask to work on it.",
        "Trace a mask from the layer that makes it to the loss that uses it.",
        "Read from the heatmap whether padding is being trained on.",
    ),
    notes=(
        "**Run it:** begin with “A scalar loss” and ask where in the code the mask would have to be multiplied in. "
        "Then “One value per step”: the two functions differ in one line. Keep “Mask lost on the way” for those "
        "who now believe that the shape is all that matters.\n\n"
        "**What people believe:** a Masking layer takes padded steps out of everything that follows; if the mask "
        "is right, the loss must be; without TimeDistributed the mask is lost.\n\n"
        "**Ask in the discussion:** after the mean over time, which number belongs to step 9? What would change if "
        "the padded labels held zeros instead of large values? Who multiplies, your function or Keras?\n\n"
        "**Time:** a full cycle for the first preset, a short one for the second. If you have ten minutes for the "
        "whole subject, teach this lesson."
    ),
    controls=("mask", "mask_shift", "loss", "epsilon"),
    more=(
        "padded_labels",
        "padding_share",
        "padding",
        "between",
        "reduction",
        "sample_weight",
        "cell",
        "task",
        "learning_rate",
        "epochs",
        "seed",
    ),
    losses=("mse", "scalar_mse", "mask_reading_mse", "label_masked_mse", "root_error", "mae", "huber"),
    presets=(
        Preset(
            "broken",
            "A scalar loss",
            "The mask is right, the loss returns one number: the padding stays in it, and so does its gradient.",
            BASE.with_changes({"loss": "scalar_mse"}),
            findings=("gradient_on_padding",),
        ),
        Preset(
            "fixed",
            "One value per step",
            "The same loss without the mean over time: Keras can leave the padded steps out.",
            BASE,
        ),
        Preset(
            "answer",
            "What the answer said",
            "TimeDistributed(Dense), so that the loss knows of the mask. A plain Dense in its place does the same.",
            BASE.with_changes({"between": "time_distributed"}),
            ("C3",),
            claimed="Without TimeDistributed around the Dense layer, masking never reaches the loss.",
            truth="Dense works step by step and passes the mask on. Set “Layer in between” to Dense: nothing moves.",
        ),
        Preset(
            "silent",
            "Mask lost on the way",
            "`t * 1.0` between the layers loses the mask, and Keras says nothing.",
            BASE.with_changes({"between": "times_one"}),
            findings=("mask_dropped",),
        ),
        Preset(
            "labels",
            "Mask from y != 0",
            "Real labels that are 0 are dropped as if they were padding: the model learns to answer 1.",
            BASE.with_changes(
                {"task": "binary", "loss": "label_masked_mse", "mask": "none", "padded_labels": "zero", "epochs": 60}
            ),
            ("C1",),
            claimed="A mask from y_true != 0, multiplied into labels and predictions, leaves only the relevant steps.",
            truth="A real label that is 0 is dropped like padding, and the mean still divides by all steps.",
            published=Experiment(
                "As published, with keras.backend",
                "The loss is called once, on one sequence of two steps.",
                masked_loss_of_the_backend,
                explains="Keras 3 took these functions out of `keras.backend`; `keras.ops` has them, and the run above "
                "uses those.",
            ),
            findings=("starved_steps", "looks_fine_but_wrong", "wrong_normalisation"),
        ),
        Preset(
            "predict",
            "Mask times predict()",
            "Multiply what the model answers by the mask: fine, if it is the model and not model.predict that answers.",
            BASE.with_changes({"padded_labels": "zero", "seed": "1"}),
            ("C2",),
            claimed="Multiply the output of model.predict by the mask and use a standard loss: simple and correct.",
            truth="predict returns NumPy. The tape sees no way back to the weights: nothing trains, without a word.",
            published=Experiment(
                "Gradients through model.predict and through model",
                "The same masked loss twice; how many weights get a gradient?",
                mask_times_predict,
            ),
        ),
        Preset(
            "reads_mask",
            "A scalar that reads the mask",
            "Sum over real steps ÷ (number of real steps + epsilon): a scalar loss that is right.",
            BASE.with_changes({"loss": "mask_reading_mse"}),
        ),
    ),
    prediction=Prediction(
        "How much of the gradient will lie on padding in the first epoch?",
        (
            Answer(
                "None: the mask keeps it away",
                "A mask works only where each step still has a loss of its own: Keras multiplies it into what the loss "
                "returns. A layer that forgets it, or a scalar, leaves nothing to multiply.",
            ),
            Answer(
                "Some, less than its share of the steps",
                "Padding does not pull by its share of the steps but by the size of its errors: by what the padded "
                "labels happen to hold.",
            ),
            Answer(
                "More than its share of the steps",
                "Where the mask reaches the loss, the padded steps have weight 0, whatever their labels hold.",
            ),
        ),
        lambda run: of_padding(run.leak[0], ~run.batch.label_real),
    ),
    contrast=Contrast("broken", "fixed", "error on real steps", lambda run: run.snapshot.error[-1]),
    reading=(
        ("Keras guide: masking and padding", "https://keras.io/guides/understanding_masking_and_padding/"),
        ("keras-team/keras #3086", "https://github.com/keras-team/keras/issues/3086"),
        ("tensorflow #34491", "https://github.com/tensorflow/tensorflow/issues/34491"),
    ),
    exercises=(
        MendLoss(
            name="per_step",
            title="Mend the scalar",
            asks="The mask is right and reaches the loss, yet garbage in the padding drives the training. Mend the "
            "loss so that Keras can leave the padded steps out.",
            settings=BASE,
            broken=one_number,
            mended=one_number_per_step,
            hints=(
                "Keras multiplies the mask into what your loss returns. What does this one return?",
                "Return one value for each step: a tensor of the shape (batch, time).",
                "Take the mean over the last axis only.",
            ),
            goal=Goal(error=0.3, leak=0),
        ),
        FindSetting(
            name="mask_meets_loss",
            title="Two things are wrong",
            asks="Nobody tells Keras of the padding, and the loss could not use it. Find settings under which no "
            "gradient lies on padding.",
            start=BASE.with_changes({"loss": "scalar_mse", "mask": "none"}),
            moves=("mask", "mask_shift", "loss", "between"),
            solution=BASE,
            hints=(
                "Repair one of the two, and look at the gradient: it is not enough.",
                "The mask has to be passed, and it has to be the true one.",
                "Pass the aligned mask, and choose a loss with one value per step or one that reads the mask itself.",
            ),
            goal=Goal(error=0.3, leak=0),
        ),
        OrderLines(
            name="read_the_mask",
            title="A scalar that reads the mask",
            asks="A loss that returns one number has to leave the padding out by itself. Put its lines in order; one "
            "of them makes a mask of the wrong thing and is better left out.",
            settings=BASE,
            lines=(
                "error = ops.square(y_true - y_pred)",
                'mask = getattr(y_pred, "_keras_mask", ops.ones_like(y_pred[..., 0]))',
                'mask = ops.expand_dims(ops.cast(mask, "float32"), axis=-1)',
                "error = error * mask",
                "return ops.sum(error) / ops.maximum(ops.sum(mask), 1)",
            ),
            spare=("mask = ops.not_equal(y_true[..., 0], 0)",),
            hints=(
                "The padded labels hold garbage: nothing can be told from whether a label is 0.",
                "Error (batch, time, 1) times mask (batch, time) needs one more axis in the mask, first.",
                "Error, mask, expand, multiply, divide.",
            ),
            goal=Goal(error=0.3, leak=0),
        ),
    ),
)
