"""What each column of a learner's file is for: plain lists, set to what was guessed."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from lessons.own_data.brought import Brought
from lessons.own_data.roles import AHEAD, LENGTH, MOST_CLASSES
from lessons.recipe.table import FEATURES
from pages.lab.brought import OWN

CHANGES = "own:changes"  # session key: how often roles were changed, which gives the lists new keys
NONE = {"sequence": "none: one long series", "time": "none: the order of the rows"}
MOST_OFFERED = 200  # columns in a list


def role_controls(brought: Brought) -> None:
    """A list for each role. Another choice makes another table of the same file: it is not read again."""
    roles = brought.shown_roles
    names = list(brought.sheet.names[:MOST_OFFERED])
    left, right = st.columns(2)
    with left:
        choice("label", "Label", names, roles.label, "What is predicted.")
        choice("sequence", "Sequences are told apart by", ["", *names], roles.sequence, "Its rows are one sequence.")
        choice("classes", "Labels are", [False, True], roles.classes, f"Up to {MOST_CLASSES} classes.",
               lambda classes: "classes" if classes else "numbers")  # fmt: skip
        number("length", "Window, steps", 0, LENGTH[1], roles.length, "0: sequences stay whole.")
    with right:
        number(
            "ahead", "Label lies ahead, steps", 0, AHEAD[1], roles.ahead, "1: the value at the next step is predicted."
        )
        choice("time", "Time", ["", *names], roles.time, "Numbers or dates.")
        choice("one_hot", "Categories", [True, False], roles.one_hot, "How texts are given to the model.",
               lambda each: "a column for each" if each else "numbered")  # fmt: skip
        number("stride", "Next window after, steps", 0, LENGTH[1], roles.stride, "Smaller than a window: they overlap.")
    key = keyed("features")
    chosen = [name for name in roles.features if name in names]
    st.multiselect("Features", names, chosen, key=key, max_selections=FEATURES,
                   on_change=lambda: say(features=tuple(st.session_state[key]) or None))  # fmt: skip
    if brought.across is not brought.file:
        key = keyed("turn")
        st.toggle(
            "A column for each time: turned", brought.turn, key=key, on_change=lambda: turn(st.session_state[key])
        )


def choice(
    name: str, label: str, options: list, value: Any, help: str, said: Callable[[Any], str] | None = None
) -> None:
    key = keyed(name)
    shown = said or (lambda one: one or NONE[name])
    at = options.index(value) if value in options else 0
    st.selectbox(label, options, at, format_func=shown, key=key, help=help,
                 on_change=lambda: say(**{name: st.session_state[key]}))  # fmt: skip


def number(name: str, label: str, low: int, high: int, value: int, help: str) -> None:
    key = keyed(name)
    st.number_input(label, low, high, value, key=key, help=help,
                    on_change=lambda: say(**{name: int(st.session_state[key] or 0)}))  # fmt: skip


def keyed(name: str) -> str:
    return f"own:role:{name}:{st.session_state.get(CHANGES, 0)}"


def say(**said: Any) -> None:
    """Take a role as it was said. What hangs on it is guessed anew."""
    brought: Brought = st.session_state[OWN]
    hanging = {"label": ("ahead", "classes", "features"), "sequence": ("length", "stride"), "length": ("stride",)}
    kept = {name: value for name, value in brought.given.items() if name not in hanging.get(next(iter(said)), ())}
    kept |= said
    changed({name: value for name, value in kept.items() if value is not None}, brought.turn)


def turn(wanted: bool) -> None:
    """Take the columns for times, or not: all roles are guessed anew."""
    changed({}, wanted)


def changed(given: dict[str, Any], turned: bool) -> None:
    brought: Brought = st.session_state[OWN]
    st.session_state[OWN] = Brought(brought.name, brought.file, given, turned)
    st.session_state[CHANGES] = st.session_state.get(CHANGES, 0) + 1
