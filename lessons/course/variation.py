"""The variation of a preset: the same idea with other numbers, for a question that is asked again.

What makes the idea (mask, loss, layer, what stands on padding) stays. Other draws and another extent do not change what
comes of it, except where luck is the lesson; tests/course/test_variation.py runs every preset's twin.
"""

from lessons.recipe.recipe import Recipe
from lessons.recipe.settings import Settings

SEED_STEP = 11  # of one twin to the next; far from the five seeds that people try themselves
VARIED = ("timesteps", "padding_share")
BETWEEN = {"timesteps": (8, 24), "padding_share": (0.2, 0.6)}  # what is still the same lesson; 0 padding stays 0


def variation(settings: Settings, number: int = 1) -> Settings:
    """The `number`th twin of these settings."""
    unused = Recipe(settings).idle()
    changes = {name: next_stop(settings, name, number) for name in VARIED if name not in unused}
    return settings.with_changes({**changes, "seed": (settings.seed + SEED_STEP * number) % 10_000})


def next_stop(settings: Settings, name: str, number: int) -> float:
    """Another value of the field's widget, the nearest first; the same one where it stands outside what is varied.

    Of two that are equally near, the one that makes more real steps.
    """
    low, high = BETWEEN[name]
    here = getattr(settings, name)
    if not low <= here <= high:
        return here
    others = [stop for stop in settings.number(name).offered if low <= stop <= high and stop != here]
    fewer = 1 if name == "padding_share" else -1
    others.sort(key=lambda stop: (round(abs(stop - here), 6), fewer * stop))
    return others[(number - 1) % len(others)]


def variation_words(settings: Settings, twin: Settings) -> str:
    """The numbers of a twin, in words."""
    words = {
        "timesteps": f"{twin.timesteps} timesteps in place of {settings.timesteps}",
        "padding_share": f"{twin.padding_share:.0%} padding in place of {settings.padding_share:.0%}",
        "seed": "other data and other first weights",
    }
    return ", ".join(text for name, text in words.items() if getattr(twin, name) != getattr(settings, name))
