"""The exercises: every start fails, every solution passes, both run for real behind the walls that learners have."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from lessons.catalog import _template
from lessons.course.discovery import LESSONS
from lessons.course.exercise import Exercise, FindSetting, Goal, MendLoss, MendModel, OrderLines, TrainedTask
from lessons.engine.pasted_loss import train
from lessons.engine.train import trained
from lessons.families.recurrent import Recurrent
from lessons.recipe.data import training_batch
from lessons.recipe.recipe import Pasted, Recipe
from lessons.runs.run import Run
from lessons.sandbox import walled_pool as walled_pools
from lessons.sandbox.walled_pool import Busy, Limits, WalledPool
from lessons.server.attempt import Trial, trial_of
from lessons.server.laboratory import Laboratory
from tests.tools.patience import patient
from tests.tools.selection import first

WITHIN = patient(90)  # seconds: other tests may have the cores
SEEDS = range(5)
ALL = [(slug, exercise.name) for slug, lesson in LESSONS.items() for exercise in lesson.exercises]
TRAINED = [(slug, name) for slug, name in ALL if isinstance(LESSONS[slug].exercise(name), TrainedTask)]
# One of each kind in `make test`, and what is special: a mark in place of a mask, a float type, NaN labels.
SOME = [
    ("mask_and_loss", "per_step"),
    ("nan_labels", "replace_first"),
    ("validation", "judge_alike"),
    ("layer_ate_mask", "without_the_mask"),
    ("own_layer_mask", "the_layer_itself"),
]
CASES = first(1, [*SOME, *(case for case in ALL if case not in SOME)])
ENDLESS = "def endless(y_true, y_pred):\n    for i in range(10**15):\n        pass\n    return y_pred\n"


def flaws(exercise: Exercise) -> Iterator[str]:
    """What an exercise lacks that can be told without running it."""
    if not exercise.name.isidentifier():
        yield "the name is no identifier"
    if not exercise.title or not exercise.asks.endswith("."):
        yield "a title and a sentence are needed"
    if len(exercise.hints) < 2 or not all(hint.endswith((".", "?")) for hint in exercise.hints):
        yield "two or more hints are needed, each a sentence"
    if isinstance(exercise, TrainedTask) and exercise.goal == Goal():
        yield "the goal wants nothing"
    if exercise.start == exercise.solution:
        yield "the start is the solution"
    if isinstance(exercise, FindSetting):
        strange = set(exercise.solution.to_query(exercise.start)) - set(exercise.moves)
        yield from (f"the solution moves {name}, which may not be moved" for name in sorted(strange))
    if isinstance(exercise, OrderLines) and len(set(exercise.every_line)) < len(exercise.every_line):
        yield "two lines are equal"


@pytest.fixture(scope="module")
def walled_pool():
    walled_pool = WalledPool(1, spares=0, limits=Limits(waiting=60), warm=walled_pools.WARM)
    walled_pool.start()
    yield walled_pool
    walled_pool.shutdown()


@pytest.fixture
def laboratory(walled_pool, monkeypatch):
    """One that trains settings in this process, and pasted losses in the walled pool."""
    monkeypatch.setattr(walled_pools, "shared", lambda: walled_pool)
    with ThreadPoolExecutor(1) as executor:
        yield Laboratory(executor)


def tried(exercise, answer, laboratory, walled_pool) -> Trial:
    """The attempt, once it is done."""
    trial = trial_of(exercise, answer, laboratory, walled_pool, object())
    until = time.monotonic() + WITHIN
    while not trial.done:
        assert time.monotonic() < until, f"no answer within {WITHIN} s"
        trial.advance()
        time.sleep(0.02)
    return trial


@pytest.mark.parametrize(("slug", "name"), CASES)
def test_the_start_fails_and_the_solution_passes(slug, name, laboratory, walled_pool):
    exercise = LESSONS[slug].exercise(name)
    start = tried(exercise, exercise.start, laboratory, walled_pool)
    assert not start.passed, start.reached
    assert start.reached.endswith(".") and "\n" not in start.reached
    solution = tried(exercise, exercise.solution, laboratory, walled_pool)
    assert solution.passed, (solution.reached, solution.findings)
    assert "wanted" not in solution.reached


@pytest.mark.verify
@pytest.mark.parametrize(("slug", "name"), TRAINED)
def test_the_goal_is_met_with_every_seed_and_not_by_the_start(slug, name):
    """The bounds are no matter of luck: a fifth of room, and the start is never near."""
    exercise = LESSONS[slug].exercise(name)
    for seed in SEEDS:
        run = run_of(exercise, exercise.solution, seed)
        for reading, limit in zip(exercise.goal.readings(run), limits(exercise.goal), strict=True):
            assert reading.value <= 0.8 * limit, (seed, str(reading))
        try:
            run = run_of(exercise, exercise.start, seed)
        except Exception:
            continue  # a start that cannot be run
        far = [
            not reading.value < 1.25 * limit
            for reading, limit in zip(exercise.goal.readings(run), limits(exercise.goal), strict=True)
        ]
        finite = np.isfinite(run.snapshot.loss).all() and np.isfinite(run.snapshot.val_loss).all()
        assert any(far) or not finite, (seed, exercise.goal.result(run))


OTHER_ANSWERS = [
    ("first_iteration", "bounded_log", "return ops.mean(ops.sqrt(ops.square(y_true - y_pred) + 1e-6), axis=-1)"),
    ("not_learning", "missing_half", "return keras.losses.binary_crossentropy(y_true, y_pred)"),
    ("not_learning", "missing_half", "return ops.mean(ops.square(y_true - y_pred), axis=-1)"),
    ("mask_and_loss", "per_step", "return keras.losses.huber(y_true, y_pred)"),
    ("mask_and_loss", "per_step", "return ops.square(y_true - y_pred)"),
    (
        "validation",
        "marked_labels",
        "real = y_true != 1000.0\n    return tf.reduce_mean(tf.abs(tf.boolean_mask(y_true - y_pred, real)))",
    ),
    (
        "layer_ate_mask",
        "without_the_mask",
        "real = tf.cast(y_true < 999.0, tf.float32)\n"
        "    return tf.reduce_sum(tf.square(y_true - y_pred) * real) / tf.reduce_sum(real)",
    ),
    ("pre_or_post", "which_is_last", "return keras.losses.log_cosh(y_true, y_pred)"),
    ("small_epsilon", "finite_log", "return keras.losses.binary_crossentropy(y_true, y_pred)"),
]


@pytest.mark.verify
@pytest.mark.parametrize(("slug", "name", "body"), OTHER_ANSWERS)
def test_an_answer_that_is_not_ours_passes_too(slug, name, body, laboratory, walled_pool):
    head = "import keras\nimport tensorflow as tf\nfrom keras import ops\n\n\ndef loss(y_true, y_pred):\n    "
    trial = tried(LESSONS[slug].exercise(name), f"{head}{body}\n", laboratory, walled_pool)
    assert trial.passed, (trial.reached, trial.findings)


def run_of(exercise, answer, seed: int) -> Run:
    if isinstance(exercise, FindSetting):
        return trained(Recipe(replace(answer, seed=seed)))
    settings = replace(exercise.settings, seed=seed)
    return Run.gather(
        Recipe(settings), training_batch(Recipe(settings)), train(Recipe(settings, pasted=Pasted(answer)))
    )


def limits(goal: Goal) -> list[float]:
    return [limit for limit in vars(goal).values() if limit is not None]


# --- what they are


@pytest.mark.parametrize("slug", LESSONS)
def test_a_lesson_ends_with_exercises_that_are_whole(slug):
    exercises = LESSONS[slug].exercises
    assert 2 <= len(exercises) <= 3
    assert len({exercise.name for exercise in exercises}) == len(exercises)
    assert any(isinstance(exercise, (FindSetting, MendLoss)) for exercise in exercises)
    for exercise in exercises:
        assert list(flaws(exercise)) == [], exercise.name


def test_the_template_shows_each_kind():
    exercises = _template.LESSON.exercises
    assert {type(exercise) for exercise in exercises} == {MendLoss, MendModel, OrderLines, FindSetting}
    assert [flaw for exercise in exercises for flaw in flaws(exercise)] == []


def test_each_kind_is_in_the_course():
    kinds = [type(exercise) for lesson in LESSONS.values() for exercise in lesson.exercises]
    assert all(kinds.count(kind) >= 5 for kind in (MendLoss, OrderLines, FindSetting))


SAID = {"title": "Title", "asks": "Do it.", "hints": ("Look.", "Look there."), "goal": Goal(error=0.1)}
FOUND = {"name": "found", "moves": ("mask",), "start": Recurrent(), "solution": Recurrent(mask="none")} | SAID
ORDERED = {"name": "ordered", "settings": Recurrent(), "lines": ("a = y_true", "return a - y_pred")} | SAID


@pytest.mark.parametrize(
    ("exercise", "says"),
    [
        (FindSetting(**FOUND | {"solution": Recurrent(loss="mae")}), "moves loss"),
        (FindSetting(**FOUND | {"solution": Recurrent()}), "the start is the solution"),
        (FindSetting(**FOUND | {"hints": ("Look.",)}), "hints"),
        (FindSetting(**FOUND | {"goal": Goal()}), "goal"),
        (OrderLines(**ORDERED, spare=("a = y_true",)), "two lines are equal"),
        (OrderLines(**ORDERED | {"asks": ""}), "a title and a sentence"),
        (OrderLines(**ORDERED | {"name": "no name"}), "identifier"),
    ],
)
def test_what_an_exercise_lacks_is_told(exercise, says):
    assert any(says in flaw for flaw in flaws(exercise))


def test_lines_are_dealt_alike_to_all_and_can_be_read_back():
    exercise = LESSONS["mask_and_loss"].exercise("read_the_mask")
    assert exercise.every_line == LESSONS["mask_and_loss"].exercise("read_the_mask").every_line
    assert set(exercise.every_line) == {*exercise.lines, *exercise.spare}
    assert exercise.lines_of(exercise.solution) == exercise.lines
    assert exercise.lines_of(exercise.text(())) == ()
    assert exercise.lines_of("def loss(y_true, y_pred):\n    return 0\n") is None
    assert exercise.lines_of(exercise.head + "    import os\n") is None


# --- the goal


def test_a_goal_tells_what_was_reached_and_what_is_wanted():
    run = trained(Recipe(Recurrent(loss="scalar_mse", epochs=3)))
    assert Goal(error=100).met(run) and "wanted" not in Goal(error=100).result(run)
    goal = Goal(error=1e-6, leak=0)
    assert not goal.met(run)
    share, error = run.leak.max(), run.snapshot.error[-1]
    assert goal.result(run) == (
        f"Error on real steps {error:.3g}, wanted below 1e-06; gradient on padding {share:.3g}, wanted none."
    )
    assert goal.wanted == "An error on real steps below 1e-06 and no gradient on padding."
    assert Goal(leak=0.9).wanted == "Gradient on padding below 0.9." and Goal(leak=0.9).met(run)


def test_nan_reaches_nothing():
    run = trained(Recipe(LESSONS["first_iteration"].presets[0].settings))
    for goal in (Goal(error=1e9), Goal(val_loss=1e9), Goal(leak=1.0)):
        assert not goal.met(run) and "NaN, wanted" in goal.result(run)


# --- an attempt


@pytest.mark.verify
def test_a_wrong_order_has_its_own_run_and_its_own_leak(laboratory, walled_pool):
    exercise = LESSONS["divided_by"].exercise("fraction_in_order")
    valid, error, times, count, end = exercise.lines
    wrong = tried(exercise, exercise.text((valid, error, count, end)), laboratory, walled_pool)
    assert not wrong.passed and wrong.judged
    assert np.nanmax(wrong.run.leak) > 0.9 and wrong.run.epochs == exercise.settings.epochs
    other = exercise.spare[0]
    slow = tried(exercise, exercise.text((valid, error, times, other, end)), laboratory, walled_pool)
    assert not slow.passed and slow.run.leak.max() == 0
    assert slow.run.snapshot.error[-1] > exercise.goal.error


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("def loss(y_true, y_pred)\n    return 0\n", "Line 1: not Python"),
        ("import os\n\ndef loss(y_true, y_pred):\n    return y_pred\n", "os"),
        ("x = 1\n", "no loss in this text"),
        (
            "def loss(y_true, y_pred):\n    error = error + y_pred\n    return error\n",
            "cannot be run. Line 2: UnboundLocalError",
        ),
    ],
)
def test_a_text_that_cannot_be_run_is_one_sentence(text, says, laboratory, walled_pool):
    trial = tried(LESSONS["mask_and_loss"].exercise("per_step"), text, laboratory, walled_pool)
    assert not trial.passed and trial.run is None
    assert says.lower() in trial.reached.lower()
    assert trial.reached.endswith(".") and "\n" not in trial.reached


def mended(body: str, init: str = "self.supports_masking = True", after: str = "") -> str:
    """A model whose layer is written so; `after` stands between it and the last layers."""
    return (
        "import keras\nimport tensorflow as tf\nfrom keras import layers, ops\n\n\n"
        "class Centred(layers.Layer):\n"
        f"    def __init__(self):\n        super().__init__()\n        {init}\n\n"
        f"    def call(self, x, mask=None):\n        {body}\n\n\n"
        "inputs = keras.Input((12, 3))\n"
        f"x = Centred()(layers.Masking()(inputs))\n{after}"
        'model = keras.Model(inputs, layers.Dense(1)(layers.Dense(8, activation="relu")(x)))\n'
    )


MEAN = "real = ops.cast(mask, x.dtype)[..., None]\n        count = ops.sum(real, axis=1, keepdims=True)\n        "
USED = MEAN + "return x - ops.sum(x * real, axis=1, keepdims=True) / count"
MODEL = LESSONS["own_layer_mask"].exercise("the_layer_itself")
ATTEMPTS = [
    (mended(USED), ""),
    (mended("return x * 0"), "away from its input minus the mean"),
    (mended(USED, "self.width = 3"), "The mask is lost in"),
    (MODEL.start.replace("    Centred(),\n", ""), "does not call Centred any more"),
    (MODEL.start.replace("    layers.Masking(),\n", ""), "No mask goes from layer to layer"),
    (MODEL.start.replace("import keras\n", "import os\n"), "os"),
    ("This is no model at all.", "not Python"),
    ("", "no model"),
    # the rest with VERIFY=1
    (mended(USED, "pass").replace("    def __init__", "    supports_masking = True\n\n    def __init__", 1), ""),
    (mended(MEAN + "return (x - tf.reduce_sum(x * real, axis=1, keepdims=True) / count) * real"), ""),
    (mended(MEAN + "return x - ops.sum(ops.where(mask[..., None], x, 0.0), 1, keepdims=True) / count"), ""),
    (mended("return x - ops.mean(x, axis=1, keepdims=True)"), "Padding enters at"),
    (mended("return x - ops.mean(x * 0, axis=1, keepdims=True)"), "away from its input minus the mean"),
    (mended(USED, after="x = x + 0.0\n"), "The mask is lost"),
    (MODEL.start.replace("keepdims=True", "keepdims=False"), "Line "),
    (MODEL.start.replace("def call(self, x):", "def call(self, x)"), "Line 6: not Python"),
    ("words = 3\n", "no model"),
    ("def loss(y_true, y_pred):\n    return y_true - y_pred\n", "no model"),
]


@pytest.mark.parametrize(("text", "says"), first(8, ATTEMPTS))
def test_a_model_that_is_mended_is_judged_by_its_x_ray(text, says, laboratory, walled_pool):
    trial = tried(MODEL, text, laboratory, walled_pool)
    assert trial.passed == (not says), (trial.reached, trial.findings)
    assert says.lower() in trial.reached.lower(), trial.reached
    assert trial.reached.endswith(".") and not trial.reached.endswith("..") and "\n" not in trial.reached


def test_a_loss_that_reaches_the_goal_and_has_an_error_does_not_pass(laboratory, walled_pool):
    """A mask that drops labels of 0: nobody notices in this training, the clinic does."""
    exercise = LESSONS["mask_and_loss"].exercise("per_step")
    text = (
        "from keras import ops\n\n\ndef loss(y_true, y_pred):\n"
        "    kept = ops.cast(ops.not_equal(y_true, 0), y_pred.dtype)\n"
        "    return ops.mean(ops.square(y_true - y_pred) * kept, axis=-1)\n"
    )
    trial = tried(exercise, text, laboratory, walled_pool)
    assert exercise.goal.met(trial.run)
    assert trial.errors and not trial.passed


def test_stop_ends_it_and_nothing_is_judged(laboratory, walled_pool):
    exercise = LESSONS["mask_and_loss"].exercise("per_step")
    who = object()
    trial = Trial(exercise, ENDLESS, laboratory, walled_pool, who)
    assert not trial.done and trial.waits_for is trial.examination
    second = Trial(exercise, ENDLESS, laboratory, walled_pool, who)
    with pytest.raises(Busy):
        Trial(exercise, ENDLESS, laboratory, walled_pool, who)
    for one in (trial, second):
        one.stop()
        assert one.done and one.waits_for is None
        assert one.reached == "Stopped." and not one.passed
    until = time.monotonic() + WITHIN
    while walled_pool.unfinished() and time.monotonic() < until:
        time.sleep(0.02)
    assert not walled_pool.unfinished()
