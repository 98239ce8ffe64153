"""The data of a run in plain NumPy, whatever the family: what stands before a family's template.

Specialised to a run like lessons/export/program.py, and never called.
"""

from lessons.recipe.data import training_batch, validation_batch


def program(recipe):
    """The template finds `train` and `held_out`, each a PaddedBatch (lessons/recipe/data.py)."""

    # %% Data: padded sequences, and the mask that is used; True means real step
    train, held_out = training_batch(recipe), validation_batch(recipe)
