"""Speed, as ratios to the plain Keras way in the same run: `python -m lessons bench`."""

from __future__ import annotations

import importlib.util
import json
import statistics
import subprocess
import sys
import time
from dataclasses import replace

from lessons.data import training_batch, validation_batch
from lessons.doctor import orders
from lessons.doctor.examples import EXAMPLES
from lessons.doctor.ward import WARM, Ward
from lessons.laboratory import Laboratory, structure
from lessons.pool import ROOT, WorkerPool
from lessons.settings import Settings

RECIPE = Settings(epochs=20)  # LSTM 16, batch 32, 12 timesteps
OURS, PLAIN = 15, 3  # repetitions


def main(as_json: bool) -> None:
    figures = {**training(), **clinic(), **page()}
    if as_json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:56} {value:.3g}" if isinstance(value, float | int) else f"{name:56} {value}")


def training() -> dict:
    """20 epochs with a gradient heatmap each: warm, through a worker and back, beside compile + fit + GradientTape."""
    laboratory = Laboratory(WorkerPool(1, affinity=structure, keeps=1))
    laboratory.train(RECIPE, "bench").job.result()
    ours = [
        timed(lambda seed=seed: laboratory.train(replace(RECIPE, seed=seed), "bench").job.result())
        for seed in range(1, OURS + 1)
    ]
    laboratory.executor.shutdown()
    plain = [timed(lambda seed=seed: plain_keras(replace(RECIPE, seed=seed))) for seed in range(PLAIN)]
    mine, theirs = statistics.median(ours), statistics.median(plain)
    return {
        "20 epochs with gradients, ms": 1000 * mine,
        "the same with compile + fit + GradientTape, ms": 1000 * theirs,
        "ratio (aim 40)": theirs / mine,
    }


def clinic() -> dict:
    """The clinic's examples examined one after the other, behind walls and warm."""
    ward = Ward(1, spares=0, warm=WARM)
    texts = [example.text for example in EXAMPLES.values()]
    ward.submit(orders.examine, texts[0], None, {}).result()
    spent = [timed(lambda text=text: ward.submit(orders.examine, text, None, {}).result()) for text in texts]
    ward.shutdown(wait=False)
    one = statistics.median(spent)
    return {
        "a loss examined, warm, s (aim 2)": one,
        "the slowest of the examples, s": max(spent),
        "ninety such losses on two processes, s (aim 180)": 90 * statistics.mean(spent) / 2,
    }


def timed(action) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def plain_keras(settings: Settings) -> None:
    """What people write: compile, fit, and a callback that takes the gradient once an epoch."""
    import keras
    import tensorflow as tf

    batch, validation = training_batch(settings), validation_batch(settings)
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
        callbacks=[Gradients()],
    )


def page() -> dict:
    """First paint, clicks and sixty learners, where the browser of the tests is installed."""
    if importlib.util.find_spec("playwright") is None:
        return {"the page": "not measured: needs requirements-dev.txt and a Chromium"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.stopwatch", "--json"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        return {"the page": f"not measured: {done.stderr.strip().splitlines()[-1]}"}
    return json.loads(done.stdout.splitlines()[-1])
