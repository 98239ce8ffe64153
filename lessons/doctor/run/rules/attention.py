"""What an attention and a pooling make of the padding: who looks at it, who takes it in, and who has nobody to look at.

The attention mask is worked out from the mask that the model was given; whether padding takes part, the gradient says.
"""

import numpy as np

from lessons.doctor.rule import Evidence
from lessons.doctor.run.remedy import remedy
from lessons.doctor.run.rules import RUN_RULES
from lessons.doctor.run.view import RunView, percent
from lessons.families.decoder import Decoder
from lessons.families.encoder import OWN, Encoder
from lessons.recipe.data import Bools
from lessons.recipe.words import plural

ORDER = 0  # causes before what they cause
LEAK = 1e-3  # share of the gradient: padding that nobody looks at gets exactly 0
TAKES_ALL = {"average_all": "average", "max_all": "max"}  # a pooling over all steps, and the one over the mask's

RANDOM = Encoder(padded_inputs="random", epochs=10)


def told(view: RunView) -> np.ndarray:
    """(batch, time) bool: the mask that the model was given, all True where none was."""
    return view.run.batch.mask if view.path.passed else np.ones_like(view.run.batch.mask)


@RUN_RULES.rule(
    code="row_without_keys",
    severity="error",
    title="A query has nobody to look at",
    tried="whether what is not finite stands where the attention mask leaves a query no key",
    why="A softmax needs one score that is finite. Of −inf alone, or of what the float type makes −inf, it makes 0/0.",
    fix="Leave every query a key, or take the layer’s own attention.",
    lesson="row_is_nan",
    fires_on=RANDOM.with_changes({"masked_score": "inf"}),
    silent_on=RANDOM.with_changes({"masked_score": "inf", "attention_mask": "keys"}),
)
def row_without_keys(view: RunView) -> Evidence | None:
    """Only where the first epoch is bad already: after an update NaN is everywhere."""
    if not isinstance(view.settings, Encoder | Decoder) or view.settings.masked_score in OWN or view.sound[0]:
        return None
    rows: Bools = ~np.any(view.settings.attends(told(view)), axis=2)  # (batch, query)
    first = view.snapshot.predictions[0], view.snapshot.input_gradient[0]
    forth, back = (~np.isfinite(values).all(axis=1) for values in first)  # (batch,)
    having = np.any(rows, axis=1)
    if not (forth | back)[having].any() or (forth | back)[~having].any():
        return None
    return Evidence(
        f"{plural(int(rows.sum()), 'row')} of the attention mask leave a query no key, "
        f"{int((rows & view.run.batch.real).sum())} of them at real steps. Of their sequences {forth.sum()} have "
        f"predictions in the first epoch that are not finite and {(forth | back).sum()} gradients; of the others none.",
        {"queries": int(rows.sum()), "sequences": int(having.sum()), "bad": int((forth | back).sum())},
        epochs=(0, view.last),
        cells=rows,
        at="inputs",
        **remedy("Take the layer’s own attention: it knows of rows without a key.", masked_score="layer"),
    )


@RUN_RULES.rule(
    code="attends_to_padding",
    severity="error",
    title="Real steps look at padding",
    tried="whether the attention mask lets real queries look at padded keys, and whether gradient arrives there",
    why="A mask at the loss leaves out what is predicted at padded steps. What real steps take from padded ones it "
    "cannot leave out.",
    fix="Mask the keys: in Keras True means attend, mask[:, None, :].",
    lesson="attention_mask",
    fires_on=RANDOM.with_changes({"attention_mask": "inverted"}),
    silent_on=RANDOM.with_changes({"attention_mask": "keys"}),
)
def attends_to_padding(view: RunView) -> Evidence | None:
    """Only of padding that the mask leaves out: a mask that is wrong or not there is told by other rules."""
    if not (isinstance(view.settings, Encoder) and view.path.passed):
        return None
    may = view.settings.attends(told(view)) & view.run.batch.real[:, :, None]
    cells = may.any(axis=1) & view.padding & ~view.run.batch.mask
    shares = view.shares(cells, "inputs")
    if shares.max() <= LEAK:
        return None
    queries = int((may & cells[:, None, :]).any(axis=2).sum())
    return Evidence(
        f"{plural(queries, 'real step')} may look at padding. Up to {percent(shares.max())} of the gradient at the "
        f"inputs lies on {plural(int(cells.sum()), 'padded step')}; {view.comparison}.",
        {"queries": queries, "keys": int(cells.sum()), "leak": shares.max()},
        epochs=view.between(shares > LEAK),
        cells=view.ever(cells, "inputs"),
        at="inputs",
        **remedy("Mask the keys: mask[:, None, :], True where a step is real.", attention_mask="keys"),
    )


@RUN_RULES.rule(
    code="padding_pooled",
    severity="error",
    title="The pooling takes padding in",
    tried="whether a pooling over all steps hands gradient to padded inputs",
    why="A padded query puts out numbers too, whatever the attention mask says. A pooling that is told of no mask "
    "counts them.",
    fix="Give the mask to the pooling too.",
    lesson="attention_mask",
    fires_on=RANDOM.with_changes({"attention_mask": "keys", "pooling": "max_all"}),
    silent_on=RANDOM.with_changes({"attention_mask": "keys", "pooling": "max"}),
)
def padding_pooled(view: RunView) -> Evidence | None:
    if not (isinstance(view.settings, Encoder) and view.path.passed and view.settings.pooling in TAKES_ALL):
        return None
    if RUN_RULES.found(view, "attends_to_padding"):
        return None
    cells = view.padding & ~view.run.batch.mask
    shares = view.shares(cells, "inputs")
    if shares.max() <= LEAK:
        return None
    return Evidence(
        f"The pooling takes {plural(int(cells.sum()), 'padded step')} in. Up to {percent(shares.max())} of the "
        f"gradient at the inputs lies on them; {view.comparison}.",
        {"steps": int(cells.sum()), "leak": shares.max()},
        epochs=view.between(shares > LEAK),
        cells=view.ever(cells, "inputs"),
        at="inputs",
        **remedy("Give the mask to the pooling too.", pooling=TAKES_ALL[view.settings.pooling]),
    )
