"""What is taken home besides a script: notebooks, tables, the page of figures; and the command that writes files."""

import csv
import io
import json
import re
from dataclasses import replace

import nbformat
import numpy as np
import pytest

from lessons.__main__ import main
from lessons.course.discovery import LESSONS
from lessons.export import sheets
from lessons.export.bundle import Bundle
from lessons.export.notebook import notebook
from lessons.export.page import page
from lessons.export.script import script
from lessons.recipe.recipe import Recipe
from tests.engine.test_engine import TINY
from tests.tools.taken_home import TIMEOUT, assert_same_numbers, bundle_of, trained

# --- notebooks


@pytest.mark.verify
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
    for part in code[:-1]:  # the last shows the figures, the script writes them
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
