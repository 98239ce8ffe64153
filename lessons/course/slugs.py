"""The names of the course's lessons. Importing this loads no lesson, and nothing that lessons are made of."""

import importlib
from functools import cache

from lessons.recipe import modules

CATALOG = "lessons.catalog"


@cache
def slugs() -> frozenset[str]:
    """The names of the files in catalog/, those that begin with an underscore left out."""
    return frozenset(modules.names(importlib.import_module(CATALOG)))
