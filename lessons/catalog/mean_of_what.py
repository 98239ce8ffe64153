"""Chapter three: what a loss over tokens is a mean of, and who pulls on the weights because of it."""

import numpy as np

from lessons.course.exercise import FindSetting, Goal
from lessons.course.experiment import Experiment, Measured
from lessons.course.lesson import Answer, Contrast, Lesson, Prediction, Preset
from lessons.families.decoder import Decoder

BASE = Decoder(padded_labels="zero", padding_share=0.6, epochs=28)
ALIKE = 2.0  # times another token's gradient: below, two of them weigh the same
SOME = 0.01  # of the gradient lies on padding: a step takes part


def mean_of_sequences(y_true, y_pred, epsilon):
    """cross-entropy, one scalar: mean over each text's valid tokens, then over texts"""
    from keras import losses, ops

    each = losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)  # (batch, time)
    mask = getattr(y_pred, "_keras_mask", None)
    if mask is None:
        return ops.mean(each)
    counted = ops.cast(mask, each.dtype)
    return ops.mean(ops.sum(each * counted, axis=-1) / (ops.sum(counted, axis=-1) + epsilon))


def smoothed(y_true, y_pred):
    """cross-entropy with label_smoothing=0.1, one value per step"""
    import keras

    tokens = keras.ops.one_hot(keras.ops.cast(y_true[..., 0], "int32"), y_pred.shape[-1])
    return keras.losses.categorical_crossentropy(tokens, y_pred, from_logits=True, label_smoothing=0.1)


def four_cuts() -> Measured:
    """One batch of eight texts and one model: the gradient of its weights, the mean being taken in several ways."""
    import keras
    import tensorflow as tf

    from lessons.figures.experiment_figures import directions
    from lessons.recipe.data import training_batch
    from lessons.recipe.recipe import Recipe

    settings = BASE.with_changes({"sequences": 8, "padding_share": 0.5})
    batch, model = training_batch(Recipe(settings)), settings.build(settings.features)
    with tf.GradientTape(persistent=True) as tape:
        each = keras.losses.sparse_categorical_crossentropy(batch.y, model([batch.x, batch.real]), from_logits=True)
        real = tf.cast(batch.real, each.dtype)  # (batch, time)
        sums, counts = tf.reduce_sum(each * real, axis=1), tf.reduce_sum(real, axis=1)  # of each text
        pairs, lengths = (tf.reduce_sum(tf.reshape(one, (4, 2)), axis=1) for one in (sums, counts))  # micro-batches
        ways = {
            "all tokens": tf.reduce_sum(sums) / tf.reduce_sum(counts),
            "four micro-batches, then their mean": tf.reduce_mean(pairs / lengths),
            "each text, then their mean": tf.reduce_mean(sums / counts),
            "all steps, padding too": tf.reduce_mean(each),
            "four micro-batches, divided once": tf.reduce_sum(pairs / tf.reduce_sum(lengths)),
        }
    slopes = {}
    for way, loss in ways.items():
        parts = tape.gradient(loss, model.trainable_variables)
        slopes[way] = np.concatenate([np.ravel(tf.convert_to_tensor(part)) for part in parts]).astype(float)
    reference = slopes["all tokens"]
    length = np.linalg.norm(reference)
    angles, lengths_of = dict[str, float](), dict[str, float]()
    for way, slope in slopes.items():
        cosine = float(slope @ reference / (np.linalg.norm(slope) * length))
        angles[way] = round(float(np.degrees(np.arccos(min(1.0, cosine)))), 2)
        lengths_of[way] = float(np.linalg.norm(slope) / length)
    rows = [
        {"mean over": way, "loss": float(ways[way]), "angle in degrees": angles[way], "length": lengths_of[way]}
        for way in ways
    ]
    worst = max(angles, key=lambda way: angles[way])
    sentence = (
        f"The same texts and weights: the gradient of {worst} points {angles[worst]:.3g}° away from that of all "
        f"tokens, the mean of four micro-batches {angles['four micro-batches, then their mean']:.3g}°. Added up and "
        f"divided once the micro-batches are {angles['four micro-batches, divided once']:.3g}° away."
    )
    figure = directions({way: (angles[way], lengths_of[way]) for way in ways})
    return Measured(sentence, angles, tuple(rows), figure)


def weights_below_the_line() -> Measured:
    """Class weights and label smoothing on four tokens, one of them ignored: what the sum is divided by."""
    import keras

    scores = np.random.default_rng(1).normal(size=(1, 4, 3)).astype("float32")
    labels, kept = np.array([[1, 2, 2, 0]]), np.array([[1, 1, 1, 0]], "float32")  # the last one is ignored
    weights = np.array([1.0, 1.0, 5.0], "float32")[labels] * kept

    def loss(weight, reduction, smoothing=0.0):
        tokens = keras.ops.one_hot(labels, 3)
        made = keras.losses.CategoricalCrossentropy(True, label_smoothing=smoothing, reduction=reduction)
        return float(made(tokens, scores, sample_weight=weight))

    mean, whole = "mean_with_sample_weight", "sum_over_batch_size"
    ways = {
        "class weights, all steps": (weights, whole, 0.0),
        "class weights, their sum": (weights, mean, 0.0),
        "no weights, tokens kept": (kept, mean, 0.0),
        "smoothing, tokens kept": (kept, mean, 0.1),
        "smoothing, all steps": (kept, whole, 0.1),
        "smoothing, nothing ignored": (None, whole, 0.1),
    }
    rows = []
    for way, (weight, reduction, smoothing) in ways.items():
        total, value = loss(weight, "sum", smoothing), loss(weight, reduction, smoothing)
        rows.append({"way": way, "sum": total, "divided by": round(total / value, 4), "loss": value})
    numbers = {row["way"]: row["loss"] for row in rows}
    sentence = (
        f"Three tokens count and one is ignored. With class weights the loss is "
        f"{numbers['class weights, all steps']:.3g} over all steps and {numbers['class weights, their sum']:.3g} over "
        f"the sum of the weights. Smoothed it is {numbers['smoothing, tokens kept']:.3g} over the tokens kept, and "
        f"{numbers['smoothing, nothing ignored']:.3g} where the ignored one is smoothed too."
    )
    return Measured(sentence, numbers, tuple(rows))


def who_pulls(run) -> int | None:
    """0: tokens of short and long texts alike, 1: those of short texts harder, 2: padding too. None where no gradient
    could tell, or all texts are alike long."""
    gradient, real = run.snapshot.gradient[0], run.batch.label_real
    lengths = real.sum(axis=1)
    if not np.isfinite(run.leak[0]) or lengths.min() == lengths.max():
        return None
    if run.leak[0] > SOME:
        return 2
    pull = (gradient * real).sum(axis=1) / lengths  # of a token, by text
    short, long = (pull[lengths == length].mean() for length in (lengths.min(), lengths.max()))
    return int(short > ALIKE * long)


LESSON = Lesson(
    chapter="Attention and tokens",
    order=5,
    title="A mean of what?",
    text=(
        "A loss over texts is a mean, and there is more than one: over **tokens**, over **texts**, over "
        "**micro-batches**, or over all steps with the padding among them. $L=\\frac{1}{N}\\sum_t\\ell_t$ names one "
        "$N$ for all tokens. A mean of means gives each text, or each micro-batch, the same say, however few tokens it "
        "has: that is what a batch does that is cut into pieces for gradient accumulation or for several devices. And "
        "what is counted below the line without an error above it makes a loss, and its perplexity $e^L$, look small. "
        "Add up sums and counts, and divide once."
    ),
    aims=(
        "Say of a loss over texts what it is a mean of.",
        "Explain why a mean of means gives short texts more say.",
        "Give a reason not to compare two perplexities.",
    ),
    notes=(
        "**Run it:** open “Padding in the mean”, cover the dashed and the green curve, and ask how good the model is. "
        "After the reveal run “A mean over tokens”, then “Micro-batches”, and compare the gradient of the first text "
        "with that of the last. The experiment “One batch, four cuts” draws what is left as angles.\n\n"
        "**What people believe:** a mean is a mean; gradient accumulation equals a larger batch; a smaller "
        "perplexity belongs to the better model; a token is a token wherever it stands.\n\n"
        "**Ask in the discussion:** when is a mean of means the mean? Which text would you rather not lose: the long "
        "one or the short one? What does your own trainer divide by, and where would you look?\n\n"
        "**Time:** one full cycle for the opening preset and a short one for “Micro-batches”. “Each text first” has no "
        "wrong side; close with it if you want an argument."
    ),
    controls=("mask", "mask_shift", "batch_size", "loss", "epsilon", "reduction"),
    more=("padding_share", "padding", "counted", "units", "learning_rate", "epochs", "seed"),
    losses=("cross_entropy", "mean_of_what.mean_of_sequences", "mean_of_what.smoothed", "scalar_cross_entropy"),
    presets=(
        Preset(
            "broken",
            "Padding in the mean",
            "No mask: most of what is averaged is padding, which is soon predicted. Loss and perplexity look small.",
            BASE.with_changes({"mask": "none"}),
            findings=("gradient_on_padding",),
        ),
        Preset("fixed", "A mean over tokens", "The loss that is reported is that of the tokens.", BASE),
        Preset(
            "micro",
            "Micro-batches",
            "Four texts in each update, each update a mean: a token of the short texts weighs many times as much.",
            BASE.with_changes({"batch_size": 4}),
        ),
        Preset(
            "sequences",
            "Each text first",
            "A mean over each text, then over texts: the one token of the shortest weighs as much as the longest text.",
            BASE.with_changes({"loss": "mean_of_what.mean_of_sequences"}),
        ),
        Preset(
            "divided_once",
            "No mean in a micro-batch",
            "Sums, not means: each token weighs the same in whichever micro-batch it comes.",
            BASE.with_changes({"batch_size": 4, "reduction": "sum"}),
        ),
        Preset(
            "smoothed",
            "Label smoothing",
            "Right tokens are wanted with 0.9 only: the loss cannot reach 0, and compares with no loss without it.",
            BASE.with_changes({"loss": "mean_of_what.smoothed"}),
        ),
    ),
    prediction=Prediction(
        "In the first epoch, which steps pull hardest on the weights?",
        (
            Answer(
                "Every token alike, whether its text is long or short",
                "That takes one count for all tokens. A mean of means, or a mean over all steps, has another.",
            ),
            Answer(
                "Tokens of short texts, and no padding",
                "A token weighs more in a short text only where each text, or each batch, has a mean of its own.",
            ),
            Answer(
                "Padding pulls too",
                "Padding has no say where a mask, or the loss itself, leaves it out.",
            ),
        ),
        who_pulls,
    ),
    contrast=Contrast(
        "broken",
        "fixed",
        "loss of the tokens over the loss that is reported",
        lambda run: run.snapshot.real_loss[-1] / run.snapshot.loss[-1],
    ),
    experiments=(
        Experiment("One batch, four cuts", "How far apart do the gradients point?", four_cuts),
        Experiment(
            "Weights below the line", "What class weights and label smoothing are divided by.", weights_below_the_line
        ),
    ),
    reading=(
        (
            "transformers #34191: gradient accumulation was no larger batch",
            "https://github.com/huggingface/transformers/pull/34191",
        ),
        ("nanochat #59: the same, elsewhere", "https://github.com/karpathy/nanochat/pull/59"),
        ("pytorch #73205: smoothed, and ignored", "https://github.com/pytorch/pytorch/issues/73205"),
        ("mlx-lm #1855: perplexity by batch size", "https://github.com/ml-explore/mlx-lm/pull/1855"),
    ),
    exercises=(
        FindSetting(
            name="a_mean_that_heeds",
            title="A mean that heeds the mask",
            asks="The mask of the true lengths is passed, and padding pulls on the weights all the same. Find settings "
            "under which it does not; the mask stays as it is.",
            start=BASE.with_changes({"loss": "scalar_cross_entropy"}),
            moves=("loss", "reduction", "batch_size"),
            solution=BASE.with_changes({"loss": "mean_of_what.mean_of_sequences"}),
            hints=(
                "What does the loss return: one value for each step, or one for all?",
                "A mask leaves steps out of a mean that Keras takes. Of a number that is a mean already it cannot.",
                "Take a loss of one value per step, or one that reads the mask itself.",
            ),
            goal=Goal(leak=0, wrong_alone=0.5),
        ),
        FindSetting(
            name="out_of_the_mean",
            title="Out of the mean",
            asks="Two thirds of the loss are about padding. Find settings under which no step of padding pulls on the "
            "weights; how much padding there is stays as it is.",
            start=BASE.with_changes({"mask": "none", "batch_size": 4}),
            moves=("mask", "batch_size", "reduction", "loss"),
            solution=BASE,
            hints=(
                "A sum has padding in it as a mean has.",
                "The loss has to be told which steps are real, or to know padding by its label.",
                "Pass a mask of the true lengths.",
            ),
            goal=Goal(leak=0, wrong_alone=0.5),
        ),
    ),
)
