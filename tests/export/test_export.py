"""What is taken home: scripts run in fresh processes that cannot import us and must give the engine's numbers."""

import ast
import contextlib
import csv
import io
import json
import os
import re
import subprocess
import sys
from dataclasses import replace

import nbformat
import numpy as np
import pytest
from hypothesis import Phase, assume, given
from hypothesis import settings as examples

from lessons.__main__ import main
from lessons.course.discovery import LESSONS
from lessons.doctor.examples import EXAMPLES
from lessons.engine import train as engine
from lessons.engine.pasted_loss import train as train_pasted
from lessons.export import sheets
from lessons.export.bundle import Bundle
from lessons.export.notebook import notebook
from lessons.export.page import page
from lessons.export.script import script
from lessons.families.recurrent import Recurrent
from lessons.recipe import losses
from lessons.recipe.bad_input import BadInput
from lessons.recipe.data import training_batch
from lessons.recipe.recipe import Pasted, Recipe
from lessons.recipe.settings import Settings
from lessons.recipe.spec import Choice
from lessons.recipe.table import Table
from lessons.recipe.table_file import sample
from lessons.runs.run import Run
from tests.engine.test_engine import ANY, TINY, recipes
from tests.tools.selection import first

TIMEOUT = 240  # seconds: other tests may have the cores
WITHOUT_PLOTLY = "import runpy, sys; sys.modules['plotly'] = None; runpy.run_path(sys.argv[1], run_name='__main__')"
FULL = [
    pytest.param(slug, preset, id=f"{slug}-{preset.name}")
    for slug, lesson in LESSONS.items()
    for preset in lesson.presets
]


def bundle_of(settings: Settings, **more) -> Bundle:
    return Bundle("mask_and_loss", "fixed", Recipe(settings, **more))


def trained(bundle: Bundle) -> Run:
    """The app's own run of a bundle."""
    recipe = bundle.recipe
    parts = train_pasted(recipe) if recipe.pasted else engine.train(recipe)
    return Run.gather(recipe, training_batch(recipe), parts)


def in_fresh_process(text: str, folder, *, plotly: bool = False) -> str:
    """What a script prints where there is no repository: -I leaves out the folder and PYTHONPATH."""
    file = folder / "taken home.py"
    file.write_text(text, encoding="utf-8")
    how = [str(file)] if plotly else ["-c", WITHOUT_PLOTLY, str(file)]
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | quiet
    command = [sys.executable, "-I", "-X", "utf8", *how]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=TIMEOUT
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def in_this_process(text: str, monkeypatch) -> str:
    monkeypatch.setitem(sys.modules, "plotly", None)
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        exec(compile(text, "taken home.py", "exec"), {"__name__": "__main__"})
    return told.getvalue()


def assert_same_numbers(told: str, run: Run) -> None:
    """The curve to 1e-5, nan where the app has nan; and what is printed about gradient and error."""
    header, *lines = told.splitlines()
    assert header == "epoch loss val_loss"
    rows = [line.split() for line in lines[: run.epochs]]
    assert [int(row[0]) for row in rows] == list(range(1, run.epochs + 1))
    for column, name in ((1, "loss"), (2, "val_loss")):
        got = np.array([float(row[column]) for row in rows])
        np.testing.assert_allclose(got, getattr(run.snapshot, name), rtol=1e-5, err_msg=name)
    rest = "\n".join(lines[run.epochs :])
    leak = run.leak if run.batch.y.ndim == 3 else run.input_leak
    got = [float(part) for part in re.search(r"on padding: (\S+) in epoch 1, (\S+) in the last", rest).groups()]
    np.testing.assert_allclose(got, leak[[0, -1]], rtol=1e-3, atol=1e-6, err_msg="leak")
    baseline = float(re.search(r"of the best constant (\S+)", rest)[1])
    np.testing.assert_allclose(baseline, run.baseline, rtol=1e-4)


# --- scripts


def test_a_fresh_process_knows_nothing_of_us(tmp_path):
    done = subprocess.run([sys.executable, "-I", "-c", "import lessons"], cwd=tmp_path, capture_output=True, text=True)
    assert "No module named 'lessons'" in done.stderr


@pytest.mark.parametrize("slug", first(5, tuple(LESSONS)))
def test_the_script_of_a_lesson_prints_the_apps_curve(slug, tmp_path):
    preset = LESSONS[slug].presets[0]
    bundle = Bundle(slug, preset.name, Recipe(replace(preset.settings, epochs=min(preset.settings.epochs, 12))))
    assert_same_numbers(in_fresh_process(script(bundle), tmp_path), trained(bundle))


@pytest.mark.verify
@pytest.mark.parametrize(("slug", "preset"), FULL)
def test_the_script_of_every_preset_prints_the_apps_curve(slug, preset, tmp_path):
    bundle = Bundle(slug, preset.name, Recipe(preset.settings))
    assert_same_numbers(in_fresh_process(script(bundle), tmp_path), trained(bundle))


@pytest.mark.verify
def test_with_plotly_a_script_leaves_its_figures(tmp_path):
    told = in_fresh_process(script(bundle_of(replace(TINY, loss="scalar_mse"))), tmp_path, plotly=True)
    assert told.splitlines()[-1] == "figures: mask_and_loss-fixed.html"
    text = (tmp_path / "mask_and_loss-fixed.html").read_text(encoding="utf-8")
    assert text.count("Plotly.newPlot(") == 2 and text.count('"name":"padding"') == 1 + TINY.epochs


# Toggles that change the form of the program, several at a time.
FORMS = {
    "batches, no mask in validation, a loss that reads the mask": {
        **{"batch_size": 2, "validation_mask": "none", "validation_labels": "random", "sample_weight": "besides"},
        **{"loss": "mask_reading_mse", "epsilon": 1.0, "reduction": "sum", "clipping": "global_clipnorm"},
    },
    "Masking(0), weights besides, bfloat16, attention": {
        **{"mask": "inputs", "sample_weight": "besides", "reduction": "mean_with_sample_weight"},
        **{"loss_dtype": "bfloat16", "between": "attention", "cell": "gru"},
    },
    "multiplied inputs, one label per sequence": {
        **{"mask": "shifted", "mask_shift": -2, "mask_route": "multiplied", "padding": "pre"},
        **{"output": "last_step", "padded_inputs": "random", "cell": "simple_rnn"},
    },
    "no mask, and a weight of 1 everywhere, which a scalar is summed with": {
        **{"mask": "none", "sample_weight": "instead", "loss": "scalar_mse", "reduction": "sum"},
    },
    "missing labels, weights instead of a mask, 0/1 labels": {
        **{"nan_share": 0.3, "nan_fill": "mean", "sample_weight": "instead"},
        **{"task": "binary", "activation": "sigmoid", "loss": "bce_clipped", "optimizer": "rmsprop"},
    },
}


@pytest.mark.parametrize("changes", FORMS.values(), ids=FORMS)
def test_every_form_of_the_program_prints_the_apps_curve(changes, monkeypatch):
    bundle = bundle_of(replace(TINY, sequences=5, seed=3, **changes))
    assert_same_numbers(in_this_process(script(bundle), monkeypatch), trained(bundle))


@pytest.mark.verify
@examples(max_examples=30, phases=[Phase.generate], **ANY)
@given(recipes())
def test_random_settings_print_the_apps_curve(settings):
    # Keras finds the logits behind a sigmoid output by itself; the engine hides them from it where no mask is passed.
    assume((settings.activation, settings.loss) != ("sigmoid", "bce_from_logits"))
    bundle = bundle_of(settings)
    with pytest.MonkeyPatch.context() as monkeypatch:
        try:
            run = trained(bundle)
        except Exception:  # what Keras refuses it refuses there too
            with pytest.raises(Exception):  # noqa: B017
                in_this_process(script(bundle), monkeypatch)
            return
        assert_same_numbers(in_this_process(script(bundle), monkeypatch), run)


def options() -> list:
    """Every option of every field alone."""
    offered = {name for lesson in LESSONS.values() for name in lesson.losses} | set(losses.LABELS)
    found = [("loss", name) for name in sorted(offered)]
    for name, spec in Recurrent.specs().items():
        if isinstance(spec, Choice) and name != "loss":
            found += [(name, option) for option in spec.options]
    return [*found, ("nan_share", 0.1), ("padding_share", 0.0), ("batch_size", 2)]


def test_every_option_gives_a_script_and_nothing_that_it_does_not_need():
    packages = {"math", "dataclasses", "importlib.util", "pathlib", "keras", "tensorflow", "numpy"}
    for name, option in options():
        text = script(bundle_of(replace(TINY, **{"padded_labels": "garbage", name: option})))
        tree = ast.parse(text)
        compile(tree, name, "exec")
        code = text.split('"""', 2)[2]
        assert max(map(len, code.split("\n"))) <= 120, (name, option)
        imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert imported <= packages | {"plotly.graph_objects"}, (name, option)
        assert unused(tree) == set(), (name, option)
        assert ("with_missing" in code) == (name == "nan_share"), (name, option)
        assert ("BATCH_SIZE" in code) == (name == "batch_size"), (name, option)
        assert ("EPSILON" in code) == losses.uses_epsilon(option if name == "loss" else "mse"), (name, option)
        kinds = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)} & {"shifted", "inverted"}
        assert kinds == set(), (name, option)  # a branch for another mask


def unused(tree: ast.Module) -> set[str]:
    """Top-level names and imports that nothing uses."""
    bound = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign):
            bound |= {inner.id for target in node.targets for inner in ast.walk(target) if isinstance(inner, ast.Name)}
    loaded = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    return bound - loaded


@pytest.mark.parametrize("name", [*sorted(losses.LABELS), "nan_labels.mean_over_known"])
def test_the_loss_is_the_text_that_runs(name):
    assert losses.source(name) in script(bundle_of(replace(TINY, loss=name)))


# --- losses from the clinic

CLASS = """\
import keras
from keras import ops

GAMMA = 2.0

class Focal(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return ops.mean(ops.abs(y_true - y_pred) ** GAMMA, axis=-1)
"""
FACTORY = """\
def weighted(weight):
    def loss(y_true, y_pred):
        return weight * K.mean(K.square(y_true - y_pred), axis=-1)
    return loss
"""
FUTURE = """\
from __future__ import annotations

def nothing_imported(y_true, y_pred):
    '''tf and math are known in the clinic.'''
    return tf.reduce_mean(tf.square(y_true - y_pred), axis=-1) * math.sqrt(2)
"""
PASTED = {
    "function": Pasted(EXAMPLES["zeros"].text if "zeros" in EXAMPLES else next(iter(EXAMPLES.values())).text),
    "class": Pasted(CLASS),
    "factory": Pasted(FACTORY, "weighted(3.0)"),
    "future": Pasted(FUTURE),
}


@pytest.mark.parametrize("pasted", PASTED.values(), ids=PASTED)
def test_a_pasted_loss_comes_along_as_it_is(pasted, monkeypatch):
    bundle = bundle_of(replace(TINY, reduction="sum" if "weighted" in pasted.text else TINY.reduction), pasted=pasted)
    text = script(bundle)
    body = pasted.text.removeprefix("from __future__ import annotations\n").strip("\n")
    assert body in text
    assert_same_numbers(in_this_process(text, monkeypatch), trained(bundle))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("def one(y_true, y_pred, extra):\n    return y_true\n", "which of its functions"),
        ("def error(y_true, y_pred):\n    return y_true - y_pred\n", "it defines “error”"),
        ("def broken(y_true:\n", "line 1"),
    ],
)
def test_a_pasted_loss_that_cannot_come_along_says_why(text, told):
    with pytest.raises(BadInput, match=told):
        script(bundle_of(TINY, pasted=Pasted(text)))


# --- own data


TREATED = {"gaps": "keep", "scale": "standard", "input_fill": "last", "mask": "not_nan"}


@pytest.mark.parametrize("changes", [{}, TREATED], ids=["as it is", "treated"])
def test_own_data_come_along(changes, monkeypatch):
    plants = Table.parse(sample(), "plants.csv")
    bundle = bundle_of(replace(TINY, nan_fill="zero", padding="pre", **changes), table=plants)
    assert_same_numbers(in_this_process(script(bundle), monkeypatch), trained(bundle))
    shown = script(bundle, shortened=True)
    assert len(shown) < len(script(bundle)) and "more rows in the file" in shown


# --- notebooks


def test_a_notebook_runs_and_draws(tmp_path, monkeypatch):
    from nbclient import NotebookClient

    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    bundle = Bundle("mask_and_loss", "broken", Recipe(replace(TINY, loss="scalar_mse")))
    written = nbformat.reads(notebook(bundle), as_version=4)
    nbformat.validate(written)
    done = NotebookClient(written, timeout=TIMEOUT, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in done.cells if cell.cell_type == "code" for output in cell.outputs]
    told = "".join(output.text for output in outputs if output.output_type == "stream" and output.name == "stdout")
    assert_same_numbers(told, trained(bundle))
    drawn = [output.data["application/vnd.plotly.v1+json"] for output in outputs if "data" in output]
    assert [len(figure["data"]) for figure in drawn] == [2, 3] and len(drawn[1]["frames"]) == TINY.epochs
    assert not list(tmp_path.iterdir())


def test_a_notebook_is_the_script_in_cells():
    bundle = bundle_of(TINY)
    cells = json.loads(notebook(bundle))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    text = script(bundle)
    for part in code[1:-1]:  # the first imports less; the last shows the figures, the script writes them
        assert part in text
    assert "curve.show()" in code[-1] and "find_spec" not in "".join(code)
    assert notebook(bundle) == notebook(bundle)


# --- command line


def test_export_prints_and_writes(capsys, tmp_path):
    file = tmp_path / "experiment.py"
    arguments = ["export", "mask_and_loss", "--preset", "fixed", "--set", "epochs=3", "--to", "script"]
    assert main(arguments) == 0
    told = capsys.readouterr().out
    settings = LESSONS["mask_and_loss"].preset("fixed").settings
    assert told == script(Bundle("mask_and_loss", "fixed", Recipe(replace(settings, epochs=3))))
    file.write_text("an older one")
    assert main([*arguments, "-o", str(file)]) == 0
    assert file.read_text(encoding="utf-8") == told and capsys.readouterr().out == ""
    assert main(["export", "nan_labels", "--to", "notebook"]) == 0
    nbformat.validate(nbformat.reads(capsys.readouterr().out, as_version=4))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["mask_and_loss"], "--to"),
        (["mask_and_loss", "--to", "pdf"], "'script', 'notebook'"),
        (["nonsense", "--to", "script"], "lesson: got “nonsense”"),
        (["mask_and_loss", "--to", "script", "--set", "epochs=x"], "epochs: got “x”"),
        (["mask_and_loss", "--to", "script", "-o", "/no/such/folder/file.py"], "-o: got “/no/such/folder/file.py”"),
    ],
)
def test_export_refuses_in_one_line(arguments, told, capsys):
    assert main(["export", *arguments]) == 2
    err = capsys.readouterr().err
    assert told in err and err.count("\n") == 1


# --- tables and the page of figures


@pytest.fixture(scope="module")
def run():
    return trained(bundle_of(replace(TINY, loss="scalar_mse", batch_size=3)))


def rows_of(text: str) -> list[dict]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_curve_has_every_digit(run):
    rows = rows_of(sheets.curve(run))
    assert list(rows[0]) == ["epoch", "loss", "real_loss", "val_loss", "error"]
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3]
    for name in ("loss", "real_loss", "val_loss", "error"):
        wanted = getattr(run.snapshot, name)
        assert np.array_equal(np.array([row[name] for row in rows], wanted.dtype), wanted), name


def test_the_gradients_have_a_row_for_every_step(run):
    rows = rows_of(sheets.gradients(run))
    s, batch = run.snapshot, run.batch
    assert len(rows) == s.gradient.size
    columns = {
        "real": np.broadcast_to(batch.real, s.gradient.shape),
        "mask": np.broadcast_to(batch.mask, s.gradient.shape),
        "label": np.broadcast_to(batch.y[..., 0], s.gradient.shape),
        "prediction": s.predictions,
        "gradient": s.gradient,
        "input_gradient": s.input_gradient,
    }
    places = [tuple(int(row[name]) for name in ("epoch", "sequence", "timestep")) for row in rows]
    assert places == [(e + 1, i, j) for e, i, j in np.ndindex(*s.gradient.shape)]
    for name, wanted in columns.items():
        got = np.array([row[name] for row in rows]).astype(float).astype("float32").reshape(wanted.shape)
        assert np.array_equal(got, wanted.astype("float32"), equal_nan=True), name


def test_one_label_per_sequence_stands_at_its_last_step():
    run = trained(bundle_of(replace(TINY, output="last_step", padding="post")))
    rows = rows_of(sheets.gradients(run))
    labelled = [row for row in rows if row["label"]]
    assert len(labelled) == 3 * 4 and all(bool(row["gradient"]) == bool(row["label"]) for row in rows)
    lengths = run.batch.real.sum(axis=1)
    assert all(int(row["timestep"]) == lengths[int(row["sequence"])] - 1 for row in labelled)
    assert np.array_equal(np.array([row["label"] for row in labelled[:4]], "float32"), run.batch.y[:, 0])


def test_a_long_sheet_takes_fewer_epochs(run, monkeypatch):
    monkeypatch.setattr(sheets, "GRADIENT_ROWS", 2 * run.batch.real.size)
    rows = rows_of(sheets.gradients(run))
    assert sorted({int(row["epoch"]) for row in rows}) == [1, 3]


def test_nan_and_infinity_are_named():
    bundle = bundle_of(replace(TINY, padded_labels="nan", mask="none"))
    assert {row["loss"] for row in rows_of(sheets.curve(trained(bundle)))} == {"nan"}


def test_the_page_of_figures_needs_nothing_else(run):
    text = page(bundle_of(run.settings), run)
    assert text.startswith("<!doctype html>") and text.count("Plotly.newPlot(") == 5
    assert not re.search(r"<(script|link|img)[^>]*(src|href)=", text)
    assert LESSONS["mask_and_loss"].title in text
