"""Chapter three, first lesson: which way round an attention mask is, whom it masks, and what it cannot do."""

from lessons.course.exercise import FindSetting, Goal
from lessons.course.experiment import Experiment, Measured
from lessons.course.lesson import Answer, Contrast, Lesson, Prediction, Preset
from lessons.families.encoder import ATTENDS, Encoder

BASE = Encoder(attention_mask="keys", padded_inputs="random", padded_labels="garbage", epochs=60)
ALIGNMENTS = (*ATTENDS, "none")
LEARNED = 0.5  # of the best constant's error


def padding_moved(picked=ALIGNMENTS) -> Measured:
    """Change the padded inputs and nothing else: how far do the outputs of one attention move?"""
    import keras
    import numpy as np

    rng = np.random.default_rng(0)
    real = np.arange(8) < np.array([5, 3])[:, None]
    x = rng.normal(size=(2, 8, 4)).astype("float32")
    other = np.where(real[..., None], x, 3 * rng.normal(size=x.shape)).astype("float32")
    attention = keras.layers.MultiHeadAttention(1, 8, kernel_initializer=keras.initializers.GlorotUniform(0))

    def moved(alignment: str):
        given = {} if alignment == "none" else {"attention_mask": ATTENDS[alignment](real)}
        before, after = (attention(one, one, **given).numpy() for one in (x, other))
        return np.abs(after - before), np.abs(after.max(axis=1) - before.max(axis=1))

    rows, bars = [], {}
    for alignment in picked:
        steps, pooled = moved(alignment)
        found = (float(steps[real].max()), float(steps[~real].max()), float(pooled.max()))
        bars[alignment] = found
        names = ("real steps moved by", "padded steps moved by", "maximum over all steps moved by")
        rows.append(
            {"attention mask": alignment} | {name: f"{one:.3g}" for name, one in zip(names, found, strict=True)}
        )
    still = [alignment for alignment, found in bars.items() if found[0] == 0]
    sentence = f"Of {len(rows)} ways {len(still)} leave the real steps where they were"
    sentence += f": {', '.join(still)}." if still else "."
    if still:
        pooled = max(bars[one][2] for one in still)
        sentence += f" A maximum over all steps still moves by {pooled:.3g}: padded queries put out numbers too."
    numbers = {"real": {one: found[0] for one, found in bars.items()}, "still": still}
    return Measured(sentence, numbers, tuple(rows), moved_figure(bars))


def moved_figure(bars) -> dict:
    """How far the outputs moved, for each alignment: at real steps, and after a maximum over all."""
    from lessons.figures.experiment_figures import grouped_bars
    from lessons.figures.marks import LEAK, REAL, titled

    heights = {
        "at real steps": (REAL, [found[0] for found in bars.values()]),
        "maximum over all steps": (LEAK, [found[2] for found in bars.values()]),
    }
    return grouped_bars(list(bars), heights, titled("output moved by"), "%{x}, {name}")


def what_padding_does(run) -> int | None:
    """0: none of the gradient at the inputs lies on padding, 1: some, and the model learns all the same, 2: it hardly
    learns. None without padding, and where no gradient or error could tell."""
    leak, error = float(run.input_leak[-1]), float(run.snapshot.error[-1])
    if run.batch.real.all() or leak != leak or error != error:
        return None
    if leak == 0:
        return 0
    return 1 if error < LEARNED * run.baseline else 2


LESSON = Lesson(
    chapter="Attention and tokens",
    order=1,
    title="Which way round is the attention mask?",
    text=(
        "An attention mask says for each query which keys it may look at: (batch, query, key). **In Keras True means "
        "attend; PyTorch’s `key_padding_mask` says True where a key is to be ignored.** Either has the right shape in "
        "the wrong place, and nobody complains. What keeps padding out is the mask of the **keys**, $m_{b,1,k}$: "
        "$\\sum_k w_{qk}v_k$ runs over keys. Masking queries changes rows that the loss leaves out anyway. A mask at "
        "the loss leaves out what is predicted *at* padding, not what real steps take *from* it. And a padded query "
        "still puts out numbers: a pooling needs the mask too."
    ),
    aims=(
        "Say what True means in the attention mask of a library before using it.",
        "Tell a mask of the keys from a mask of the queries, and say which one keeps padding out.",
        "Give a reason why a pooling after a rightly masked attention needs the mask again.",
    ),
    notes=(
        "**Run it:** open “True means ignore” with the picture of the batch covered, and let the room say which steps "
        "a real query sees. After the reveal run “Transposed” and “No attention mask”, one after the other.\n\n"
        "**What people believe:** a mask of the right shape is right; the loss is masked, so padding is out; padding "
        "is zeros, and zeros add nothing; padding stands in queries and keys, so both have to be masked.\n\n"
        "**Ask in the discussion:** over which axis does the softmax sum? What would a sequence without padding see "
        "under an inverted mask? Which number of this run would have told you?\n\n"
        "**Time:** one full cycle for the opening preset; “The pooling forgets” deserves a vote of its own. The "
        "experiment takes a minute and needs no vote."
    ),
    controls=("attention_mask", "mask", "pooling", "loss", "epsilon"),
    more=(
        "mask_shift",
        "padded_inputs",
        "padding_share",
        "masked_score",
        "heads",
        "units",
        "learning_rate",
        "epochs",
        "seed",
    ),
    losses=("mse", "mae", "huber", "root_error", "scalar_mse"),
    presets=(
        Preset(
            "broken",
            "True means ignore",
            "A mask as PyTorch’s key_padding_mask has it: in Keras every real step now looks at padding alone.",
            BASE.with_changes({"attention_mask": "inverted"}),
            findings=("attends_to_padding",),
        ),
        Preset("fixed", "Keys masked", "True where a key is real, the same for every query: no padding gets in.", BASE),
        Preset(
            "both",
            "Keys and queries masked",
            "What Keras makes of tensors that carry a mask: for real steps the same as with the keys alone.",
            BASE.with_changes({"attention_mask": "aligned"}),
        ),
        Preset(
            "queries",
            "Transposed",
            "The axes exchanged: padded queries see nothing, and real ones see everything.",
            BASE.with_changes({"attention_mask": "queries"}),
            findings=("attends_to_padding",),
        ),
        Preset(
            "none",
            "No attention mask",
            "People say that a masked loss is enough. It leaves padded predictions out, and padded inputs in.",
            BASE.with_changes({"attention_mask": "none"}),
            findings=("attends_to_padding",),
        ),
        Preset(
            "zeros",
            "Padding is zeros",
            "People say that zeros add nothing. They take part in the softmax; the model has to learn to look past "
            "them.",
            BASE.with_changes({"attention_mask": "none", "padded_inputs": "zero"}),
            findings=("attends_to_padding",),
        ),
        Preset(
            "pooled",
            "The pooling forgets",
            "The attention is right, and GlobalMaxPooling1D takes what the padded queries put out.",
            BASE.with_changes({"pooling": "max_all"}),
            findings=("padding_pooled",),
        ),
        Preset(
            "pooled_right",
            "The pooling is told",
            "The maximum over the steps of the mask.",
            BASE.with_changes({"pooling": "max"}),
        ),
    ),
    prediction=Prediction(
        "The loss is masked. What does what stands on padding do to the predictions on real steps?",
        (
            Answer(
                "Nothing: no gradient arrives at padded inputs",
                "A mask at the loss, or one of the right shape, keeps the padding out only where the keys are masked, "
                "and the pooling.",
            ),
            Answer(
                "It takes part, and the model learns all the same",
                "A model can learn to look past some padding. It cannot where it sees nothing else, and it need not "
                "where the keys are masked.",
            ),
            Answer(
                "It takes part, and the model hardly learns",
                "Attention that may look at padding may look at real steps too, unless the mask is inverted.",
            ),
        ),
        what_padding_does,
    ),
    contrast=Contrast("broken", "fixed", "error on real steps", lambda run: run.snapshot.error[-1]),
    experiments=(
        Experiment(
            "Change the padding, and nothing else",
            "Look which of the ways leave the real steps where they were, and what a maximum over all steps does.",
            padding_moved,
            pick=ALIGNMENTS,
        ),
    ),
    reading=(
        ("Keras: MultiHeadAttention", "https://keras.io/api/layers/attention_layers/multi_head_attention/"),
        ("tensorflow #45854: how to mask MultiHeadAttention", "https://github.com/tensorflow/tensorflow/issues/45854"),
        ("tensorflow/text #938: the padding mask is inverted too", "https://github.com/tensorflow/text/issues/938"),
        ("pytorch #41508: padding in queries and in keys", "https://github.com/pytorch/pytorch/issues/41508"),
    ),
    exercises=(
        FindSetting(
            name="turn_it_round",
            title="Nobody looks at padding",
            asks="The attention mask came from code for another library. Find one under which no gradient reaches a "
            "padded input and the value of the sequence is found.",
            start=BASE.with_changes({"attention_mask": "inverted"}),
            moves=("attention_mask", "heads", "padded_inputs"),
            solution=BASE,
            hints=(
                "More heads look at the same keys. Zeros in the padding are looked at as well.",
                "True means attend here. Which axis is it that the softmax sums over?",
                "The keys have to be masked; whether the queries are is no matter for real steps.",
            ),
            goal=Goal(error=0.15, input_leak=0),
        ),
        FindSetting(
            name="pool_it_right",
            title="One number for the sequence",
            asks="There is one label per sequence now, and padded inputs get gradient from two places. Close both.",
            start=BASE.with_changes({"attention_mask": "none", "pooling": "max_all"}),
            moves=("attention_mask", "pooling"),
            solution=BASE.with_changes({"pooling": "average"}),
            hints=(
                "Mask the keys first, and look at the gradient on padded inputs again.",
                "What does a padded query put out, and who takes it?",
                "An average or a maximum over the steps of the mask takes real steps only.",
            ),
            goal=Goal(error=0.15, input_leak=0),
        ),
    ),
)
