"""The claims of the five answers, each with experiment and rule. Importing this loads no TensorFlow."""

import sys

from lessons.claims.claim import CLAIMS as _DECLARED
from lessons.claims.claim import DEPENDS, FAILS, HOLDS, Claim, Outcome
from lessons.recipe import modules
from lessons.recipe.bad_input import BadInput
from lessons.recipe.numeral import is_whole

__all__ = ["CLAIMS", "DEPENDS", "FAILS", "HOLDS", "Claim", "Outcome", "find"]

modules.imported(sys.modules[__name__])  # importing declares
CLAIMS: dict[int, Claim] = dict(sorted(_DECLARED.items()))


def find(asked: int | str) -> Claim:
    """The claim of that id. Raises BadInput."""
    text = str(asked).strip()
    if not is_whole(text, min(CLAIMS), max(CLAIMS)):
        raise BadInput(f"claim: got “{text[:40]}”; takes a whole number from {min(CLAIMS)} to {max(CLAIMS)}.")
    return CLAIMS[int(text)]
