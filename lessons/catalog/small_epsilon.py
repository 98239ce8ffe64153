"""Lesson H: an epsilon can be absorbed, be zero, make the gradient explode or make it vanish."""

from lessons.course.exercise import FindSetting, Goal, MendLoss, OrderLines
from lessons.course.experiment import Experiment, Measured
from lessons.course.lesson import Answer, Contrast, Lesson, Prediction, Preset
from lessons.families.recurrent import Recurrent

BASE = Recurrent(
    task="binary",
    activation="sigmoid",
    loss="bce_added",
    epsilon=1e-8,
    padded_labels="zero",
    units=32,
    learning_rate=0.05,
    epochs=60,
)
TYPES = ("float32", "float16", "bfloat16")
EXPLODES = 1e4  # a gradient that moves a weight by 1 at a learning rate of 1e-4


# Texts of an exercise: what the learner mends, and one way to do it.
def absorbed(y_true, y_pred):
    """cross-entropy with 1e-8 inside the log"""
    from keras import ops

    said = y_true * ops.log(y_pred + 1e-8) + (1 - y_true) * ops.log(1 - y_pred + 1e-8)
    return -ops.mean(said, axis=-1)


def kept_away(y_true, y_pred):
    """cross-entropy of a probability that is kept away from 0 and 1"""
    from keras import ops

    p = ops.clip(y_pred, 1e-6, 1 - 1e-6)
    said = y_true * ops.log(p) + (1 - y_true) * ops.log(1 - p)
    return -ops.mean(said, axis=-1)


def zones() -> Measured:
    """Cross-entropy at p = 0 and p = 1, in a graph as `fit` makes one, for each float type and each epsilon."""
    import numpy as np
    import tensorflow as tf

    from lessons.recipe.losses import bce_added, bce_clipped

    epsilons = [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-10, 1e-12]
    forms = {"added": bce_added, "clipped": bce_clipped}
    cells = [(form, kind, epsilon) for form in forms for kind in TYPES for epsilon in epsilons]
    truth = np.array([[1], [0], [1], [0]])
    given = np.array([[0], [1], [1], [0]])  # two wrong answers, two right ones

    @tf.function(autograph=False)
    def probe(p):  # (cell, 4, 1): an argument, since constants fold away; one p per cell, since shared sums do not fold
        found = []
        for at, (form, kind, epsilon) in enumerate(cells):
            y, q = tf.constant(truth, kind), tf.cast(p[at], kind)
            with tf.GradientTape() as tape:
                tape.watch(q)
                value = forms[form](y, q, epsilon)
            found.append(tf.cast(tf.stack([value, tape.gradient(value, q)[:, 0]]), tf.float64))
        return tf.stack(found)

    probed = iter(probe(tf.constant(np.tile(given, (len(cells), 1, 1)), "float32")).numpy())
    rows, names, grid, words = [], [], [], []
    for form in forms:
        for kind in TYPES:
            one = tf.constant(1, kind)
            line, said = [], []
            for epsilon in epsilons:
                small = tf.constant(epsilon, kind)
                value, gradient = next(probed)
                wrong = np.abs(gradient[:2])
                if small == 0:
                    zone = 4
                elif one + small == one or one - small == one:
                    zone = 3
                elif wrong.min() == 0:
                    zone = 1
                else:
                    zone = 2 if not wrong.max() < EXPLODES else 0
                line.append(zone)
                said.append("" if np.isfinite(value).all() else "NaN")
            names.append(f"{kind}, {form}")
            grid.append(line)
            words.append(said)
            rows.append(
                {
                    "type, epsilon is": names[-1],
                    "NaN or inf at": span(epsilons, [bool(word) for word in said]),
                    "epsilon is 0": span(epsilons, [zone == 4 for zone in line]),
                    "absorbed by 1": span(epsilons, [zone == 3 for zone in line]),
                    "gradient explodes": span(epsilons, [zone == 2 for zone in line]),
                    "gradient dead": span(epsilons, [zone == 1 for zone in line]),
                }
            )
    broken = {name: sum(bool(word) for word in said) for name, said in zip(names, words, strict=True)}
    healthy = sum(line.count(0) for line in grid)
    sentence = (
        f"Of {len(names) * len(epsilons)} pairs of float type and epsilon, {sum(broken.values())} give NaN or inf at "
        f"p = 0 or p = 1; in {healthy} no gradient at a wrong answer is 0 or above {EXPLODES:.0e}."
    )
    return Measured(sentence, broken | {"healthy": healthy}, tuple(rows), zone_figure(epsilons, names, grid, words))


def span(epsilons, flags) -> str:
    """The epsilons that are flagged, from the largest to the smallest."""
    at = [epsilon for epsilon, flag in zip(epsilons, flags, strict=True) if flag]
    if not at:
        return "none"
    return f"{at[0]:.0e}" if len(at) == 1 else f"{at[0]:.0e} to {at[-1]:.0e}"


def zone_figure(epsilons, names, grid, words) -> dict:
    """Float type x epsilon, one colour per zone, NaN in words."""
    from lessons.figures.experiment_figures import zone_map
    from lessons.figures.marks import EDGE, LEAK, NAN, PADDING, REAL

    zones = {"none of these": REAL, "dead": PADDING, f"explodes: > {EXPLODES:.0e}": LEAK, "absorbed": EDGE, "zero": NAN}
    return zone_map([f"{epsilon:.0e}" for epsilon in epsilons], names, grid, zones, words, "epsilon")


def graph_and_eager() -> Measured:
    """log(1 - p + 1e-8) at p = 1: called by hand, called in a tf.function, and as the loss of a real `fit`."""
    import keras
    import numpy as np
    import tensorflow as tf

    def by_hand(p):
        return tf.math.log(1 - p + 1e-8)

    rows = []
    for kind in ("float64", *TYPES):
        p = tf.ones((1,), kind)
        eager = float(by_hand(p)[0])
        graph = float(tf.function(by_hand)(p)[0])
        rows.append({"float type": kind, "eager": eager, "tf.function": graph})

    def cross_entropy(y, p):
        return -y * tf.math.log(p + 1e-8) - (1 - y) * tf.math.log(1 - p + 1e-8)

    reported = {}
    for eagerly in (True, False):
        large = keras.initializers.Constant(50)
        sure = keras.layers.Dense(1, "sigmoid", kernel_initializer="zeros", bias_initializer=large)
        model = keras.Sequential([keras.Input((1,)), sure])  # answers exactly 1
        model.compile("sgd", loss=cross_entropy, run_eagerly=eagerly)
        history = model.fit(np.zeros((2, 1)), np.array([[0.0], [1.0]]), epochs=1, verbose=0)
        reported[eagerly] = history.history["loss"][0]
    rows.append({"float type": "float32, model.fit", "eager": reported[True], "tf.function": reported[False]})
    differ = [row["float type"] for row in rows if np.isfinite(row["eager"]) != np.isfinite(row["tf.function"])]
    sentence = (
        f"At p = 1 in float32, log(1 - p + 1e-8) is {rows[1]['eager']:.3g} when you call it and "
        f"{rows[1]['tf.function']:.3g} inside tf.function; as a loss, fit reports {reported[True]:.3g} with "
        f"run_eagerly=True and {reported[False]:.3g} without. Eager and graph differ for: "
        f"{', '.join(differ) or 'none'}."
    )
    numbers = {"eager": rows[1]["eager"], "graph": rows[1]["tf.function"]}
    numbers |= {"fit_eagerly": reported[True], "fit": reported[False], "differ": ", ".join(differ)}
    return Measured(sentence, numbers, tuple(rows))


def where_it_stands() -> Measured:
    """Value and gradient at x = 0 of five ways to be careful there."""
    import tensorflow as tf

    def double_where(x):
        safe = tf.where(x > 0, x, 1.0)  # no 0 enters the log
        return tf.where(x > 0, tf.math.log(safe), 0.0)

    ways = {
        "sqrt(x) + 1e-8": lambda x: tf.sqrt(x) + 1e-8,
        "sqrt(x + 1e-8)": lambda x: tf.sqrt(x + 1e-8),
        "where(x > 0, log(x), 0)": lambda x: tf.where(x > 0, tf.math.log(x), 0.0),
        "where(x > 0, 1 / x, 0)": lambda x: tf.where(x > 0, 1 / x, 0.0),
        "double where, log": double_where,
    }
    rows = []
    for name, way in ways.items():
        x = tf.constant(0.0)
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = way(x)
        rows.append({"at x = 0": name, "value": float(value), "gradient": float(tape.gradient(value, x))})
    outside, inside, where, _, double = (row["gradient"] for row in rows)
    sentence = (
        f"At x = 0 the gradient of sqrt(x) + 1e-8 is {outside:.3g}, of sqrt(x + 1e-8) {inside:.3g}. A where around "
        f"log(x) gives a finite value and the gradient {where:.3g}; with a second where around x it is {double:.3g}."
    )
    numbers = {"outside": outside, "inside": inside, "where": where, "double_where": double}
    return Measured(sentence, numbers, tuple(rows))


def last_loss(run) -> int | None:
    """0: finite and lower than the first, 1: finite and no lower, 2: not finite; None where the first was NaN."""
    first, last = float(run.snapshot.loss[0]), float(run.snapshot.loss[-1])
    if not abs(last) < float("inf"):
        return 2
    if first != first:
        return None
    return 0 if last < first else 1


LESSON = Lesson(
    chapter="Behind the answers",
    order=3,
    title="How small is epsilon?",
    text=(
        "You write $\\log(1-p+\\epsilon)$ so that it stays finite at $p=1$. Whether it does depends on the float type. "
        "Too small and $1+\\epsilon$ *is* 1, so the epsilon is **absorbed**; smaller still and it is **zero**. Then "
        "the log is infinite, and 0 · inf is NaN. Inside `fit` TensorFlow may reorder the sum, so that calling the "
        "loss by hand shows nothing. Larger epsilons keep the loss finite, but the gradient at a wrong answer is "
        "$1/\\epsilon$: it **explodes**. Clip instead and it is 0: **dead**. From logits you need no epsilon."
    ),
    aims=(
        "Say when adding an epsilon to a number leaves that number as it was.",
        "Explain how a graph can differ from the same line called by hand.",
        "Prefer a loss from logits, and give the reason.",
    ),
    notes=(
        "**Run it:** start with a question on paper: what is 1 plus a very small number, in float32 and in "
        "float16? Then “1e-8 in float32”. “By hand and inside fit” is the experiment for those who tested their "
        "loss in a notebook cell and found nothing.\n\n"
        "**What people believe:** any epsilon above 0 is safe, and the smaller the more exact; a loss that is "
        "finite when called is finite in training; clipping and adding do the same.\n\n"
        "**Ask in the discussion:** why does the model have to become good before it breaks? What is the gradient "
        "at a sure and wrong answer if you add, and what if you clip? Where did the epsilon go when you start from "
        "logits?\n\n"
        "**Time:** a full cycle for the first preset. “Sure and wrong, added” and “Sure and wrong, clipped” make "
        "one vote together: which of the two can recover?"
    ),
    controls=("epsilon", "loss", "loss_dtype", "activation", "mask", "mask_shift"),
    more=(
        "padded_labels",
        "padding_share",
        "padding",
        "optimizer",
        "units",
        "cell",
        "learning_rate",
        "epochs",
        "seed",
    ),
    losses=("bce_added", "bce_clipped", "bce_from_logits", "root_error", "log_error", "mse"),
    presets=(
        Preset(
            "broken",
            "1e-8 in float32",
            "The model learns well, becomes sure of itself, and at the first p = 1 the loss is NaN.",
            BASE,
            findings=("non_finite",),
        ),
        Preset(
            "fixed",
            "From logits",
            "The same cross-entropy from logits: no probability, no log of 0, no epsilon.",
            BASE.with_changes({"loss": "bce_from_logits", "activation": "linear"}),
        ),
        Preset(
            "float16",
            "1e-8 in float16",
            "In float16 1e-8 is 0, and 1 is reached sooner: NaN comes earlier.",
            BASE.with_changes({"loss_dtype": "float16"}),
            findings=("non_finite",),
        ),
        Preset(
            "float16_larger",
            "1e-4 in float16",
            "An epsilon that float16 can add to small numbers: finite here.",
            BASE.with_changes({"loss_dtype": "float16", "epsilon": 1e-4}),
        ),
        Preset(
            "clipped",
            "Clipped at 1e-8",
            "1 - 1e-8 is 1 in float32: the clip lets p = 1 through.",
            BASE.with_changes({"loss": "bce_clipped"}),
            findings=("non_finite",),
        ),
        Preset(
            "larger",
            "1e-7 in float32",
            "The smallest power of ten that 1 does not absorb: finite; at a sure wrong answer its gradient is huge.",
            BASE.with_changes({"epsilon": 1e-7}),
        ),
        Preset(
            "explodes",
            "Sure and wrong, added",
            "A learning rate that makes the model sure before it is right: look at the size of the gradient.",
            BASE.with_changes({"epsilon": 1e-7, "learning_rate": 1.0}),
            findings=("exploding",),
        ),
        Preset(
            "dead",
            "Sure and wrong, clipped",
            "Clipped instead of added: the steps that are sure and wrong get no gradient at all.",
            BASE.with_changes({"loss": "bce_clipped", "epsilon": 0.1, "learning_rate": 1.0}),
            findings=("vanishing",),
        ),
    ),
    prediction=Prediction(
        "What will the loss be after the last epoch?",
        (
            Answer(
                "Finite, and lower than at the start",
                "An epsilon in the log does not make the log safe. It has to survive the addition, in the float type "
                "of the loss and in the order in which the graph adds.",
            ),
            Answer(
                "Finite, and no lower",
                "So small an epsilon hardly changes the loss while p is away from 0 and 1: the model learns as usual.",
            ),
            Answer(
                "NaN or inf",
                "A log near 0 is large, not infinite. Where the epsilon survives, or where you start from logits, "
                "the loss stays finite.",
            ),
        ),
        last_loss,
    ),
    contrast=Contrast("broken", "fixed", "loss after the last epoch", lambda run: run.snapshot.loss[-1]),
    experiments=(
        Experiment(
            "Float type × epsilon",
            "Look for the columns that are safe in all rows.",
            zones,
        ),
        Experiment(
            "By hand and inside fit",
            "The same line of code, called in two ways.",
            graph_and_eager,
        ),
        Experiment(
            "Where the epsilon stands",
            "Look at the gradient, not at the value.",
            where_it_stands,
        ),
    ),
    reading=(
        ("Keras: binary cross-entropy and from_logits", "https://keras.io/api/losses/probabilistic_losses/"),
        ("tensorflow #38349", "https://github.com/tensorflow/tensorflow/issues/38349"),
        ("tensorflow #20091", "https://github.com/tensorflow/tensorflow/issues/20091"),
    ),
    exercises=(
        FindSetting(
            name="not_absorbed",
            title="Find an epsilon that counts",
            asks="The model learns, becomes sure of itself, and at the first answer of exactly 1 the loss is NaN. Find "
            "settings under which it stays finite and the answers right.",
            start=BASE,
            moves=("epsilon", "loss_dtype"),
            solution=BASE.with_changes({"epsilon": 1e-6}),
            hints=(
                "Whether 1 plus epsilon is still 1 depends on the float type.",
                "A smaller float type absorbs more, not less.",
                "In float32 anything from about 1e-7 on is not absorbed.",
            ),
            goal=Goal(error=0.15),
        ),
        MendLoss(
            name="finite_log",
            title="Mend the logs",
            asks="The epsilon is there, and the loss still turns NaN once the model is sure. Mend the loss so that "
            "it stays finite and the model goes on learning.",
            settings=BASE,
            broken=absorbed,
            mended=kept_away,
            hints=(
                "What is 1 - p + 1e-8 in float32 where p is 1?",
                "The constant has to survive the addition, or the probability has to be kept away from 0 and 1.",
                "Clip the probability to 1e-6 on either side, and take the logs of what is left.",
            ),
            goal=Goal(error=0.15),
        ),
        OrderLines(
            name="half_precision",
            title="In float16, line by line",
            asks="Keras hands the loss labels and predictions in float16. Put the lines in order so that the clip is "
            "not lost.",
            settings=BASE.with_changes({"loss_dtype": "float16"}),
            lines=(
                'y_pred = ops.cast(y_pred, "float32")',
                'y_true = ops.cast(y_true, "float32")',
                "y_pred = ops.clip(y_pred, 1e-6, 1 - 1e-6)",
                "said = y_true * ops.log(y_pred) + (1 - y_true) * ops.log(1 - y_pred)",
                "return -ops.mean(said, axis=-1)",
            ),
            hints=(
                "In float16 the number 1 - 1e-6 is 1.",
                "The clip has to be made where there is room for it.",
                "Cast both, clip, take the logs, and return the mean.",
            ),
            goal=Goal(error=0.15),
        ),
    ),
)
