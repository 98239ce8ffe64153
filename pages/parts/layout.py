"""A row of widgets, and the button that stands in it."""

from collections.abc import Callable
from typing import Any

import streamlit as st


def row(key: str | None = None, place=st, **how: Any):
    """Widgets side by side."""
    return place.container(key=key, horizontal=True, **{"vertical_alignment": "center", "gap": "small"} | how)


def button(place, label: str, key: str, icon: str, do: Callable, *given: Any, quiet: bool = False, **how: Any) -> None:
    """A button that does `do(*given)`; `quiet` where it stands among words."""
    how = {"type": "tertiary"} | how if quiet else how
    place.button(label, key=key, icon=f":material/{icon}:" if icon else None, on_click=do, args=given, **how)
