"""Words that a screen reader says as soon as they are others; who sees the page has them before their eyes."""

from pages.server.shown import component

_aloud = component("aloud")


def aloud(key: str, words: str) -> None:
    """Call it in one place of the page, whatever else is drawn: a region that has just come says nothing."""
    _aloud(key=key, data={"words": words})
