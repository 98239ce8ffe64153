"""The learner's own model in a script: the statements that it needs, as a function that makes it."""

import ast

from lessons.export.loss import unimported
from lessons.recipe.bad_input import BadInput
from lessons.recipe.recipe import Recipe
from lessons.sandbox.admission import screening
from lessons.sandbox.admission.model import WORDS, Refused
from lessons.sandbox.admission.model import text as model_text
from lessons.sandbox.admission.model.needed import CLASSES, FEATURES, TIMESTEPS

NAME = "own_model"
SIZES = ("timesteps", "features", "classes")  # in the order in which `build` takes them


def function_of(recipe: Recipe) -> str:
    """The text of `own_model()`. Raises BadInput where the text cannot stand in a script."""
    model, settings = recipe.model, recipe.settings
    assert model
    if not model.interface.hears_training:
        raise BadInput(
            "the script: call() of your model takes no training, so fit never tells it of any; inside the model of a "
            "script it would hear of it. Write call(self, inputs, training=None)."
        )
    try:
        found = model_text.read(screening.parse(model.text), model.text)
    except Refused as refusal:
        raise BadInput(f"your model: {refusal.message}.") from None
    sizes = dict(zip(SIZES, (settings.timesteps, recipe.structure().extent[2], settings.predicts.columns), strict=True))
    lines = [f"{name} = {size_of(name, sizes)}" for name in sorted(found.needed.sizes)]
    lines += [f"{name} = {data_of(name, sizes)}" for name in sorted(found.needed.data)]
    body = ast.parse("\n".join([*unimported(found.needed.tree), *lines])).body + found.needed.tree.body
    body.append(ast.parse(f"return_ = {made(found, model.choice, sizes)}").body[0])
    last = body[-1]
    assert isinstance(last, ast.Assign)
    body[-1] = ast.Return(last.value)
    arguments = ast.arguments([], [], None, [], [], None, [])
    function = ast.FunctionDef(NAME, arguments, body, [], None, None)
    return ast.unparse(ast.fix_missing_locations(ast.Module([function], [])))


def made(found: model_text.ModelText, choice: str, sizes: dict[str, int]) -> str:
    """The expression that gives the model that is meant, as AdmittedModel.build makes it."""
    kind = found.kinds.get(choice)
    if kind == model_text.VALUE:
        return choice
    if kind == model_text.LAYER or kind is None:
        raise BadInput("the script: a layer alone is no model; add a line such as `model = keras.Sequential([…])`.")
    lacks = found.parameters[choice]
    known = [f"{name}={size_of(name, sizes)}" for name in lacks if kind_of(name)]
    if len(known) < len(lacks):
        known = [str(size) for size in list(sizes.values())[: len(lacks)]]
    return f"{choice}({', '.join(known)})"


def kind_of(name: str) -> str:
    """Which of the sizes a name stands for; empty: the number of words, or none."""
    kinds = {"timesteps": TIMESTEPS, "features": FEATURES, "classes": CLASSES}
    return next((kind for kind, names in kinds.items() if name in names), "")


def size_of(name: str, sizes: dict[str, int]) -> int:
    return sizes.get(kind_of(name), WORDS)


def data_of(name: str, sizes: dict[str, int]) -> str:
    """What stands for data of which only the shape is read."""
    labels = name[:1].lower() == "y" or name.lower().startswith(("label", "target"))
    shape = (1, sizes["classes"]) if labels else (1, sizes["timesteps"], sizes["features"])
    return f'np.zeros({shape}, "float32")'
