"""What `compile` of a text asks for and a training here does otherwise is said, and why."""

import ast
from dataclasses import asdict

import pytest

from lessons.recipe.compiled import loss_of, of_numbers, optimizer_of, said_of_each
from lessons.recipe.interface import Interface, PutOut, Taken
from lessons.recipe.otherwise import left_out
from lessons.sandbox.admission.model.compiled_loss import loss_itself
from lessons.sandbox.admission.model.compiling import compiled

SEQUENCE = Taken("x", (12, 3))


def read(text: str) -> dict:
    return asdict(compiled(ast.parse(text))[-1])


def of(loss: str, labels: str = "number", columns: int = 1, name: str = "") -> PutOut:
    return PutOut(name, (12, columns), True, "linear", labels, loss)


def whole(loss: str, labels: str = "number", columns: int = 1) -> PutOut:
    """A prediction for each sequence."""
    return PutOut("", (columns,), False, "linear", labels, loss)


@pytest.mark.parametrize(
    ("text", "trained", "says"),
    [
        ("model.compile(loss='mse')", "mse", ""),
        ("error = 'mse'\nmodel.compile('adam', error)", "mse", ""),
        ("model.compile(loss=Huber(name='h'))", "huber", ""),
        ("model.compile(loss=Huber(delta=0.5))", "huber", "the arguments of Huber(delta=0.5) are not on offer"),
        ("model.compile(loss='poisson')", "mse", "“squared error, one value per step”: poisson is not on offer"),
        ("def mse(a, b): ...\nmodel.compile(loss=mse)", "mse", "give it as a loss of your own"),
        ("class Mine(Loss): ...\nmodel.compile(loss=Mine())", "mse", "Mine() of your text is not taken from there"),
        ("model.compile(loss='sparse_categorical_crossentropy')", "mse", "this output has one column"),
        ("model.compile(optimizer=Adam(1e-3, beta_1=0.9), loss='mse')", "mse", ""),
        ("rate = 0.01\nmodel.compile(optimizer=SGD(learning_rate=rate), loss='mse')", "mse", ""),
        (
            "s = ExponentialDecay(0.1, 10, 0.9)\nmodel.compile(Adam(s), 'mse')",
            "mse",
            "is 0.001 throughout: Exponential",
        ),
        ("model.compile(SGD(50), 'mse')", "mse", "The learning rate is 10 throughout: 50 is more"),
        ("model.compile(SGD(0.1, momentum=0.9), 'mse')", "mse", "SGD is used without momentum=0.9"),
        ("model.compile('adam', 'mse', metrics=['mae', MeanSquaredError(name='m')])", "mse", ""),
        ("model.compile('adam', 'mse', ['accuracy'])", "mse", "accuracy is not measured: it is not on offer"),
        (
            "model.compile('adam', 'mse', [CosineSimilarity(axis=1)])",
            "mse",
            "with its defaults: the arguments of Cosine",
        ),
        ("def r2(a, b): ...\nmodel.compile('adam', 'mse', [r2])", "mse", "The metric r2 of your text is not"),
        (
            "model.compile('adam', 'mse')\nmodel.fit(x, y, callbacks=[EarlyStopping()])",
            "mse",
            "called: EarlyStopping().",
        ),
        ("model.compile('nadam', 'mse')", "mse", "The optimizer is Adam: nadam"),
        ("model.compile('sgd', 'mse', loss_weights=w)", "mse", "its weight w is no plain number"),
        ("a = b\nb = a\nmodel.compile(loss=a)", "mse", "b is not on offer"),
    ],
)
def test_what_is_done_otherwise_is_one_sentence(text, trained, says):
    found = list(left_out(Interface((SEQUENCE,), (of(trained),)), read(text), itself=False))
    assert len(found) == bool(says) and says in "".join(found)


@pytest.mark.parametrize(
    ("given", "out", "says"),
    [
        ("class_weight={0: 1, 1: 2}", whole("bce_clipped", "binary"), ""),
        ("class_weight={0: 1, 1: 2}", of("bce_clipped", "binary"), "(batch, time, 1) fails in fit"),
        ("class_weight={0: 1, 1: 2}", whole("mse"), "the labels are numbers"),
        ("class_weight={0: 1, 1: 2}", whole("bce_clipped", "binary", 3), "the largest of 3 labels"),
        ("class_weight={0: 1, 1: 2}", whole("cross_entropy", "class", 3), "class 2 has none"),
        ("class_weight='balanced'", whole("bce_clipped", "binary"), "balanced is no dictionary"),
        ("class_weight=dict(enumerate(w))", whole("bce_clipped", "binary"), "is no dictionary of plain numbers"),
        ("sample_weight=w", of("bce_clipped", "binary"), "sample_weight=w of your fit"),
    ],
)
def test_weights_of_fit_are_taken_or_told_of(given, out, says):
    found = list(
        left_out(Interface((SEQUENCE,), (out,)), read(f"model.compile()\nh = model.fit(x, y, {given})"), False)
    )
    assert len(found) == bool(says) and says in "".join(found)


def test_of_two_outputs_the_one_that_is_looked_at_may_have_its_own_loss_the_other_is_told_of():
    several = Interface((SEQUENCE,), (of("mse", name="a"), of("mse", name="b")))
    said = read("model.compile(loss={'a': 'poisson', 'b': 'poisson'})")
    assert loss_itself(several, said).text == 'model.compile(loss="poisson")'
    (only,) = left_out(several, said, itself=True)
    assert only.startswith("The loss of b is")


@pytest.mark.parametrize("weights", ["[1, 0]", "{'a': 1, 'b': 0}", "{'b': 0}", "[1.0, 0.0]"])
def test_an_output_whose_loss_weighs_nothing_weighs_nothing(weights):
    found = read(f"model.compile('adam', ['mse', 'mae'], loss_weights={weights})")
    assert said_of_each([of("mse", name="a"), of("mae", name="b")], found) == [("mse", 1.0), ("mae", 0.0)]


def test_only_an_admitted_loss_of_keras_with_plain_arguments_is_taken_itself():
    one = Interface((SEQUENCE,), (of("mse"),))
    for loss in ("Huber(delta=d)", "open('/etc/passwd')", "'serialize'", "mine", "Huber(fn=lambda: 0)", "'a\\nb'"):
        assert loss_itself(one, read(f"model.compile(loss={loss})")) is None
    classes = Interface((SEQUENCE,), (of("cross_entropy", "class", 4),))
    assert loss_itself(classes, read("model.compile(loss=CategoricalFocalCrossentropy())")) is None  # of one-hot labels
    assert loss_itself(classes, read("model.compile(loss=SparseCategoricalCrossentropy(ignore_class=0))"))


def test_which_losses_take_numbers():
    assert all(map(of_numbers, ("mse", "keras.losses.Poisson()", "cosine_similarity", "MSLE")))
    assert not any(map(of_numbers, ("binary_crossentropy", "mine", "dice", None)))
    assert loss_of("def mse") is None


def test_a_clipping_is_taken_and_a_rate_that_has_a_name():
    found = read("rate = 0.05\nmodel.compile(optimizer=keras.optimizers.Adam(rate, clipnorm=1.0), loss='mse')")
    assert optimizer_of(found) == {"optimizer": "adam", "learning_rate": 0.05, "clipping": "clipnorm", "clip_at": 1.0}
    assert optimizer_of(read("model.compile(Adam(clipnorm=1, clipvalue=2), 'mse')")) == {
        "optimizer": "adam",
        "learning_rate": 1e-3,
    }
