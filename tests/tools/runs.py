"""Runs that several tests look at: in one test process each is trained once, whoever asks."""

from functools import cache

from lessons.engine.train import trained
from lessons.recipe.recipe import Recipe
from lessons.recipe.settings import Settings
from lessons.runs.run import Run


@cache  # those of all presets together take less than 100 MB
def run_of(settings: Settings) -> Run:
    return trained(Recipe(settings))
