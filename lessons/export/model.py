"""The learner's own model in a script: the statements that it needs, as a function that makes it."""

import ast

from lessons.export.loss import unimported
from lessons.recipe.bad_input import BadInput
from lessons.recipe.recipe import Recipe
from lessons.sandbox.admission import screening
from lessons.sandbox.admission.model import Refused
from lessons.sandbox.admission.model import text as model_text
from lessons.sandbox.admission.model.free_names import bound_names, read_names
from lessons.sandbox.admission.model.names import MODEL
from lessons.sandbox.admission.model.needed import shape_of_data, sizes_of

NAME = "own_model"


def function_of(recipe: Recipe) -> str:
    """The text of `own_model()`. Raises BadInput where the text cannot stand in a script."""
    model, settings = recipe.model, recipe.settings
    assert model
    if not model.interface.hears_training:
        raise BadInput(
            "the script: call() of your model takes no training, so fit never tells it of any; inside the model of a "
            "script it would hear of it. Write call(self, inputs, training=None)."
        )
    if model.weights.classes:
        raise BadInput("the script: it trains without class_weight; leave it out of your text’s fit.")
    taken, out = model.interface.taken, model.interface.put_out
    several = model.interface.others or len(model.interface.outputs) > 1
    if several or len(taken.shape) > 2 or not (out.per_step or len(out.shape) == 1):
        raise BadInput(
            "the script: it is written for a model with one input, (batch, time, features) or ids (batch, time), and "
            "one output, a prediction for each step or each sequence; yours has others."
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
