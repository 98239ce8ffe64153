"""Training on a learner's own data: as plain fit does on the same arrays, and honest about labels that nobody knows."""

import json
from dataclasses import replace

import keras
import numpy as np
import plotly.graph_objects as go
import pytest

from lessons.engine import grid_training
from lessons.engine import train as engine
from lessons.engine.train import trained
from lessons.families.recurrent import Recurrent
from lessons.figures import batch_figure, run_figures
from lessons.own_data.sample import sample
from lessons.recipe.bad_input import BadInput
from lessons.recipe.data import PaddedBatch, training_batch, validation_batch
from lessons.recipe.recipe import Pasted, Recipe
from lessons.recipe.settings import Settings
from lessons.recipe.spec import Choice
from lessons.recipe.table import Table
from lessons.runs.grid import Grid
from lessons.runs.outcome import late, outcome_of
from lessons.server import tasks
from lessons.server.laboratory import Laboratory, structure
from lessons.workers.pool import WorkerPool
from tests.tools import oracle
from tests.tools.patience import patient
from tests.tools.tables import sample_table, table_of

SAMPLE = sample_table()
WITHIN = patient(60)  # seconds for a worker to start and train
SHORT = Recurrent(units=2, epochs=4, nan_fill="mean")


def csv(*rows: str, features: str = "x,z") -> Table:
    return table_of(f"id,time,{features},label", *rows)


# --- the padded batch

HANDS_ON = csv("a,1,1,2,0.5", "a,2,3,4,", "a,4,5,6,0.7", "b,1,7,,0.8", "c,7,8,9,1.5")


def by_hand(settings: Settings, inputs: dict, labels: dict) -> tuple[np.ndarray, np.ndarray]:
    """Sequences padded by Keras' own function; those that are trained, in the order of the file."""
    names = [one.id for one in HANDS_ON.split(settings)[0]]
    side = {"padding": settings.padding, "dtype": "float32", "maxlen": HANDS_ON.fit(settings).timesteps}
    pad = keras.utils.pad_sequences
    return (
        pad([inputs[name] for name in names], value=-1.0, **side),
        pad([[[y] for y in labels[name]] for name in names], value=1000.0, **side),
    )


@pytest.mark.parametrize("padding", Recurrent.specs()["padding"].options)
@pytest.mark.parametrize("seed", range(3))
def test_the_batch_is_what_one_pads_by_hand(padding, seed):
    settings = Recurrent(padding=padding, seed=seed, padded_inputs="minus_one", padded_labels="garbage")
    nan = np.nan
    inputs = {"a": [[1, 2], [3, 4], [5, 6]], "b": [[7, nan]], "c": [[8, 9]]}
    batch = training_batch(Recipe(settings, HANDS_ON))
    x, y = by_hand(settings, inputs, {"a": [0.5, nan, 0.7], "b": [0.8], "c": [1.5]})
    np.testing.assert_array_equal(batch.x, x)
    np.testing.assert_array_equal(batch.y, y)
    kept = replace(settings, gaps="keep", input_fill="last", nan_fill="garbage")
    batch = training_batch(Recipe(kept, HANDS_ON))
    inputs = {"a": [[1, 2], [3, 4], [3, 4], [5, 6]], "b": [[7, 0]], "c": [[8, 9]]}
    x, y = by_hand(kept, inputs, {"a": [0.5, 1e6, 1e6, 0.7], "b": [0.8], "c": [1.5]})
    np.testing.assert_array_equal(batch.x, x)
    np.testing.assert_array_equal(batch.y, y)
    assert np.isnan(batch.truth).sum() == (2 if "a" in {one.id for one in HANDS_ON.split(settings)[0]} else 0)


def test_training_and_validation_are_parted_by_the_seed():
    for seed in range(3):
        settings = replace(SHORT, seed=seed)
        parts = [training_batch(Recipe(settings, SAMPLE)), validation_batch(Recipe(settings, SAMPLE))]
        assert [len(part.x) for part in parts] == [24, 12]
        rows = [{row.tobytes() for row in part.x} for part in parts]
        assert not rows[0] & rows[1]
        assert len(rows[0] | rows[1]) == 36


# --- the engine


def oracle_data(settings: Settings, draw) -> oracle.Data:
    batch: PaddedBatch = draw(Recipe(settings, SAMPLE))
    return oracle.Data(batch.x, batch.y, batch.real, draw(Recipe(replace(settings, output="every_step"), SAMPLE)).y)


LIKE_FIT = {
    "plain": {},
    "labels stay NaN": {"nan_fill": "keep"},
    "the loss leaves NaN out": {"nan_fill": "keep", "loss": "nan_labels.where_inside", "padded_labels": "zero"},
    "a shifted mask and a scalar loss": {"mask": "shifted", "loss": "scalar_mse", "padded_labels": "garbage"},
    "gaps kept, mask from the inputs": {"gaps": "keep", "input_fill": "zero", "mask": "inputs", "padding": "pre"},
    "mask from the labels": {"mask": "not_nan", "nan_fill": "keep", "scale": "standard"},
    "batches of five": {"batch_size": 5, "gaps": "keep", "input_fill": "last", "mask_route": "multiplied"},
    "last step": {"output": "last_step", "mask": "none", "nan_fill": "zero"},
    "weights": {"sample_weight": "instead", "reduction": "mean_with_sample_weight", "between": "conv1d"},
}


CHIEF = ("batches of five",)


@pytest.mark.parametrize(
    "case", [case if case in CHIEF else pytest.param(case, marks=pytest.mark.verify) for case in LIKE_FIT]
)
def test_own_data_train_as_in_plain_fit(case):
    settings = replace(SHORT, **LIKE_FIT[case])
    wanted = oracle.fit(SAMPLE.fit(settings), *(oracle_data(settings, of) for of in (training_batch, validation_batch)))
    got = trained(Recipe(settings, SAMPLE)).snapshot
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(getattr(got, name), np.array(wanted[name], "float32"), rtol=1e-5, err_msg=name)


@pytest.mark.verify
def test_any_number_of_features():
    rows = [f"{name},{step},{step / 9},{place},{step % 2},{place + step}" for place, name in enumerate("abcde")
            for step in range(place + 1)]  # fmt: skip
    mine = csv(*rows, features="u,v,w")
    settings = replace(SHORT, mask="inputs", seed=3)
    run = trained(Recipe(settings, mine))
    glorot, orthogonal = keras.initializers.GlorotUniform(3), keras.initializers.Orthogonal(seed=3)
    model = keras.Sequential([
        keras.Input((5, 3)),
        keras.layers.Masking(0.0),
        keras.layers.LSTM(2, return_sequences=True, kernel_initializer=glorot, recurrent_initializer=orthogonal),
        keras.layers.Dense(1, kernel_initializer=glorot),
    ])  # fmt: skip
    model.compile(keras.optimizers.Adam(settings.learning_rate), "mse", jit_compile=False)
    history = model.fit(run.batch.x, run.batch.y, batch_size=4, epochs=4, shuffle=False, verbose=0).history
    np.testing.assert_allclose(run.snapshot.loss, history["loss"], rtol=1e-5)


def test_the_sample_can_be_learned():
    run = trained(Recipe(Recurrent(nan_fill="zero", epochs=60), SAMPLE))
    assert run.snapshot.error[-1] < run.baseline / 3


TOGGLES = {
    "mask": [kind for kind in Recurrent.specs()["mask"].options if kind != "aligned"],
    "mask_route": ["multiplied"],
    "padding": ["pre"],
    "padded_labels": ["zero", "garbage", "nan"],
    "padded_inputs": ["minus_one", "random", "nan"],
    "nan_fill": ["keep", "zero", "garbage"],
    "input_fill": ["zero", "mean", "last"],
    "gaps": ["squeeze"],
    "scale": ["standard"],
    "loss": ["mse", "mask_reading_mse"],
    "validation_mask": ["none"],
    "validation_labels": ["garbage"],
    "output": ["last_step"],
}


def told(settings: Settings) -> dict[str, np.ndarray]:
    snapshot = trained(Recipe(settings, SAMPLE)).snapshot
    return {name: array for name, array in vars(snapshot).items() if name not in ("kept", "epochs", "scores")}


@pytest.mark.verify
def test_every_toggle_changes_it():
    settings = replace(SHORT, epochs=2, gaps="keep", loss="scalar_mse", input_fill="zero")
    bases = {
        "padded_inputs": replace(settings, mask="none"),  # layers that know of a mask skip what stands there
        "input_fill": replace(settings, input_fill="keep"),
    }
    for name, values in TOGGLES.items():
        base = bases.get(name, settings)
        before = told(base)
        for value in values:
            after = told(replace(base, **{name: value}))
            assert any(not np.array_equal(before[key], after[key], equal_nan=True) for key in before), f"{name}={value}"


LAST_STEP = {"gaps": "keep", "mask": "none", "output": "last_step"}


@pytest.mark.verify
@pytest.mark.parametrize("changes", [{}, LAST_STEP], ids=["plain", "last"])
def test_an_idle_field_changes_nothing(changes):
    settings = replace(SHORT, epochs=2, batch_size=0, **changes)
    before, reasons = told(settings), Recipe(settings, SAMPLE).idle()
    for name in reasons:
        spec = Recurrent.specs()[name]
        values = spec.options if isinstance(spec, Choice) else spec.offered or (spec.low, spec.high)
        for value in [value for value in values if value != getattr(settings, name)][: 1 if spec.retraces else None]:
            for key, array in told(replace(settings, **{name: value})).items():
                np.testing.assert_allclose(
                    array, before[key], rtol=1e-5, atol=1e-7, err_msg=f"{name}={value} changes {key}"
                )


# --- labels that nobody knows


def test_error_and_loss_leave_out_what_nobody_knows():
    run = trained(Recipe(replace(SHORT, nan_fill="garbage"), SAMPLE))
    truth, known = run.batch.truth[..., 0], ~np.isnan(run.batch.truth[..., 0]) & run.batch.real
    assert (run.batch.real & ~known).any() and np.array_equal(run.batch.known, known)
    assert (run.batch.y[run.batch.real & ~known] == 1e6).all()
    first = run.snapshot.predictions[0]
    assert run.snapshot.error[0] == pytest.approx(np.abs(first - truth)[known].mean(), rel=1e-5)
    assert run.snapshot.real_loss[0] == pytest.approx(np.square(first - truth)[known].mean(), rel=1e-5)
    assert run.baseline == pytest.approx(np.abs(truth[known] - np.median(truth[known])).mean())
    assert run.snapshot.loss[0] > 1e9


# Output and batch size: both together, and each in the fuller set. Each pair is a graph of its own.
PAIRS = [
    ("last_step", 1),
    pytest.param("last_step", 0, marks=pytest.mark.verify),
    pytest.param("every_step", 1, marks=pytest.mark.verify),
    pytest.param("every_step", 0, marks=pytest.mark.verify),
]


def half_known() -> Table:
    """Six sequences of which half have no label at all."""
    return csv(
        *(f"{name},{step},{step},1,{step / 4 if name in 'ace' else ''}" for name in "abcdef" for step in range(3))
    )


@pytest.mark.parametrize(("output", "batch_size"), PAIRS)
def test_sequences_without_a_label_have_no_say(output, batch_size):
    settings = replace(SHORT, output=output, batch_size=batch_size, learning_rate=1e-6, loss="scalar_mse")
    mine = half_known()  # of a batch without a label this loss is a mean of nothing: NaN
    run = trained(Recipe(settings, mine))
    known = run.batch.known
    assert 0 < known.sum() < known.size
    wanted = np.square(run.snapshot.predictions[0] - run.batch.truth.reshape(known.shape))[known].mean()
    assert run.snapshot.real_loss[0] == pytest.approx(wanted, rel=1e-3)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("output", "batch_size"), PAIRS)
def test_nothing_known_is_nan_and_no_number(output, batch_size):
    mine = csv(*(f"{name},{step},{step},1,{step if name == 'a' else ''}" for name in "abc" for step in range(3)))
    seed = next(seed for seed in range(20) if mine.split(Recurrent(seed=seed))[1][0].id == "a")
    run = trained(Recipe(replace(SHORT, seed=seed, output=output, batch_size=batch_size), mine))
    assert not run.batch.known.any()
    for quantity in (run.snapshot.error, run.snapshot.real_loss, run.baseline):
        assert np.isnan(quantity).all()
    assert np.isfinite(run.snapshot.loss).all() and np.isfinite(run.snapshot.val_loss).all()
    json.dumps(run_figures.curve_figure(run), allow_nan=False)


def test_labels_of_0_and_1_count_right_answers():
    mine = csv(*(f"{name},{step},{step},1,{step % 2 if step else ''}" for name in "abcdef" for step in range(4)))
    run = trained(Recipe(replace(SHORT, activation="sigmoid"), mine))
    assert run.settings.task == "binary" and run.baseline == pytest.approx(1 / 3)
    known = run.batch.known
    wrong = (run.snapshot.predictions[0] > 0.5) != (run.batch.truth[..., 0] > 0.5)
    assert run.snapshot.error[0] == pytest.approx(wrong[known].mean())


@pytest.mark.filterwarnings("error")
def test_figures_show_what_is_missing():
    run = trained(Recipe(replace(SHORT, gaps="keep", nan_fill="keep"), SAMPLE))
    drawn = {
        "batch": batch_figure.batch_figure(run.settings, run.batch),
        "curve": run_figures.curve_figure(run),
        "gradient": run_figures.gradient_figure(run),
        "prediction": run_figures.prediction_figure(run),
        "sequence": run_figures.sequence_figure(run, 0),
    }
    for name, figure in drawn.items():
        assert json.loads(json.dumps(figure, allow_nan=False)) == figure, name
        assert go.Figure(figure).data
    json.dumps(run_figures.run_words(run), allow_nan=False)
    crosses = next(trace for trace in drawn["batch"]["data"] if trace.get("name") == "NaN input ×")
    assert len(crosses["x"]) == np.isnan(run.batch.x).any(axis=-1)[run.batch.real].sum() > 0
    row, step = crosses["y"][0], crosses["x"][0]
    assert batch_figure.cell(run.settings, run.batch, row, step).endswith("label NaN, input NaN")
    points = drawn["prediction"]["data"][0]
    assert [x is None for x in points["x"]] == np.isnan(run.batch.truth[run.batch.label_real]).ravel().tolist()


# --- nothing is kept


@pytest.fixture(scope="module")
def laboratory():
    pool = WorkerPool(1, affinity=structure)
    yield Laboratory(pool)
    pool.shutdown()


def private(laboratory: Laboratory) -> list[Recipe]:
    return [recipe for recipe in laboratory.trainings if recipe.table]


def test_a_training_on_own_data_is_remembered_as_long_as_somebody_holds_it(laboratory):
    mine = sample_table("mine.csv")
    training = laboratory.train(Recipe(SHORT, mine), "me")
    training.job.result(WITHIN)
    assert training.failure is None and training.run().epochs == SHORT.epochs
    np.testing.assert_allclose(training.run().snapshot.loss, trained(Recipe(SHORT, SAMPLE)).snapshot.loss, rtol=1e-6)
    assert laboratory.train(Recipe(SHORT, SAMPLE), "me again") is training, "equal data are the same training"
    assert laboratory.train(Recipe(SHORT), "me") is not training and Recipe(SHORT, mine) not in laboratory.remembered
    assert laboratory.traced(Recipe(SHORT, mine)) and not laboratory.traced(Recipe(replace(SHORT, units=7), mine))
    other = laboratory.train(Recipe(replace(SHORT, seed=1), mine), "me")
    assert other is not training and len(private(laboratory)) == 2
    job = training.job
    del training, other
    assert not private(laboratory)
    assert job.items == [] and job.call[1] == (), "what others still hold of it is empty"


def test_a_map_on_own_data_is_its_owners_and_ends_as_its_runs_do(laboratory):
    plan = Grid(SHORT, "learning_rate", "mask", (0.001, 0.05), ("aligned", "none"), (SHORT.seed,), SAMPLE)
    grid_run = laboratory.grid_run(plan, "me")
    assert grid_run.wait(WITHIN) and grid_run.failure is None and len(grid_run.cells) == 4
    for cell in grid_run.cells:
        run = trained(plan.recipe(cell.row, cell.column))
        assert (cell.outcome, cell.failure) == (outcome_of(run), "")
        np.testing.assert_allclose(cell.error, late(run.snapshot.error), rtol=1e-4)
    assert not laboratory.grid_runs, "the laboratory keeps none"
    assert "table" not in plan.to_json()
    with pytest.raises(BadInput, match="^map: got 26 trainings on your own data; takes 25 at most[.]$"):
        Grid(SHORT, "learning_rate", "mask", tuple(np.linspace(0.01, 0.1, 13)), ("aligned", "none"), (0,), SAMPLE)


def test_a_map_in_a_worker_lets_go_of_own_data():
    plan = Grid(SHORT, "learning_rate", "seed", (0.01,), (1,), (0,), SAMPLE)
    cells = [cell for cell in grid_training.grid_run(plan, [(0, 0, 0)], 10.0, True) if cell]
    assert cells[0].failure == "" and engine.traced(plan.recipe(0, 0).structure()).train_part is None


def test_a_graph_lets_go_of_own_data():
    trained(Recipe(SHORT, SAMPLE))
    graph = engine.traced(Recipe(SHORT, SAMPLE).structure())
    assert graph.traces == 1 and graph.train_part is None and graph.val_part is None
    stopped = engine.train(Recipe(replace(SHORT, epochs=3000), SAMPLE))
    next(stopped), next(stopped)
    assert graph.train_part is not None
    stopped.close()
    assert graph.train_part is None
    tasks.trace(Recipe(SHORT, SAMPLE))
    assert graph.traces == 1


def test_another_file_of_the_same_extent_shares_the_graph():
    rows = sample().decode().splitlines()
    other = table_of(rows[0], *(row.replace("plant ", "p") for row in rows[1:]))
    assert other != SAMPLE
    assert Recipe(SHORT, other).structure() == Recipe(SHORT, SAMPLE).structure()


def test_a_pasted_loss_trains_on_own_data(laboratory):
    text = "def loss(y_true, y_pred):\n    return keras.ops.mean((y_true - y_pred) ** 2, axis=-1)\n"
    training = laboratory.train(Recipe(SHORT, SAMPLE, pasted=Pasted(text)), "me")
    training.job.result(WITHIN)
    assert training.failure is None
    np.testing.assert_allclose(training.run().snapshot.loss, trained(Recipe(SHORT, SAMPLE)).snapshot.loss, rtol=1e-5)
