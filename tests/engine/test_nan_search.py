"""Origin certificates: every expected operation and place was worked out by hand from what the loss says."""

import pickle

import numpy as np
import pytest

from lessons.course.discovery import LESSONS
from lessons.engine.nan_search import Replay, Search
from lessons.engine.train import traced, trained
from lessons.families.recurrent import Recurrent
from lessons.recipe import losses
from lessons.recipe.data import training_batch
from lessons.recipe.recipe import Recipe
from lessons.recipe.settings import Settings
from lessons.runs.nan_origin import NaNOrigin
from lessons.runs.run import Run
from lessons.server import tasks
from tests.tools.selection import first

FEW = {"sequences": 8, "epochs": 12}


def preset(slug: str, name: str, **changes) -> Settings:
    return LESSONS[slug].preset(name).settings.with_changes(changes)


def first_bad_epoch(run: Run) -> int:
    """From what the run tells, for runs that keep every epoch's gradient."""
    s = run.snapshot
    seen = [s.loss, *(getattr(s, name) for name in ("predictions", "gradient", "input_gradient"))]
    bad = np.any([~np.isfinite(values).reshape(run.epochs, -1).all(axis=1) for values in seen], axis=0)
    return int(bad.argmax())


# name: settings, phase, operation, tensor, what it was made from
CASES = {
    # sqrt has no slope at 0, where label and prediction are both 0
    "slope of a root": (
        preset("first_iteration", "broken"),
        "backward",
        "**",
        "gradient of (square(y_true - y_pred) + 0) ** 0.5",
        "at 0 ** 0.5 the gradient 0 from above becomes NaN",
    ),
    "log of a negative number": (
        preset("first_iteration", "no_abs"),
        "forward",
        "log",
        "log((y_true - y_pred) + 1e-07)",
        "log(-0.13) = NaN",
    ),
    # 1e-8 is 0 in float16, and relu predicts exact zeros
    "epsilon below float16": (
        preset("not_learning", "float16"),
        "forward",
        "log",
        "log(y_pred + 0)",
        "log(0) = -inf",
    ),
    "NaN label times 0": (
        preset("nan_labels", "broken"),
        "forward",
        "*",
        "y_true",
        "the label is NaN, then NaN * 0 = NaN",
    ),
    "where around the square": (
        preset("nan_labels", "outside"),
        "backward",
        "square",
        "gradient of square(y_true - y_pred)",
        "at square(NaN) the gradient 0 from above becomes NaN, for the label is NaN",
    ),
    "epsilon folded away": (
        preset("small_epsilon", "broken"),
        "forward",
        "log",
        "log((1 - y_pred) + 1e-08)",
        "log(0) = -inf: the compiler has made log(1 - y_pred) of log((1 - y_pred) + 1e-08), then -inf * 0 = NaN",
    ),
    "epsilon folded away, in float16": (
        preset("small_epsilon", "float16"),
        "forward",
        "log",
        "log((1 - y_pred) + 0)",
        "log(0) = -inf, then 0 * -inf = NaN",
    ),
    # 1 - 1e-8 is 1 in float32, so that nothing is clipped at the upper end
    "clipped at 1": (
        preset("small_epsilon", "clipped"),
        "forward",
        "log",
        "log(1 - maximum(minimum(y_pred, 1), 1e-08))",
        "log(0) = -inf, then 0 * -inf = NaN",
    ),
    "a single NaN label": (
        Recurrent(nan_share=0.05, seed=6, **FEW),
        "forward",
        "-",
        "y_true",
        "the label is NaN",
    ),
    "nothing counted": (
        Recurrent(loss="mask_reading_mse", epsilon=0, mask="inverted", padding_share=0, **FEW),
        "forward",
        "/",
        "sum(… * …) / (sum(…) + 0)",
        "0 / 0 = NaN",
    ),
    # 1000 squared is beyond float16, and so is infinity times the mask's 0
    "overflow of float16": (
        Recurrent(padded_labels="garbage", loss_dtype="float16", **FEW),
        "forward",
        "square",
        "square(y_true - y_pred)",
        "square(1e+03) = inf, then inf * 0 = NaN",
    ),
    "NaN input behind the mask": (
        Recurrent(padded_inputs="nan", **FEW),
        "backward",
        "LSTM",
        "gradient of lstm/kernel",
        "its input there is NaN, at a step that the mask leaves out",
    ),
    "NaN input, no mask": (
        Recurrent(padded_inputs="nan", mask="none", **FEW),
        "forward",
        "LSTM",
        "output of lstm",
        "its input there is NaN",
    ),
    "NaN input, mask multiplied": (
        Recurrent(padded_inputs="nan", mask_route="multiplied", **FEW),
        "forward",
        "LSTM",
        "output of lstm",
        "its input there is NaN * 0 = NaN",
    ),
}
NOT_OF_A_CELL = {"nothing counted"}


FULL_SET = ("epsilon below float16", "clipped at 1", "NaN input, mask multiplied")


@pytest.mark.parametrize("case", first(1, sorted(CASES, key=lambda case: case in FULL_SET)))
def test_operation_phase_and_place(case):
    settings, *expected = CASES[case]
    nan_origin, run = tasks.nan_origin(Recipe(settings)), trained(Recipe(settings))
    assert [nan_origin.phase, nan_origin.op, nan_origin.tensor, nan_origin.inputs] == expected
    assert nan_origin.compiled_only == (case == "epsilon folded away")
    assert nan_origin.epoch == first_bad_epoch(run) and nan_origin.batch is None
    if case in NOT_OF_A_CELL:
        assert (nan_origin.sequence, nan_origin.timestep) == (None, None)
        return
    cell = nan_origin.sequence, nan_origin.timestep
    at = run.snapshot.predictions[nan_origin.epoch][cell], run.batch.y[cell][0]
    holds = {  # what must be there for the operation to fail
        "slope of a root": at[0] == at[1] == 0,
        "log of a negative number": at[1] - at[0] < 0,
        "epsilon below float16": at[0] == 0,
        "epsilon folded away": at == (1, 1),
        "epsilon folded away, in float16": np.float16(at[0]) == 1,
        "clipped at 1": at == (1, 1),
        "overflow of float16": at[1] == 1000,
    }
    if case in holds:
        assert holds[case]
    elif "input" in case:
        assert np.isnan(run.batch.x[cell]).all()
    else:
        assert np.isnan(at[1])


def test_the_line_is_that_of_the_loss_as_it_is_shown():
    settings, *_ = CASES["slope of a root"]
    nan_origin = tasks.nan_origin(Recipe(settings))
    assert losses.source(settings.loss).splitlines()[nan_origin.line - 1].strip() == nan_origin.code
    assert "** 0.5" in nan_origin.code


def test_exploding_to_infinity_names_the_first_tensor():
    settings = Recurrent(optimizer="sgd", learning_rate=10, reduction="sum", cell="simple_rnn", **FEW)
    nan_origin = tasks.nan_origin(Recipe(settings))
    assert (nan_origin.phase, nan_origin.op, nan_origin.line) == ("forward", "square", 5)
    error = float(nan_origin.inputs.removeprefix("square(").removesuffix(") = inf"))
    assert error**2 > float(np.finfo(np.float32).max)
    assert nan_origin.epoch == first_bad_epoch(trained(Recipe(settings)))


def test_a_sum_that_overflows_belongs_to_no_cell():
    nan_origin = tasks.nan_origin(
        Recipe(Recurrent(optimizer="sgd", learning_rate=10, nan_share=0.2, nan_fill="garbage", epochs=20))
    )
    assert nan_origin.tensor == "sum in the reduction of the loss"
    assert nan_origin.inputs.startswith("sum of 384 values up to ") and nan_origin.inputs.endswith(" = inf")
    assert (nan_origin.sequence, nan_origin.timestep, nan_origin.line) == (None, None, None)


def test_the_batch_of_the_epoch_is_found():
    settings = Recurrent(nan_share=0.05, seed=6, batch_size=2, **FEW)
    assert set(np.argwhere(np.isnan(training_batch(Recipe(settings)).y))[:, 0]) == {2}
    nan_origin = tasks.nan_origin(Recipe(settings))
    assert (nan_origin.epoch, nan_origin.batch, nan_origin.sequence, nan_origin.tensor) == (0, 1, 2, "y_true")


def test_the_batch_whose_update_spoilt_the_weights_is_found():
    """The first batch has no padding, so that nothing of it is NaN."""
    settings = Recurrent(padded_inputs="nan", seed=1, batch_size=2, **FEW)
    assert np.isnan(training_batch(Recipe(settings)).x).any(axis=(1, 2)).tolist() == [False, False] + [True] * 6
    nan_origin = tasks.nan_origin(Recipe(settings))
    assert (nan_origin.epoch, nan_origin.batch, nan_origin.sequence) == (0, 1, 2)
    assert (nan_origin.phase, nan_origin.tensor) == ("backward", "gradient of lstm/kernel")


class Hasty(Replay):
    """With steps larger than any setting allows: no gradient is bad, the update is."""

    def start(self):
        super().start()
        self.graph.optimizer.learning_rate.assign(3e38)


def test_an_update_that_overflows():
    settings = Recurrent(optimizer="sgd", reduction="sum", cell="simple_rnn", **FEW)
    nan_origin = Search(Hasty(recipe := Recipe(settings), traced(recipe.structure()))).nan_origin()
    assert (nan_origin.epoch, nan_origin.phase, nan_origin.op) == (0, "backward", "SGD")
    assert nan_origin.tensor == "simple_rnn/kernel after the update"
    assert nan_origin.inputs.startswith("a learning rate of 3e+38 and gradients up to ")


def test_one_label_per_sequence():
    nan_origin = tasks.nan_origin(Recipe(Recurrent(output="last_step", nan_share=0.3, **FEW)))
    assert (nan_origin.tensor, nan_origin.timestep) == ("y_true", None)
    assert nan_origin.where == f"sequence {nan_origin.sequence}"


@pytest.mark.parametrize(
    "settings", first(1, [Recurrent(**FEW), preset("small_epsilon", "fixed"), Recurrent(batch_size=2, **FEW)])
)
def test_finite_runs_have_none(settings):
    assert tasks.nan_origin(Recipe(settings)) is None


def test_a_training_afterwards_is_as_if_nobody_had_looked():
    settings, *_ = CASES["epsilon folded away"]
    before, graph = trained(Recipe(settings)), traced(Recipe(settings).structure())
    traces = graph.traces
    tasks.nan_origin(Recipe(settings))
    after = trained(Recipe(settings))
    assert graph.traces == traces
    assert before.snapshot.loss.tobytes() == after.snapshot.loss.tobytes()
    assert before.snapshot.gradient.tobytes() == after.snapshot.gradient.tobytes()


def test_it_travels_and_speaks():
    nan_origin = NaNOrigin(31, 3, 25, 2, "forward", "log(p)", "log", "log(0) = -inf", 5, "return log(p)", True)
    assert pickle.loads(pickle.dumps(nan_origin)) == nan_origin
    assert nan_origin.said.startswith(
        "Born in epoch 32, batch 4 at sequence 25, step 2, on the way forward, in log(p), line 5"
    )
    assert "Only inside the compiled graph" in nan_origin.said


@pytest.mark.verify
@pytest.mark.parametrize("slug", LESSONS)
def test_every_preset_that_fails_has_a_nan_origin_and_no_other(slug):
    for each in LESSONS[slug].presets:
        run, nan_origin = trained(Recipe(each.settings)), tasks.nan_origin(Recipe(each.settings))
        s = run.snapshot
        failed = not all(
            np.isfinite(values).all() for values in (s.loss, s.gradient, s.input_gradient, run.predictions)
        )
        assert (nan_origin is not None) == failed, each.name
        assert nan_origin is None or (nan_origin.tensor and nan_origin.op), each.name
