"""A part of the page is brought into sight."""

from pages.server.shown import component

_scroll = component("scroll")


def scroll_to(key: str, part: str, once: str | int) -> None:
    """`part`: the key of a container. `once`: with the same value it happens once, however often the page is drawn."""
    _scroll(key=key, data={"to": part, "once": once})
