"""A script gives the app's numbers, for every value of every field, and holds nothing that its run does not need."""

import ast
import io
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from hypothesis import Phase, assume, given
from hypothesis import settings as examples

from lessons.course.discovery import LESSONS
from lessons.doctor.examples import EXAMPLES
from lessons.export.archive import ending_of, taken
from lessons.export.bundle import Bundle
from lessons.export.script import script
from lessons.families.recurrent import Recurrent
from lessons.recipe import losses
from lessons.recipe.bad_input import BadInput
from lessons.recipe.data import training_batch, validation_batch
from lessons.recipe.recipe import Pasted, Recipe
from lessons.recipe.settings import EPSILONS, OWN_DATA
from lessons.recipe.spec import Choice
from tests.engine.test_engine import ANY, TINY, oracle_data, recipes
from tests.families.conv import Conv
from tests.tools import oracle
from tests.tools.selection import OF_NUMBERS, first
from tests.tools.tables import sample_table, table_of
from tests.tools.taken_home import (
    SHORT,
    assert_gives_the_apps_numbers,
    assert_same_numbers,
    bundle_of,
    in_fresh_process,
    in_this_process,
    tiny,
    trained,
)

SPECS = Recurrent.specs()
LINES = 120  # of a script, the charts left out
PRESETS = [
    (slug, preset.name) for slug, lesson in sorted(LESSONS.items(), key=lambda one: one[0] != "validation")
    for preset in lesson.presets
]  # fmt: skip


def bundle_of_preset(slug: str, preset: str) -> Bundle:
    return Bundle(slug, preset, Recipe(LESSONS[slug].preset(preset).settings))


def needed(text: str) -> str:
    """A script without the charts."""
    return text.split("# %% Figures")[0].rstrip("\n") + "\n"


# --- numbers


def test_a_fresh_process_knows_nothing_of_us(tmp_path):
    done = subprocess.run([sys.executable, "-I", "-c", "import lessons"], cwd=tmp_path, capture_output=True, text=True)
    assert "No module named 'lessons'" in done.stderr


@pytest.mark.verify
def test_a_preset_prints_the_apps_curve_in_a_process_of_its_own(tmp_path):
    bundle = bundle_of_preset(*PRESETS[0])
    assert_same_numbers(in_fresh_process(script(bundle), tmp_path), trained(bundle))


@pytest.mark.verify
@pytest.mark.parametrize(("slug", "preset"), PRESETS)
def test_a_preset_prints_the_apps_curve(slug, preset):
    """Where a training makes more of a rounding than 1e-5, in the epochs before that."""
    bundle = bundle_of_preset(slug, preset)
    try:
        assert_gives_the_apps_numbers(bundle, script(bundle))
    except AssertionError:
        settings = bundle.recipe.settings
        epochs = oracle.steady(settings, oracle_data(settings, training_batch), oracle_data(settings, validation_batch))
        assert 20 <= epochs < settings.epochs, f"fit stays with itself in {epochs} of {settings.epochs} epochs"
        bundle = Bundle(slug, preset, Recipe(settings.with_changes({"epochs": epochs})))
        assert_gives_the_apps_numbers(bundle, script(bundle))


@pytest.mark.verify
def test_a_script_that_needs_the_repository_fails_here():
    for line in ("import lessons", "from lessons.recipe import data", "import plotly.graph_objects"):
        with pytest.raises(ImportError):
            in_this_process(line)


@pytest.mark.verify
def test_weights_that_move_on_under_a_loss_that_is_nan_are_the_apps():
    settings = LESSONS["first_iteration"].preset("no_abs").settings.with_changes({"epochs": SHORT})
    bundle = Bundle("first_iteration", "no_abs", Recipe(settings))
    run = assert_gives_the_apps_numbers(bundle, script(bundle))
    assert np.isnan(run.snapshot.loss).all() and np.isfinite(run.predictions).all()


@pytest.mark.verify
def test_with_plotly_a_script_leaves_its_figures(tmp_path):
    told = in_fresh_process(script(bundle_of(tiny(loss="scalar_mse"))), tmp_path, plotly=True)
    assert told.splitlines()[-1] == "figures: mask_and_loss-fixed.html"
    text = (tmp_path / "mask_and_loss-fixed.html").read_text(encoding="utf-8")
    assert text.count("Plotly.newPlot(") == 2 and text.count('"name":"padding"') == 1 + TINY.epochs


# Together they have every option of every field, and so what the templates write for it.
FORMS = (
    {
        **{"batch_size": 2, "validation_mask": "none", "validation_labels": "random", "sample_weight": "besides"},
        **{"loss": "mask_reading_mse", "epsilon": 1.0, "reduction": "sum", "clipping": "global_clipnorm"},
    },
    {
        **{
            "mask": "inputs",
            "sample_weight": "besides",
            "reduction": "mean_with_sample_weight",
            "padded_labels": "zero",
        },
        **{"loss_dtype": "bfloat16", "between": "attention", "cell": "gru", "validation_labels": "zero"},
    },
    {
        **{"mask": "shifted", "mask_shift": -2, "mask_route": "multiplied", "padding": "pre", "batch_size": 2},
        **{"output": "last_step", "padded_inputs": "random", "cell": "simple_rnn"},
    },
    {"mask": "none", "sample_weight": "instead", "loss": "scalar_mse", "reduction": "sum", "between": "dense"},
    {
        **{"nan_share": 0.3, "nan_fill": "mean", "sample_weight": "instead", "between": "time_distributed"},
        **{"task": "binary", "activation": "sigmoid", "loss": "bce_clipped", "optimizer": "rmsprop"},
    },
    {
        **{"mask": "labels", "nan_share": 0.3, "nan_fill": "zero", "between": "layer_normalization"},
        **{"loss_dtype": "float16", "clipping": "clipvalue", "clip_at": 0.01, "validation_labels": "garbage"},
    },
    {
        **{"mask": "not_nan", "nan_share": 0.3, "validation_mask": "aligned", "between": "times_one"},
        **{"loss": "nan_labels.mean_over_known", "padded_labels": "nan", "padded_inputs": "minus_one"},
    },
    {"mask": "wrong_side", "optimizer": "sgd", "clipping": "clipnorm", "activation": "softplus", "between": "reshape"},
    {"mask": "inverted", "padded_labels": "random", "task": "noise", "activation": "tanh", "between": "permute"},
    {
        **{"task": "binary", "loss": "bce_from_logits", "padded_labels": "random", "mask_route": "multiplied"},
        **{"loss_dtype": "float64", "between": "flatten", "sample_weight": "besides", "mask": "shifted"},
    },
    {"nan_share": 0.3, "nan_fill": "garbage", "activation": "relu", "between": "max_pooling", "padding": "pre"},
    {"output": "last_step", "mask": "inputs", "padding_share": 0.5, "validation_labels": "nan", "mask_shift": 0},
    {"padded_inputs": "nan", "mask": "shifted", "mask_shift": 0, "between": "conv1d", "mask_route": "multiplied"},
    {"between": "lambda", "task": "binary", "loss": "bce_added", "activation": "sigmoid", "validation_labels": "nan"},
)


@pytest.mark.parametrize("changes", first(1, FORMS))
def test_every_form_of_a_script_prints_the_apps_curve(changes):
    bundle = bundle_of(tiny(**changes))
    assert_gives_the_apps_numbers(bundle, script(bundle))


def test_the_forms_have_every_option_of_every_field():
    met = [tiny(**changes) for changes in FORMS]
    for name, spec in SPECS.items():
        if isinstance(spec, Choice) and name not in ("loss", *OWN_DATA):
            assert set(spec.options) == {getattr(settings, name) for settings in met}, name


FOR_OWN_DATA = (*OWN_DATA, "classes")

# What else has to be set for a field to matter.
SETTING = {
    "mask_shift": {"mask": "shifted"},
    "epsilon": {"loss": "root_error"},
    "mask_route": {"padded_inputs": "random"},
    "nan_share": {"loss": "nan_labels.mean_over_known"},
    "nan_fill": {"nan_share": 0.3, "loss": "nan_labels.mean_over_known"},
    "clip_at": {"clipping": "clipnorm"},
    "batch_size": {"sequences": 78},
    "validation_mask": {"mask": "wrong_side"},
}


def values(name: str) -> list:
    """All options; of a number both ends, one in the middle, and for epsilon all that are offered."""
    spec = SPECS[name]
    if name == "loss":
        return OF_NUMBERS
    if isinstance(spec, Choice):
        return list(spec.options)
    if name == "epsilon":
        return list(EPSILONS)
    if name == "epochs":  # its upper end takes minutes
        return [spec.low, 7, 300]
    middle = spec.low + (spec.high - spec.low) * 0.3
    return [spec.low, round(middle) if spec.whole else middle, spec.high]


SWEEP = [
    pytest.param({**SETTING.get(name, {}), name: value}, id=f"{name}={value}")
    for name in SPECS
    if name not in FOR_OWN_DATA
    for value in values(name)
]


@pytest.mark.verify
@pytest.mark.parametrize("changes", SWEEP)
def test_every_value_of_every_field_prints_the_apps_curve(changes):
    bundle = bundle_of(tiny(**changes))
    assert_gives_the_apps_numbers(bundle, script(bundle))


@pytest.mark.parametrize("name", SPECS)
def test_the_sweep_sets_what_a_field_needs_to_matter(name):
    if name not in (*FOR_OWN_DATA, "loss"):
        settings = [tiny(**{**SETTING.get(name, {}), name: value}) for value in values(name)]
        assert any(name not in Recipe(one).idle() for one in settings)


ROUTES = [
    {"mask": mask, "mask_route": route, "sample_weight": weight, "output": output}
    for mask in SPECS["mask"].options
    for route in SPECS["mask_route"].options
    for weight in SPECS["sample_weight"].options
    for output in SPECS["output"].options
    if weight == "none" or output == "every_step"
]  # fmt: skip


@pytest.mark.verify
@pytest.mark.parametrize("changes", ROUTES)
def test_every_mask_on_every_way_prints_the_apps_curve(changes):
    bundle = bundle_of(tiny(epochs=2, padded_inputs="random", **changes))
    assert_gives_the_apps_numbers(bundle, script(bundle))


@pytest.mark.verify
@examples(max_examples=30, phases=[Phase.generate], **ANY)
@given(recipes())
def test_random_settings_print_the_apps_curve(settings):
    # Keras finds the logits behind a sigmoid output by itself; the engine hides them from it where no mask is passed.
    assume((settings.activation, settings.loss) != ("sigmoid", "bce_from_logits"))
    bundle = bundle_of(settings)
    try:
        run = trained(bundle)
    except Exception:  # what Keras refuses it refuses there too
        with pytest.raises(Exception):  # noqa: B017
            in_this_process(script(bundle))
        return
    assert_same_numbers(in_this_process(script(bundle)), run)


# --- another family


class OfAnotherFamily(Bundle):
    query = ""  # no lesson has it


CROSS_ENTROPY = """\
def loss(y_true, y_pred):
    return keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)
"""


@pytest.mark.parametrize(
    "changes",
    first(1, [
        {"padding": "pre", "mask": "shifted", "batch_size": 2, "sample_weight": "besides", "reduction": "sum"},
        {"validation_mask": "none", "width": 2, "padded_labels": "random", "clipping": "clipnorm"},
        {"mask": "inputs", "optimizer": "sgd"},
        {"mask": "none"},
        {"mask_route": "multiplied", "padded_inputs": "random"},
    ]),
)  # fmt: skip
def test_a_family_that_fills_in_the_template_prints_the_apps_curve(changes):
    settings = Conv(sequences=5, timesteps=4, epochs=3, seed=3, **changes)
    bundle = OfAnotherFamily("mask_and_loss", "fixed", Recipe(settings, pasted=Pasted(CROSS_ENTROPY)))
    assert_gives_the_apps_numbers(bundle, script(bundle))


# --- what a script is


@pytest.mark.parametrize(("slug", "preset"), PRESETS)
def test_the_script_of_a_preset_is_short(slug, preset):
    text = script(bundle_of_preset(slug, preset))
    assert len(needed(text).splitlines()) <= LINES


def forms() -> list:
    """Settings, and names that their scripts have to hold and those of others must not."""
    options = [{"loss": name} for name in OF_NUMBERS]
    options += [{name: option} for name, spec in SPECS.items() if isinstance(spec, Choice) for option in values(name)]
    return [*options, *FORMS, {"output": "last_step", "padding": "pre"}]


def test_a_script_is_in_format_and_holds_nothing_that_it_does_not_need(tmp_path):
    for place, changes in enumerate(forms()):
        settings = tiny(**{"padded_labels": "garbage"} | changes)
        text = script(bundle_of(settings))
        (tmp_path / f"form_{place}.py").write_text(text, encoding="utf-8")
        code = needed(text).split('"""', 2)[2]
        assert max(map(len, code.split("\n"))) <= 120, changes
        assert unused(ast.parse(code)) == set(), changes
        assert ("NAN_SHARE" in code) == bool(settings.nan_share), changes
        assert ("BATCH_SIZE" in code) == settings.batched, changes
        assert ("EPSILON" in code) == losses.uses_epsilon(settings.loss), changes
    for command in (["format", "--check"], ["check", "--select=E,F,W", "--ignore=E402,E501"]):
        run = [sys.executable, "-m", "ruff", *command, "--isolated", "--line-length=120", str(tmp_path)]
        done = subprocess.run(run, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


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
    return bound - loaded - {"_"}


@pytest.mark.parametrize("name", [*sorted(losses.LABELS), "nan_labels.mean_over_known"])
def test_the_loss_is_the_text_that_runs(name):
    """But for its docstring, which is the heading above it, and the import of Keras, which a script has at the top."""
    (ran,) = ast.parse(losses.source(name)).body
    assert isinstance(ran, ast.FunctionDef)
    ran.body = [one for one in ran.body[1:] if not (isinstance(one, ast.Import) and one.names[0].name == "keras")]
    text = script(bundle_of(tiny(loss=name)))
    assert f"# %% Loss: {losses.label(name)}" in text and "\nimport keras\n" in text
    found = [one for one in ast.parse(text).body if isinstance(one, ast.FunctionDef) and one.name == ran.name]
    assert [ast.dump(one) for one in found] == [ast.dump(ran)]


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
MARKED = """\
# %% Mine
def marked(y_true, y_pred):
    return keras.losses.mean_squared_error(y_true, y_pred)  # {{ as it is }}
"""
PASTED = {
    "function": Pasted(EXAMPLES["zeros"].text if "zeros" in EXAMPLES else next(iter(EXAMPLES.values())).text),
    "class": Pasted(CLASS),
    "factory": Pasted(FACTORY, "weighted(3.0)"),
    "future": Pasted(FUTURE),
    "marked": Pasted(MARKED),
}


@pytest.mark.parametrize("name", first(1, [*PASTED]))
def test_a_pasted_loss_comes_along_as_it_is(name):
    pasted = PASTED[name]
    bundle = bundle_of(tiny(reduction="sum" if "weighted" in pasted.text else TINY.reduction), pasted=pasted)
    text = script(bundle)
    body = pasted.text.removeprefix("from __future__ import annotations\n").strip("\n")
    assert body in text
    assert_gives_the_apps_numbers(bundle, text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("def one(y_true, y_pred, extra):\n    return y_true\n", "missing 1 required positional argument: 'extra'"),
        ("def one(extra):\n    return lambda y_true, y_pred: y_true\n", r"such as one\(2.0\)"),
        ("def error(y_true, y_pred):\n    return y_true - y_pred\n", "it defines “error”"),
        ("def layers(y_true, y_pred):\n    return y_true - y_pred\n", "it defines “layers”"),
        ("def broken(y_true:\n", "line 1"),
    ],
)
def test_a_pasted_loss_that_cannot_come_along_says_why(text, told):
    with pytest.raises(BadInput, match=told):
        script(bundle_of(TINY, pasted=Pasted(text)))


# --- own data

TREATED = {"gaps": "keep", "scale": "standard", "input_fill": "last", "mask": "not_nan", "nan_fill": "mean"}
OTHERWISE = [{name: option} for name in (*OWN_DATA, "nan_fill", "output") for option in SPECS[name].options]


@pytest.mark.parametrize("changes", first(1, [{}, {**TREATED, "padding": "pre"}, *OTHERWISE]))
def test_own_data_come_along(changes):
    plants = sample_table("plants.csv")
    bundle = bundle_of(tiny(**{"nan_fill": "zero"} | changes), table=plants)
    assert_gives_the_apps_numbers(bundle, script(bundle))
    shown = script(bundle, shortened=True)
    assert len(shown) < len(script(bundle)) and "more rows in the file" in shown


CLASSES = {
    "of each step": {"nan_fill": "mean"},
    "of each sequence, one scalar": {"output": "last_step", "nan_fill": "zero", "loss": "scalar_mse", "padding": "pre"},
}


@pytest.mark.verify
@pytest.mark.parametrize("case", first(1, list(CLASSES)))
def test_classes_of_own_data_come_along(case):
    rows = (f"s{k // 6},{k % 6},{k % 5},{'red blue'.split()[k % 2]},{'abc'[k % 3] if k % 7 else ''}" for k in range(54))
    mine = table_of("id,time,x,colour,kind", *rows, label="kind")
    bundle = bundle_of(tiny(**CLASSES[case]), table=mine)
    assert bundle.recipe.settings.predicts.classes == 3 and mine.names == ("x", "colour = blue", "colour = red")
    assert_gives_the_apps_numbers(bundle, script(bundle))


@pytest.mark.verify
def test_large_data_lie_beside_the_script(tmp_path):
    """Its length does not depend on them."""
    rng = np.random.default_rng(0)
    rows = (f"s{k // 40},{k % 40},{rng.normal()!r},{rng.normal()!r},{rng.normal()!r}" for k in range(1600))
    bundle = bundle_of(tiny(padding="pre"), table=table_of("id,time,x,z,label", *rows))
    assert ending_of(bundle, ".py") == ".zip"
    with zipfile.ZipFile(io.BytesIO(taken(bundle, ".py"))) as archive:
        assert sorted(archive.namelist()) == ["mask_and_loss-fixed-data.csv", "mask_and_loss-fixed.py"]
        archive.extractall(tmp_path)
    text = (tmp_path / "mask_and_loss-fixed.py").read_text(encoding="utf-8")
    assert len(text.partition("# %% Figures")[0].splitlines()) <= LINES
    assert_same_numbers(in_fresh_process(text, tmp_path), trained(bundle))
    with zipfile.ZipFile(io.BytesIO(taken(bundle, ".ipynb"))) as archive:
        assert "mask_and_loss-fixed-data.csv" in archive.read("mask_and_loss-fixed.ipynb").decode()
    small = bundle_of(tiny(), table=sample_table("plants.csv"))
    assert ending_of(small, ".py") == ".py" and taken(small, ".py").decode() == script(small)
