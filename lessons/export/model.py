"""The learner's own model in a script: the statements that it needs, as a function that makes it."""

import ast

from lessons.export.loss import unimported
from lessons.recipe.bad_input import BadInput
from lessons.recipe.recipe import Recipe
from lessons.recipe.weights import COLUMNS, FLAT, LABELS, NOTHING, ROWS, STEPS
from lessons.sandbox.admission import screening
from lessons.sandbox.admission.model import Refused
from lessons.sandbox.admission.model import text as model_text
from lessons.sandbox.admission.model.free_names import bound_names, read_names
from lessons.sandbox.admission.model.names import MODEL
from lessons.sandbox.admission.model.needed import shape_of_data, sizes_of

NAME = "own_model"
IN_KERAS = {  # losses on offer -> the class in keras.losses, and whether it takes logits
    "mse": ("MeanSquaredError", False),
    "mae": ("MeanAbsoluteError", False),
    "huber": ("Huber", False),
    "log_cosh": ("LogCosh", False),
    "bce_clipped": ("BinaryCrossentropy", False),
    "bce_from_logits": ("BinaryCrossentropy", True),
    "cross_entropy_clipped": ("SparseCategoricalCrossentropy", False),
    "cross_entropy": ("SparseCategoricalCrossentropy", True),
}


def function_of(recipe: Recipe) -> str:
    """The text of `own_model()`. Raises BadInput where the text cannot stand in a script."""
    model, settings = recipe.model, recipe.settings
    assert model
    if not model.interface.hears_training:
        raise BadInput(
            "the script: call() of your model takes no training, so fit never tells it of any; inside the model of a "
            "script it would hear of it. Write call(self, inputs, training=None)."
        )
    interface = model.interface
    if interface.words and len(interface.taken.shape) > 1:
        raise BadInput("the script: it is not written for words inside sentences, ids of (batch, time, words).")
    if interface.several and not recipe.table and (recipe.mask_path.weighted or uneven(recipe)):
        raise BadInput(
            "the script: of several inputs or outputs it is written without the mask as sample_weight, and with a "
            "mask in validation where there is one in training. Set these two so."
        )
    try:
        found = model_text.read(screening.parse(model.text), model.text)
    except Refused as refusal:
        raise BadInput(f"your model: {refusal.message}.") from None
    order = settings.timesteps, recipe.structure().extent[2], settings.predicts.columns
    sizes = sizes_of(*order)
    lines = [f"{name} = {sizes[name]}" for name in sorted(found.needed.sizes)]
    lines += bare_names(found.needed.tree)
    lines += [f'{name} = np.zeros({shape_of_data(name, *order)}, "float32")' for name in sorted(found.needed.data)]
    body = ast.parse("\n".join([*unimported(found.needed.tree), *lines])).body + found.needed.tree.body
    body.append(ast.Return(ast.parse(made(found, model.choice, sizes, order), mode="eval").body))
    arguments = ast.arguments([], [], None, [], [], None, [])
    function = ast.FunctionDef(NAME, arguments, body, [], None, None)
    return ast.unparse(ast.fix_missing_locations(ast.Module([function], [])))


def uneven(recipe: Recipe) -> bool:
    """Whether the training is given a mask and the validation none."""
    assert recipe.model
    made = recipe.model.interface.mark is not None
    return recipe.mask_path.passed and not made and not recipe.validation_mask_path.passed


def losses_beside(recipe: Recipe) -> str:
    """The losses of the outputs that are trained and not looked at, as Keras' own."""
    assert recipe.model
    settings, interface = recipe.settings, recipe.model.interface
    given = [f'reduction="{settings.reduction}"'] * (settings.reduction != "sum_over_batch_size")
    given += [f'dtype="{settings.loss_dtype}"'] * (settings.loss_dtype != "float32")
    names = [IN_KERAS[interface.outputs[place].loss] for place in interface.trained[1:]]
    logits = ("from_logits=True",)
    return ", ".join(f"keras.losses.{name}({', '.join([*(logits * wants), *given])})" for name, wants in names)


def loss_weights(recipe: Recipe) -> str:
    """As `compile` takes them, the output that is looked at first."""
    interface = recipe.model.interface if recipe.model else None
    several = interface and not recipe.table
    return ", ".join(repr(interface.outputs[place].weight) for place in interface.trained) if several else ""


def weights_in_fit(recipe: Recipe) -> str:
    """The statement that makes `weights`, of a sample_weight besides a mask or of a class_weight; empty without."""
    model = recipe.model
    if not model or model.weights == NOTHING:
        return ""
    given, interface, last = model.weights, model.interface, repr(model.weights.last)
    labels, most = interface.put_out.output.labels, len(interface.put_out.output.labels) - 1
    rising = {
        ROWS: f"np.linspace(1, {last}, len(x))[:, None]",
        FLAT: f"np.linspace(1, {last}, len(x))",
        STEPS: f"np.tile(np.linspace(1, {last}, TIMESTEPS), (len(x), 1))",
        COLUMNS: f"np.tile(np.linspace(1, {last}, {interface.columns}), (*y.shape[:-1], 1))",
        LABELS: f"np.linspace(1, {last}, {len(labels)})[np.nan_to_num(y[..., 0]).clip(0, {most}).astype(int)]",
    }
    if given.classes:
        width = interface.put_out.output.label_width
        table = dict.fromkeys(range(max(2, interface.columns)), 1.0) | dict(given.classes)
        label = "y.argmax(axis=-1)" if width > 1 else "np.round(y[:, 0]).astype(int)"
        made, why = f"np.array({[table[name] for name in sorted(table)]})[{label}]", "what fit makes of class_weight"
    else:
        made, why = rising[given.sample], "sample_weight"
    lines = [f'weights = {made}.astype("float32")  # {why}']
    if interface.trained[1:] and not recipe.table:
        ones = f"[np.ones((len(x), 1))] * {len(interface.trained) - 1}"
        lines.append(f"weights = [weights, *{ones}]  # of the other outputs each sequence counts once")
    return "\n".join(lines)


def bare_names(tree: ast.Module) -> list[str]:
    """Lines for the layers that a text uses without an import of its own, or with one of everything."""
    read = set().union(*map(read_names, tree.body)) - set().union(*map(bound_names, tree.body))
    paths = {name: MODEL.known[name] for name in sorted(read) if name in MODEL.known}
    return [f"{name} = {path}" for name, path in paths.items() if path.startswith("keras.") and name != "layers"]


def made(found: model_text.ModelText, choice: str, sizes: dict[str, int], order: tuple[int, ...]) -> str:
    """The expression that gives the model that is meant, as AdmittedModel.build makes it."""
    kind = found.kinds.get(choice)
    if kind == model_text.VALUE:
        return choice
    if kind == model_text.LAYER or kind is None:
        raise BadInput("the script: a layer alone is no model; add a line such as `model = keras.Sequential([…])`.")
    lacks = found.parameters[choice]
    known = [f"{name}={sizes[name]}" for name in lacks if name in sizes]
    if len(known) < len(lacks):
        known = list(map(str, order[: len(lacks)]))
    return f"{choice}({', '.join(known)})"
