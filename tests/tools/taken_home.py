"""Scripts that are taken home, run here or in a process of their own, and the app's numbers to hold them against."""

import contextlib
import io
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lessons.engine import train as engine
from lessons.engine.pasted_loss import train as train_pasted
from lessons.engine.pasted_training import train as train_model
from lessons.export.bundle import Bundle
from lessons.export.script import script
from lessons.recipe.data import training_batch
from lessons.recipe.recipe import Recipe
from lessons.recipe.settings import Settings
from lessons.runs.run import Run, error, squeezed
from tests.engine.test_engine import TINY

TIMEOUT = 240  # seconds: other tests may have the cores
WITHOUT_PLOTLY = "import runpy, sys; sys.modules['plotly'] = None; runpy.run_path(sys.argv[1], run_name='__main__')"


def bundle_of(settings: Settings, **more) -> Bundle:
    return Bundle("mask_and_loss", "fixed", Recipe(settings, **more))


def tiny(**changes) -> Settings:
    return replace(TINY, **{"sequences": 5, "seed": 3} | changes)


def trained(bundle: Bundle) -> Run:
    """The app's own run of a bundle."""
    recipe = bundle.recipe
    train = train_model if recipe.model else train_pasted if recipe.pasted else engine.train
    return Run.gather(recipe, training_batch(recipe), train(recipe))


def in_fresh_process(text: str, folder: Path, *, plotly: bool = False) -> str:
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


def in_this_process(text: str) -> str:
    """What it prints where plotly is not installed, and where there is no repository."""
    told = io.StringIO()
    with pytest.MonkeyPatch.context() as without, contextlib.redirect_stdout(told):
        for name in {*sys.modules, "plotly", "lessons"}:
            if name.partition(".")[0] in ("plotly", "lessons"):
                without.setitem(sys.modules, name, None)
        exec(compile(text, "taken home.py", "exec"), {"__name__": "__main__"})
    return told.getvalue()


# Epochs of a run whose loss is NaN and whose weights are not, as with log(y - p). A few more, and its gradient makes
# rounding as large as the numbers themselves: 1 / (y - p). No curve tells of it. Finite runs agree to the end.
SHORT = 4
ONE_ROUNDING = np.finfo("float32").eps  # beside 1: a cross-entropy is the logarithm of numbers near it, and no finer


def assert_same_numbers(told: str, run: Run) -> None:
    """The curve to 1e-5, nan where the app has nan; and what is printed about gradient and error."""
    header, *lines = told.splitlines()
    assert header == "epoch loss val_loss"
    rows = [line.split() for line in lines[: run.epochs]]
    assert [int(row[0]) for row in rows] == list(range(1, run.epochs + 1))
    for column, name in ((1, "loss"), (2, "val_loss")):
        got = np.array([float(row[column]) for row in rows])
        np.testing.assert_allclose(got, getattr(run.snapshot, name), rtol=1e-5, atol=ONE_ROUNDING, err_msg=name)
    rest = "\n".join(lines[run.epochs :])
    leak = run.leak if run.batch.y.ndim == 3 else run.input_leak
    got = [float(part) for part in re.search(r"on padding: (\S+) in epoch 1, (\S+) in the last", rest).groups()]
    np.testing.assert_allclose(got, leak[[0, -1]], rtol=1e-3, atol=1e-6, err_msg="leak")
    reached, baseline = map(float, re.search(r"error (\S+), of the best constant (\S+)", rest).groups())
    np.testing.assert_allclose(baseline, run.baseline, rtol=1e-4)
    if np.isfinite(run.snapshot.loss).all() or run.epochs <= SHORT:
        truth, output = squeezed(run.batch.truth), run.opening.output
        wanted = error(run.settings, run.predictions, truth, run.batch.known, output)
        np.testing.assert_allclose(reached, wanted, rtol=1e-4, err_msg="error")


def assert_gives_the_apps_numbers(bundle: Bundle, text: str) -> Run:
    run = trained(bundle)
    assert_same_numbers(in_this_process(text), run)
    return run


class OfNoLesson(Bundle):
    query = ""  # no lesson has exactly these settings


def assert_script_gives_the_apps_numbers(settings: Settings, slug: str = "mask_and_loss") -> None:
    """Settings of any family, as if its lesson `slug` had them."""
    bundle = OfNoLesson(slug, "fixed", Recipe(settings))
    assert_gives_the_apps_numbers(bundle, script(bundle))
