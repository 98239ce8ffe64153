"""Chapter three: a loss near 0 that a model owes to what it will not have, the tokens that come after."""

import math

from lessons.course.exercise import FindSetting, Goal
from lessons.course.lesson import Answer, Contrast, Lesson, Prediction, Preset
from lessons.families.decoder import Decoder

BASE = Decoder(padded_labels="zero", epochs=60)
RIGHT = 0.5  # of the next tokens that the loss counts
ALONE = 0.2  # of the answers, wrong: more are many


def log_of_probability(y_true, y_pred, epsilon):
    """minus log(probability of the right token + epsilon), one value per step"""
    from keras import ops

    token = ops.one_hot(ops.cast(y_true[..., 0], "int32"), y_pred.shape[-1], dtype=y_pred.dtype)
    return -ops.log(ops.sum(ops.softmax(y_pred) * token, axis=-1) + epsilon)


def how_it_does(run) -> int | None:
    """0: most next tokens are right, and so is what it writes alone, 1: they are, and many of its own answers are not,
    2: most next tokens are wrong in training already. None where no error or measure could tell."""
    alone = run.measures.get("wrong_alone", math.nan)
    if math.isnan(alone) or math.isnan(run.snapshot.error[-1]):
        return None
    counted = run.settings.taught(run.batch.x, run.batch.real)
    if (run.predictions == run.batch.truth[..., 0])[counted].mean() < RIGHT:
        return 2
    return 0 if alone < ALONE else 1


LESSON = Lesson(
    chapter="Attention and tokens",
    order=3,
    title="Why is it perfect in training and useless alone?",
    text=(
        "A text model learns from whole texts: at every step the label is the **next** token, and the text before it "
        "is the true one. When it writes, it has its own words only. Two mistakes make the loss fall to almost 0 and "
        "teach nothing. Without a **causal mask** a step may look at the next token, which is its label. With labels "
        "that are **not shifted** the label is the token that stands there already. In both the answer is copied, not "
        "predicted, and no loss, trained or held out, can tell. Let it write: here a prompt of letters, a separator, "
        "and then the letters in their order, each once."
    ),
    aims=(
        "Say of a step what the model sees there and what its label is.",
        "Give two mistakes that make a loss of almost 0 and a model that cannot write.",
        "Test a model that writes by letting it write.",
    ),
    notes=(
        "**Run it:** open “No causal mask” and let the room say from the loss curve how good the model is, before the "
        "prediction. After the reveal run “Causal”, whose loss is the worse one, and then “Labels not shifted”.\n\n"
        "**What people believe:** a loss near 0 is success; held-out data would show it; a mask for padding keeps the "
        "future out as well; the library shifts the labels, or the tokenizer did.\n\n"
        "**Ask in the discussion:** can the letters of a prompt be predicted at all? What would a loss be that is as "
        "good as it can get? What does the model look at when there is no next token yet?\n\n"
        "**Time:** one full cycle for the opening preset; “Labels not shifted” deserves a vote of its own. “The answer "
        "only” takes two minutes and needs no vote."
    ),
    controls=("causal_mask", "shift", "mask", "loss", "epsilon"),
    more=(
        "counted",
        "mask_shift",
        "padding",
        "padding_share",
        "masked_score",
        "units",
        "batch_size",
        "learning_rate",
        "epochs",
        "seed",
    ),
    losses=("cross_entropy", "useless_alone.log_of_probability", "scalar_cross_entropy"),
    presets=(
        Preset(
            "broken",
            "No causal mask",
            "Every step may look at the whole text, its own label included: it learns to look one step ahead.",
            BASE.with_changes({"causal_mask": "none"}),
            findings=("causal_leak",),
        ),
        Preset("fixed", "Causal", "A step sees the tokens up to its own, as it will when the model writes.", BASE),
        Preset(
            "unshifted",
            "Labels not shifted",
            "Each token is its own label: the mask is right, and there is nothing to predict.",
            BASE.with_changes({"shift": "same"}),
            findings=("labels_not_shifted", "looks_fine_but_wrong"),
        ),
        Preset(
            "padded",
            "Padding comes first",
            "People say that padding on the left keeps the future out. The text is where it was, and so is the leak.",
            BASE.with_changes({"causal_mask": "none", "padding": "pre"}),
            findings=("causal_leak",),
        ),
        Preset(
            "answer_ahead",
            "The answer only, no causal mask",
            "People say that the prompt is to blame. Without its labels the answer is looked up just the same.",
            BASE.with_changes({"causal_mask": "none", "counted": "answer"}),
            findings=("causal_leak",),
        ),
        Preset(
            "answer",
            "The answer only",
            "Causal, and the letters of the prompt, which nobody can predict, are left out of the loss.",
            BASE.with_changes({"counted": "answer"}),
        ),
    ),
    prediction=Prediction(
        "How good is this model after training, on the tokens that its loss counts, and when it writes alone?",
        (
            Answer(
                "Next tokens are right, and so are the answers that it writes alone",
                "A model writes as it was trained only if it saw no more then than it sees when it writes.",
            ),
            Answer(
                "Next tokens are right, and of the answers that it writes alone many are wrong",
                "That takes a model that could look its labels up, and here it cannot, or it has learned the wrong "
                "labels.",
            ),
            Answer(
                "Next tokens are wrong in training already",
                "A low loss means right answers to the labels that were given. They may be other ones than the next "
                "tokens.",
            ),
        ),
        how_it_does,
    ),
    contrast=Contrast("broken", "fixed", "answers wrong when it writes alone", lambda run: run.measures["wrong_alone"]),
    reading=(
        ("Keras: MultiHeadAttention", "https://keras.io/api/layers/attention_layers/multi_head_attention/"),
        (
            "transformers #48745: four decoders that looked ahead",
            "https://github.com/huggingface/transformers/issues/48745",
        ),
        ("A decoder without a causal mask", "https://github.com/alex-matton/causal-transformer-decoder/issues/1"),
        (
            "Good translations, and none from scratch",
            "https://github.com/IpsumDominum/Pytorch-Simple-Transformer/issues/3",
        ),
    ),
    exercises=(
        FindSetting(
            name="write_alone",
            title="Let it write",
            asks="The loss is almost 0, and the model cannot write one answer in ten. Make it write its answers alone.",
            start=BASE.with_changes({"causal_mask": "none", "shift": "same"}),
            moves=("causal_mask", "shift", "counted", "padding"),
            solution=BASE,
            hints=(
                "There are two mistakes. With either of them the loss is as good as with both.",
                "At step 3 of a text: which tokens may it look at, and which one is its label?",
                "The label is the next token, and the next token must not be seen.",
            ),
            goal=Goal(wrong_alone=0.3),
        ),
        FindSetting(
            name="ends_with_padding_first",
            title="Padding on the left",
            asks="The texts are padded on the left, and the attention was written by hand. Nothing is a number. Find "
            "settings under which it writes its answers alone; the padding stays on the left.",
            start=BASE.with_changes({"padding": "pre", "masked_score": "inf"}),
            moves=("masked_score", "causal_mask", "units"),
            solution=BASE.with_changes({"padding": "pre"}),
            hints=(
                "Which tokens may the first step of a padded text look at?",
                "Without a causal mask each step can see something, and too much.",
                "A softmax over nothing but −inf is 0/0. Who knows what to do with such a row?",
            ),
            goal=Goal(wrong_alone=0.3),
        ),
    ),
)
