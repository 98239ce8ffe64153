"""Speed, as ratios to the plain Keras way in the same run: `python -m lessons bench`."""

import gzip
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
from lessons.figures.packed import Numbers, packed
from lessons.figures.panel import run_content
from lessons.recipe.data import training_batch, validation_batch
from lessons.recipe.recipe import Recipe
from lessons.recipe.settings import Settings
from lessons.runs.grid import Grid
from lessons.runs.run import Run
from lessons.sandbox.admission import admit
from lessons.sandbox.walled_pool import WARM, WalledPool
from lessons.server import walled_tasks
from lessons.server.laboratory import Laboratory, structure
from lessons.tools.rows import Missing, Row, read, shown
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
        parts = (training, cold, doctor, mapping, clinic, page, room)
        shown((row for part in parts for row in part()), as_json)


def training() -> list[Row]:
    """20 epochs with a gradient heatmap each: warm, through a worker and back, beside compile + fit + GradientTape."""
    laboratory = Laboratory(WorkerPool(1, affinity=structure, keeps=1))
    laboratory.train(Recipe(SETTINGS), "bench").job.result()
    ours = [
        timed(lambda seed=seed: laboratory.train(Recipe(replace(SETTINGS, seed=seed)), "bench").job.result())
        for seed in range(1, OURS + 1)
    ]
    laboratory.executor.shutdown()
    plain = [timed(lambda seed=seed: plain_keras(replace(SETTINGS, seed=seed))) for seed in range(PLAIN)]
    mine, theirs = (1000 * statistics.median(times) for times in (ours, plain))
    ahead = Row("20 epochs with gradients, ms", mine, "compile + fit + GradientTape", theirs, 40, ahead=True)
    return [ahead, *written(40)]


def written(epochs: int) -> list[Row]:
    """What of a run goes to a browser, packed, beside the same as JSON; and both as a proxy compresses them."""
    content = run_content(trained_here(replace(SETTINGS, epochs=epochs)), live=False)
    whole = json.dumps(content, default=as_lists, separators=(",", ":")).encode()
    text = packed(content).encode()
    name = f"a run of {epochs} epochs as a browser gets it, kB"
    return [
        Row(name, len(text) / 1000, "the same as JSON", len(whole) / 1000, 1 / 3),
        Row(f"{name[:-4]}, compressed, kB", deflated(text), "the same as JSON, compressed", deflated(whole), 1 / 3),
    ]


def trained_here(settings: Settings) -> Run:
    laboratory = Laboratory(WorkerPool(1, affinity=structure, keeps=1))
    training = laboratory.train(Recipe(settings), "bench")
    training.job.result()
    laboratory.executor.shutdown()
    run = training.run()
    assert run is not None
    return run


def as_lists(numbers: Numbers) -> list:
    """What a browser makes of packed numbers: logarithms to three decimals, or numbers to four digits."""
    with np.errstate(divide="ignore"):
        logarithms = np.log10(np.abs(numbers.values.astype(float)))
    if numbers.form == "logarithm":
        return logarithms.round(3).tolist()
    return np.vectorize(lambda value: float(f"{value:.4g}"), otypes=[float])(numbers.values).tolist()


def deflated(content: bytes) -> float:
    """Kilobytes after what servers and proxies do to a text."""
    return len(gzip.compress(content, 6)) / 1000


def cold() -> list[Row]:
    """A preset whose structure nobody has trained beside the same again, as CPU of its worker: what tracing costs.

    Then by a new worker on the same machine, which has the folder of graphs that the first has left.
    """
    presets = [lesson.presets[0].settings for lesson in LESSONS.values()][:COLD]
    names = ("a preset for the first time, CPU of its worker, ms", "a preset on another day, CPU of its worker, ms")
    return [
        Row(name, 1000 * first, "the same again", 1000 * again, aim)
        for name, (first, again), aim in zip(names, (worker_seconds(presets) for _ in names), (4, 2), strict=True)
    ]


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


def doctor() -> list[Row]:
    """What the findings add to a run that is finite, and the origin of a NaN of one that is not."""
    laboratory = Laboratory(WorkerPool(1, affinity=structure, keeps=2))
    training = laboratory.train(Recipe(SETTINGS), "bench")
    training.job.result()
    run = training.run()
    more = (Recipe(replace(SETTINGS, seed=seed)) for seed in (1, 2, 3))
    spent = statistics.median(timed(lambda one=one: laboratory.train(one, "bench").job.result()) for one in more)
    found = statistics.median(timed(lambda: diagnose(replace(run))) for _ in range(OURS))  # a copy remembers nothing
    bad = Recipe(replace(SETTINGS, nan_share=0.2))
    began = timed(lambda: laboratory.train(bad, "bench").job.result())
    born = timed(lambda: laboratory.nan_origin(bad).result())
    laboratory.executor.shutdown()
    return [
        Row("findings of a run, ms", 1000 * found, "the run", 1000 * spent, 0.1),
        Row("origin of a NaN, s", born, "its run, for the first time", began),
    ]


def mapping() -> list[Row]:
    """256 trainings of 20 epochs as a map, beside the same by compile + fit: a few of those, times 256."""
    laboratory = Laboratory(WorkerPool(affinity=structure, keeps=GRAPHS_KEPT))
    laboratory.train(Recipe(SETTINGS), "bench").job.result()
    rates = tuple(float(f"{rate:.3g}") for rate in np.geomspace(1e-4, 1, SIDE))
    base = replace(SETTINGS, mask="shifted", padded_labels="garbage")
    shifts = tuple(range(-SIDE // 2, SIDE // 2))
    plans = [Grid(replace(base, seed=seed), "learning_rate", "mask_shift", rates, shifts, (seed,)) for seed in range(4)]
    processes = [worker.process.pid for worker in laboratory.executor.workers if worker.process]
    before = memory_of(processes)
    first, *warm = (timed(lambda grid=grid: laboratory.grid_run(grid, "bench").wait()) for grid in plans)
    held = memory_of(processes)
    laboratory.executor.shutdown()
    recipes = (replace(SETTINGS, seed=seed) for seed in range(PLAIN))
    plain = SIDE**2 * statistics.median(timed(lambda one=one: plain_keras(one, ())) for one in recipes)
    peer = f"compile + fit: {PLAIN} of them, times {SIDE**2 // PLAIN}"
    return [
        Row("256 runs of 20 epochs on a first graph, s", first, peer, plain),
        Row("256 runs of 20 epochs, warm, s", statistics.median(warm), peer, plain, 100, ahead=True),
        Row("memory of the workers after that, MB", held, "before", before),
    ]


def memory_of(processes: list[int]) -> float:
    """Resident megabytes of these processes together, what they share counted in each."""
    return sum(psutil.Process(number).memory_info().rss for number in processes) / 1e6


def clinic() -> list[Row]:
    """The clinic's examples examined one after the other, behind walls and warm."""
    walled_pool = WalledPool(1, spares=0, warm=WARM, fewer_walls=True)
    texts = [example.text for example in EXAMPLES.values()]
    walled_pool.submit(walled_tasks.examine, texts[0], None, {}).result()
    spent = {text: timed(lambda text=text: walled_pool.submit(walled_tasks.examine, text, None, {}).result())
             for text in texts}  # fmt: skip
    walled_pool.shutdown(wait=False)
    fit_with(texts[0])  # TensorFlow's own start is none of a loss's
    fitted = {text: took for text in texts if (took := fit_with(text)) is not None}
    by_share = sorted(fitted, key=lambda text: spent[text] / fitted[text])
    middle, slowest = by_share[len(by_share) // 2], by_share[-1]
    peer = "cold compile + fit with it on 32 rows"
    return [
        Row("a loss examined, warm, s: the median of their ratios", spent[middle], peer, fitted[middle], 3),
        Row("the slowest beside its peer, s", spent[slowest], peer, fitted[slowest]),
        Row("ninety such losses on two processes, s", 45 * statistics.mean(spent.values()),
            "compile + fit with ninety", 45 * statistics.mean(fitted.values())),
    ]  # fmt: skip


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


def page() -> list[Row | Missing]:
    """First paint, clicks and sixty learners, where the browser of the tests is installed."""
    return rows_of("tests.tools.stopwatch", "the page", "playwright")


def room() -> list[Row | Missing]:
    """A hundred learners in a workshop room."""
    return rows_of("tests.tools.crowd", "the room", "httpx")


def rows_of(module: str, what: str, needs: str) -> list[Row | Missing]:
    """The rows that a program of the tests prints as JSON."""
    if importlib.util.find_spec(needs) is None:
        return [Missing(what, f"needs {needs}, of requirements-dev.txt")]
    command = [sys.executable, "-m", module, "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        return [Missing(what, done.stderr.strip().splitlines()[-1])]
    return read(done.stdout.splitlines()[-1])
