"""Widgets for Settings fields, derived from their declarations."""

import streamlit as st

from lessons.recipe import losses
from lessons.recipe.settings import SPECS, Choice, Number
from pages.lab.form import Desk


def controls(desk: Desk) -> None:
    """The lesson's controls, set to the desk's settings."""
    reasons = desk.recipe.idle()
    if desk.pinned:
        reasons["seed"] = f"the pinned run has seed {desk.pinned.seed}"
    if desk.pasted:
        reasons |= dict.fromkeys(("loss", "epsilon"), "your loss runs")
    for name in desk.controls:
        control(desk, name, reasons.get(name))
    if desk.more:
        with st.popover("More", width="stretch", icon=":material/tune:"):
            for name in desk.more:
                control(desk, name, reasons.get(name))


def control(desk: Desk, name: str, reason: str | None) -> None:
    """One field's widget: marked where it differs from the preset, disabled with the reason where it is idle."""
    spec = SPECS[name]
    differs = getattr(desk.settings, name) != getattr(desk.preset.settings, name)
    label = f"{spec.label} :orange[● changed]" if differs else spec.label
    if reason:
        label = f"{spec.label} :gray[· {reason}]"
    common = {"key": desk.field_key(name), "disabled": bool(reason), "help": spec.help}
    if isinstance(spec, Choice):
        names = offered_losses(desk) if name == "loss" else list(spec.options)
        st.selectbox(label, names, format_func=lambda value: name_of(name, value), **common)
    else:
        st.select_slider(label, stops(desk, name), format_func=lambda value: f"{value:g}", **common)


def offered_losses(desk: Desk) -> list[str]:
    """The lesson's losses, and the one that an address or a preset brought along."""
    presets = [preset.settings.loss for preset in desk.lesson.presets]
    return list(dict.fromkeys([*desk.lesson.losses, *presets, desk.settings.loss]))


def name_of(field: str, value: str) -> str:
    return losses.label(value) if field == "loss" else SPECS[field].options[value]


def stops(desk: Desk, name: str) -> list:
    """The values a slider offers: the declared ones, the presets' and the present one."""
    spec = SPECS[name]
    assert isinstance(spec, Number)
    values = set(spec.offered) or set(range(int(spec.low), int(spec.high) + 1))
    values |= {getattr(preset.settings, name) for preset in desk.lesson.presets}
    return sorted(values | {getattr(desk.settings, name)})
