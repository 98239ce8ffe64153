"""Speed, as ratios to the plain Keras way in the same run: `python -m lessons bench`."""

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import psutil

from lessons.course.discovery import LESSONS
from lessons.doctor.examples import EXAMPLES
from lessons.doctor.run import diagnose
from lessons.families.recurrent import Recurrent
from lessons.recipe.data import training_batch, validation_batch
from lessons.recipe.recipe import Recipe
from lessons.recipe.settings import Settings
from lessons.runs.grid import Grid
from lessons.sandbox.admission import admit
from lessons.sandbox.walled_pool import WARM, WalledPool
from lessons.server import walled_tasks
from lessons.server.laboratory import Laboratory, structure
from lessons.workers import GRAPHS_KEPT
from lessons.workers.pool import ROOT, WorkerPool

SETTINGS = Recurrent(epochs=20)  # LSTM 16, batch 32, 12 timesteps
OURS, PLAIN = 15, 3  # repetitions
COLD = 5  # presets
SIDE = 16  # cells along each side of a map


def main(as_json: bool) -> None:
    from lessons.engine.graph_files import PLACE

    with tempfile.TemporaryDirectory() as folder:  # whoever has used this machine, here it is new
        os.environ[PLACE] = folder
        figures = {**training(), **cold(), **doctor(), **mapping(), **clinic(), **page(), **room()}
    if as_json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:56} {value:.3g}" if isinstance(value, float | int) else f"{name:56} {value}")


def training() -> dict:
    """20 epochs with a gradient heatmap each: warm, through a worker and back, beside compile + fit + GradientTape."""
    laboratory = Laboratory(WorkerPool(1, affinity=structure, keeps=1))
    laboratory.train(Recipe(SETTINGS), "bench").job.result()
    ours = [
        timed(lambda seed=seed: laboratory.train(Recipe(replace(SETTINGS, seed=seed)), "bench").job.result())
        for seed in range(1, OURS + 1)
    ]
    laboratory.executor.shutdown()
    plain = [timed(lambda seed=seed: plain_keras(replace(SETTINGS, seed=seed))) for seed in range(PLAIN)]
    mine, theirs = statistics.median(ours), statistics.median(plain)
    return {
        "20 epochs with gradients, ms": 1000 * mine,
        "the same with compile + fit + GradientTape, ms": 1000 * theirs,
        "ratio (aim 40)": theirs / mine,
    }


def cold() -> dict:
    """A preset whose structure nobody has trained beside the same again, as CPU of its worker: what tracing costs.

    Then by a new worker on the same machine, which has the folder of graphs that the first has left.
    """
    presets = [lesson.presets[0].settings for lesson in LESSONS.values()][:COLD]
    first, again = worker_seconds(presets)
    later, again_later = worker_seconds(presets)
    return {
        "a preset for the first time, CPU of its worker, ms": 1000 * first,
        "the same again, ms": 1000 * again,
        "for the first time beside again (aim 4)": first / again,
        "the same on another day, ms": 1000 * later,
        "on another day beside again (aim 2)": later / again_later,
    }


def worker_seconds(presets: list[Settings]) -> tuple[float, float]:
    """CPU seconds of a new worker for a preset's first run and for its next ones: medians."""
    pool = WorkerPool(1, affinity=structure, keeps=GRAPHS_KEPT)
    laboratory = Laboratory(pool)

    def spent(settings: Settings) -> float:
        before = sum(worker.cpu_times()[:2])
        laboratory.train(Recipe(settings), "bench").job.result()
        return sum(worker.cpu_times()[:2]) - before

    # The first graph of all costs more, of either kind.
    for _ in range(2):
        laboratory.train(Recipe(replace(SETTINGS, units=SETTINGS.units - 1)), "bench").job.result()
    worker = psutil.Process(pool.workers[0].process.pid)
    first = statistics.median([spent(one) for one in presets])
    again = statistics.median([spent(replace(one, seed=seed)) for one in presets for seed in range(11, 11 + OURS)])
    pool.shutdown()
    return first, again


def doctor() -> dict:
    """What the findings add to a run that is finite, and the origin of a NaN of one that is not."""
    laboratory = Laboratory(WorkerPool(1, affinity=structure, keeps=2))
    training = laboratory.train(Recipe(SETTINGS), "bench")
    training.job.result()
    run = training.run()
    more = (Recipe(replace(SETTINGS, seed=seed)) for seed in (1, 2, 3))
    spent = statistics.median(timed(lambda one=one: laboratory.train(one, "bench").job.result()) for one in more)
    found = statistics.median(timed(lambda: diagnose(replace(run))) for _ in range(OURS))  # a copy remembers nothing
    bad = Recipe(replace(SETTINGS, nan_share=0.2))
    laboratory.train(bad, "bench").job.result()
    born = timed(lambda: laboratory.nan_origin(bad).result())
    laboratory.executor.shutdown()
    return {
        "findings of a run, ms": 1000 * found,
        "findings add to a finite run, % (aim 10)": 100 * found / spent,
        "origin of a NaN of a NaN, s (aim 1)": born,
    }


def mapping() -> dict:
    """256 trainings of 20 epochs as a map, beside the same by compile + fit: a few of those, times 256."""
    laboratory = Laboratory(WorkerPool(affinity=structure, keeps=GRAPHS_KEPT))
    laboratory.train(Recipe(SETTINGS), "bench").job.result()
    rates = tuple(float(f"{rate:.3g}") for rate in np.geomspace(1e-4, 1, SIDE))
    base = replace(SETTINGS, mask="shifted", padded_labels="garbage")
    shifts = tuple(range(-SIDE // 2, SIDE // 2))
    plans = [Grid(replace(base, seed=seed), "learning_rate", "mask_shift", rates, shifts, (seed,)) for seed in range(4)]
    first, *warm = (timed(lambda grid=grid: laboratory.grid_run(grid, "bench").wait()) for grid in plans)
    held = memory_of([worker.process.pid for worker in laboratory.executor.workers if worker.process])
    laboratory.executor.shutdown()
    recipes = (replace(SETTINGS, seed=seed) for seed in range(PLAIN))
    plain = SIDE**2 * statistics.median(timed(lambda one=one: plain_keras(one, ())) for one in recipes)
    return {
        "256 runs of 20 epochs on a first graph, s (aim 6)": first,
        "256 runs of 20 epochs, warm, s (aim 2)": statistics.median(warm),
        f"the same with compile + fit, s ({PLAIN} of them, times {SIDE**2 // PLAIN})": plain,
        "ratio (aim 100)": plain / statistics.median(warm),
        "memory of the workers after that, MB": held,
    }


def memory_of(processes: list[int]) -> float:
    """Resident megabytes of these processes together, what they share counted in each."""
    return sum(psutil.Process(number).memory_info().rss for number in processes) / 1e6


def clinic() -> dict:
    """The clinic's examples examined one after the other, behind walls and warm."""
    walled_pool = WalledPool(1, spares=0, warm=WARM, fewer_walls=True)
    texts = [example.text for example in EXAMPLES.values()]
    walled_pool.submit(walled_tasks.examine, texts[0], None, {}).result()
    spent = [
        timed(lambda text=text: walled_pool.submit(walled_tasks.examine, text, None, {}).result()) for text in texts
    ]
    walled_pool.shutdown(wait=False)
    one = statistics.median(spent)
    fit_with(texts[0])  # TensorFlow's own start is none of a loss's
    fitted = {text: took for text in texts if (took := fit_with(text)) is not None}
    shares = [took / fitted[text] for text, took in zip(texts, spent, strict=True) if text in fitted]
    return {
        "a loss examined, warm, s (aim 2)": one,
        "cold compile + fit with it on 32 rows, s": statistics.median(fitted.values()),
        "examined beside compile + fit (aim at most 3)": statistics.median(shares),
        "the same of the slowest": max(shares),
        "the slowest of the examples, s": max(spent),
        "ninety such losses on two processes, s (aim 180)": 90 * statistics.mean(spent) / 2,
    }


def fit_with(text: str) -> float | None:
    """Seconds of compile + fit with one of our examples, on 32 rows; None where it cannot be trained with."""
    import keras

    names: dict = {}
    exec(text, names)
    loss = names[admit(text).default or ""]
    x, y = np.ones((32, 4), np.float32), np.linspace(0.1, 0.9, 32, dtype=np.float32)[:, None]

    def fit() -> None:
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, activation="sigmoid")])
        model.compile(optimizer="adam", loss=loss)
        model.fit(x, y, batch_size=32, verbose=0)

    try:
        return timed(fit)
    except Exception:  # it is an example of a loss that raises
        return None


def timed(action) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def plain_keras(settings: Settings, callbacks: Sequence | None = None) -> None:
    """What people write: compile, fit, and by default a callback that takes the gradient once an epoch."""
    import keras
    import tensorflow as tf

    batch, validation = training_batch(Recipe(settings)), validation_batch(Recipe(settings))
    x = keras.Input((settings.timesteps, batch.x.shape[-1]))
    hidden = keras.layers.LSTM(settings.units, return_sequences=True)(keras.layers.Masking(0.0)(x))
    model = keras.Model(x, keras.layers.Dense(1)(hidden))
    model.compile(optimizer=keras.optimizers.Adam(settings.learning_rate), loss="mse")

    class Gradients(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            inputs = tf.constant(batch.x)
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                predictions = self.model(inputs, training=True)
                loss = self.model.compute_loss(inputs, batch.y, predictions)
            self.gradients = tape.gradient(loss, [predictions, inputs])

    model.fit(
        batch.x,
        batch.y,
        batch_size=settings.sequences,
        epochs=settings.epochs,
        shuffle=False,
        verbose=0,
        validation_data=(validation.x, validation.y),
        callbacks=[Gradients()] if callbacks is None else list(callbacks),
    )


def page() -> dict:
    """First paint, clicks and sixty learners, where the browser of the tests is installed."""
    return figures_of("tests.tools.stopwatch", "the page", "playwright")


def room() -> dict:
    """A hundred learners in a workshop room."""
    return figures_of("tests.tools.crowd", "the room", "httpx")


def figures_of(module: str, what: str, needs: str) -> dict:
    """The figures that a program of the tests prints as JSON."""
    if importlib.util.find_spec(needs) is None:
        return {what: f"not measured: needs {needs}, of requirements-dev.txt"}
    command = [sys.executable, "-m", module, "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        return {what: f"not measured: {done.stderr.strip().splitlines()[-1]}"}
    return json.loads(done.stdout.splitlines()[-1])
