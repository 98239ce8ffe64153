"""What a layer of one's own makes of a mask that it hands on."""

from lessons.doctor.rule import Evidence
from lessons.doctor.run.remedy import remedy
from lessons.doctor.run.rules import RUN_RULES
from lessons.doctor.run.view import RunView, percent
from lessons.families.own_layer import OwnLayer
from lessons.recipe.words import plural

ORDER = 1  # causes before what they cause
LEAK = 1e-3  # share of the gradient at the inputs: padding that no mean takes in gets exactly 0

OWN = OwnLayer(padded_inputs="random", epochs=10)


@RUN_RULES.rule(
    code="mask_unused",
    severity="error",
    title="A layer hands the mask on and does not use it",
    tried="whether gradient arrives at padded inputs behind a loss that leaves the padding out",
    why="supports_masking says that a mask may pass. Which steps a layer mixes its call decides, and this one takes no "
    "mask.",
    fix="Let call take the mask, call(x, mask=None), and leave out the steps where it is False.",
    lesson="own_layer_mask",
    fires_on=OWN.with_changes({"layer": "supports"}),
    silent_on=OWN,
)
def mask_unused(view: RunView) -> Evidence | None:
    """Only where the loss heeds the mask: else other rules tell why padding gets gradient."""
    if not isinstance(view.settings, OwnLayer) or not view.path.passed or view.weighted:
        return None
    cells = view.padding & ~view.run.batch.mask
    shares = view.shares(cells, "inputs")
    if shares.max() <= LEAK or view.shares(cells, "predictions").max() > LEAK:
        return None
    return Evidence(
        f"Up to {percent(shares.max())} of the gradient at the inputs lies on {plural(int(cells.sum()), 'padded step')}"
        f", and none at the predictions: the mean over time takes them in. In the end {view.comparison}.",
        {"leak": shares.max(), "steps": int(cells.sum())},
        epochs=view.between(shares > LEAK),
        cells=view.ever(cells, "inputs"),
        at="inputs",
        **remedy("Let call take the mask: call(x, mask=None), supports_masking = True.", layer="both"),
    )
