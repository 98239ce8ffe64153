"""A run in plain Keras, with every toggle: scripts and notebooks are this, specialised to a run (specialisation.py).

Read it as what is left for known settings. `# %%` begins a part, a cell of the notebook. Nothing here is called; what
it does once it is specialised is held against the engine in tests/export/test_export.py. Shapes: x (batch, time,
features), masks and gradients (batch, time), labels and predictions (batch, time, 1), or (batch, 1) for one label per
sequence.
"""

from lessons.figures.marks import LEAK_SCALE, LOSS, NAN, REAL_SCALE, scale_of
from lessons.figures.run_figures import gradient_range, logarithm
from lessons.recipe.data import training_batch, validation_batch
from lessons.runs.run import baseline, error, leak, squeezed

OWN_DATA = "written in by the exporter"


def program(recipe, loss, takes_epsilon, may_be_object, output, notebook, page):
    """`loss`: its name in the script, of a function or, if it `may_be_object`, a Loss. `output`: what a prediction is,
    see run.output_of. `page`: the file for figures.
    """
    from importlib.util import find_spec
    from pathlib import Path

    import keras
    import numpy as np
    import tensorflow as tf

    settings = recipe.settings
    every_step = settings.output == "every_step"
    path = recipe.mask_path
    weighted = path.weighted
    found_by_keras = path.passed and settings.mask == "inputs" and settings.validation_mask == "same"
    route = "found" if found_by_keras else "given" if path.passed else "multiplied" if path.multiplied else "none"
    unmasked_validation = path.passed and not recipe.validation_mask_path.passed
    as_keras_reduces = settings.reduction == "sum_over_batch_size" and settings.loss_dtype == "float32"

    # %% Data: padded sequences, and the mask that is used; True means real step
    train, held_out = training_batch(recipe), validation_batch(recipe)
    x, x_held_out = inputs(train, route), inputs(held_out, "none" if unmasked_validation else route)
    if weighted:
        weights, weights_held_out = train.mask.astype("float32"), held_out.mask.astype("float32")

    # %% Loss

    # %% Model
    if as_keras_reduces and takes_epsilon:

        def loss_with_epsilon(y_true, y_pred):
            return loss(y_true, y_pred, settings.epsilon)

    if not as_keras_reduces:

        class Loss(keras.losses.Loss):
            def call(self, y_true, y_pred):
                return loss(y_true, y_pred, settings.epsilon) if takes_epsilon else loss(y_true, y_pred)

        reduced_loss = Loss(
            reduction=None if settings.reduction == "sum_over_batch_size" else settings.reduction,
            dtype=None if settings.loss_dtype == "float32" else settings.loss_dtype,
        )

    model = build_model(settings, route, train)
    model.compile(
        build_optimizer(settings),
        loss=(
            (loss if isinstance(loss, keras.losses.Loss) else reduced_loss)
            if may_be_object and not as_keras_reduces
            else reduced_loss
            if not as_keras_reduces
            else loss_with_epsilon
            if takes_epsilon
            else loss
        ),
        jit_compile=False,  # XLA rounds differently
    )
    if unmasked_validation:
        unmasked = build_model(settings, "none", train)
        unmasked.compile(loss=model.loss, jit_compile=False)

        def validate(epoch, logs):
            """Validation without a mask: the same weights in a model that takes none."""
            unmasked.set_weights(model.get_weights())
            logs["val_loss"] = unmasked.evaluate(
                x_held_out,
                held_out.y,
                sample_weight=weights_held_out if weighted else None,
                batch_size=settings.batch_size or settings.sequences,
                verbose=0,
            )

    # %% Gradient of the loss, step by step, before the weights are updated
    shown = np.unique(np.linspace(0, settings.epochs - 1, min(settings.epochs, 30)).round().astype(int))
    gradients = []

    @tf.function(autograph=False)
    def gradient(x, y, weights=None):
        """Its size at each step, (batch, time)."""
        with tf.GradientTape() as tape:
            if not every_step:
                at = x[0] if route == "given" else x
                tape.watch(at)
            predictions = model(x, training=True)
            value = model.compute_loss(x, y, predictions, sample_weight=weights if weighted else None)
        if every_step:
            return tf.abs(tape.gradient(value, predictions, unconnected_gradients="zero"))[..., 0]
        return tf.norm(tape.gradient(value, at, unconnected_gradients="zero"), axis=-1)

    if settings.batched:

        def keep_gradient(batch, logs):
            rows = slice(batch * settings.batch_size, (batch + 1) * settings.batch_size)
            data = (x, train.y, weights) if weighted else (x, train.y)
            gradients.append(gradient(*keras.tree.map_structure(lambda part: part[rows], data)).numpy())

    else:

        def keep_gradient(epoch, logs):
            if epoch in shown:
                gradients.append((gradient(x, train.y, weights) if weighted else gradient(x, train.y)).numpy())

    # %% Training
    history = model.fit(
        x,
        train.y,
        sample_weight=weights if weighted else None,
        validation_data=(
            None
            if unmasked_validation
            else (x_held_out, held_out.y, weights_held_out)
            if weighted
            else (x_held_out, held_out.y)
        ),
        epochs=settings.epochs,
        batch_size=settings.batch_size or settings.sequences,
        shuffle=False,
        callbacks=(
            [keras.callbacks.LambdaCallback(on_train_batch_begin=keep_gradient, on_epoch_end=validate)]
            if settings.batched and unmasked_validation
            else [keras.callbacks.LambdaCallback(on_train_batch_begin=keep_gradient)]
            if settings.batched
            else [keras.callbacks.LambdaCallback(on_epoch_begin=keep_gradient, on_epoch_end=validate)]
            if unmasked_validation
            else [keras.callbacks.LambdaCallback(on_epoch_begin=keep_gradient)]
        ),
        verbose=0,
    ).history
    print("epoch loss val_loss")
    for epoch, losses in enumerate(zip(history["loss"], history["val_loss"], strict=True), 1):
        print(epoch, *(f"{value:.9g}" for value in losses))

    # %% What it has learned, on real steps and against the true labels, whatever the loss says
    predictions = squeezed(model.predict(x, verbose=0))
    reached = error(settings, predictions, squeezed(train.truth), train.known, output)
    constant = baseline(settings, train)
    print(f"error {reached:.6g}, of the best constant {constant:.6g}")
    if settings.batched:
        gradients = np.concatenate(gradients).reshape(settings.epochs, *train.real.shape)[shown]  # (shown, batch, time)
    else:
        gradients = np.array(gradients)  # (shown, batch, time)
    if path.multiplied and not every_step:
        gradients = gradients * train.mask  # the inputs before they were multiplied
    real = train.label_real if every_step else train.real
    on_padding = leak(gradients, real)
    print(f"share of the gradient on padding: {on_padding[0]:.6g} in epoch 1, {on_padding[-1]:.6g} in the last")

    # %% Figures
    if notebook or find_spec("plotly"):
        import plotly.graph_objects as go

        values = np.array([history["loss"], history["val_loss"]])
        epochs = np.arange(1, settings.epochs + 1)
        looks = {"template": "plotly_white", "height": 450}
        curve = go.Figure(
            layout={"title": "Loss", "xaxis": {"title": "epoch"}, "yaxis": scale_of(values.ravel()), **looks}
        )
        curve.add_scatter(x=epochs, y=values[0], name="training", line={"color": LOSS})
        curve.add_scatter(x=epochs, y=values[1], name="validation", line={"color": LOSS, "dash": "dash"})

        def heatmaps(k):
            """log10 of the gradient: on real steps blue, on padding orange, NaN pink, blank where it is exactly 0."""
            size, nan = logarithm(gradients[k]), ~np.isfinite(gradients[k])
            low, high = gradient_range(gradients)
            layers = {
                "real": (np.where(real, size, np.nan), REAL_SCALE),
                "padding": (np.where(real, np.nan, size), LEAK_SCALE),
                "NaN": (np.where(nan, high, np.nan), [[0, NAN], [1, NAN]]),
            }
            return [
                go.Heatmap(z=z, colorscale=scale, zmin=low, zmax=high, name=name, showscale=name == "real")
                for name, (z, scale) in layers.items()
            ]

        def step(epoch):
            """One stop of the slider."""
            how = {"mode": "immediate", "frame": {"duration": 0}}
            return {"label": str(epoch + 1), "method": "animate", "args": [[str(epoch)], how]}

        slider = {"steps": [step(epoch) for epoch in shown], "currentvalue": {"prefix": "epoch "}, "pad": {"t": 40}}
        heatmap = go.Figure(
            heatmaps(0),
            frames=[go.Frame(data=heatmaps(k), name=str(epoch)) for k, epoch in enumerate(shown)],
            layout={
                "title": "log10 |d loss / d prediction|" if every_step else "log10 |d loss / d input|",
                "xaxis": {"title": "timestep"},
                "yaxis": {"title": "sequence", "autorange": "reversed"},
                "sliders": [slider],
                **looks,
            },
        )
        if notebook:
            curve.show()
            heatmap.show()
        else:
            parts = [
                curve.to_html(full_html=False),
                heatmap.to_html(full_html=False, include_plotlyjs=False, auto_play=False),
            ]
            text = "\n".join(['<meta charset="utf-8">', *parts])
            Path(page).write_text(text, encoding="utf-8")
            print("figures:", page)


def own_sequences(settings, stream):
    """Your inputs (batch, time, features), labels (batch, time, 1) and lengths (batch,); for training stream is 0."""
    import numpy as np

    rows = np.loadtxt(OWN_DATA.splitlines()[1:], delimiter=",")  # part, sequence, the features, the label
    part = rows[rows[:, 0] == stream, 1:]
    found = [part[part[:, 0] == sequence, 1:] for sequence in np.unique(part[:, 0])]
    x = np.zeros((len(found), settings.timesteps, rows.shape[1] - 3))
    y = np.zeros((len(found), settings.timesteps, 1))
    for row, steps in enumerate(found):
        x[row, : len(steps)], y[row, : len(steps), 0] = steps[:, :-1], steps[:, -1]
    return x, y, np.array([len(steps) for steps in found])


def inputs(batch, route):
    """What the model is given."""
    if route == "given":
        return [batch.x, batch.mask]
    if route == "multiplied":
        return batch.x * batch.mask[..., None]
    return batch.x


def build_model(settings, route, batch):
    """The recurrent layer and the output, their first weights drawn from the seed."""
    import keras
    from keras import layers

    from lessons.families.recurrent import between

    glorot = keras.initializers.GlorotUniform(settings.seed)
    x = keras.Input(batch.x.shape[1:])
    cell = {"lstm": layers.LSTM, "gru": layers.GRU, "simple_rnn": layers.SimpleRNN}[settings.cell](
        settings.units,
        return_sequences=settings.output == "every_step",
        kernel_initializer=glorot,
        recurrent_initializer=keras.initializers.Orthogonal(seed=settings.seed),
    )
    if route == "given":
        mask = keras.Input(batch.mask.shape[1:], dtype="bool")
        hidden = cell(x, mask=mask)
    elif route == "found":
        hidden = cell(layers.Masking(0.0)(x))
    else:
        hidden = cell(x)
    if settings.output == "every_step":
        hidden = between(settings, hidden, None)
    activation = None if settings.activation == "linear" else settings.activation
    y = layers.Dense(1, activation=activation, kernel_initializer=glorot)(hidden)
    return keras.Model([x, mask] if route == "given" else x, y)


def build_optimizer(settings):
    """The optimizer, with its clipping."""
    from keras import optimizers

    return {"adam": optimizers.Adam, "sgd": optimizers.SGD, "rmsprop": optimizers.RMSprop}[settings.optimizer](
        settings.learning_rate,
        clipvalue=settings.clip_at if settings.clipping == "clipvalue" else None,
        clipnorm=settings.clip_at if settings.clipping == "clipnorm" else None,
        global_clipnorm=settings.clip_at if settings.clipping == "global_clipnorm" else None,
    )
