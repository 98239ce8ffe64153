"""Widgets for Settings fields, derived from their declarations."""

from typing import Any

import streamlit as st

from lessons.recipe import losses
from lessons.recipe.spec import Choice, Number
from pages.lab.bench import Bench
from pages.lab.state import Form


def controls(bench: Bench) -> None:
    """The lesson's controls, set to the form's settings."""
    form, pinned = bench.form, bench.pin.settings
    reasons = form.recipe.idle()
    if pinned:
        reasons["seed"] = f"the pinned run has seed {pinned.seed}"
    reasons |= form.decided
    for name in form.controls:
        control(form, name, reasons.get(name))
    if form.more:
        with st.popover("More", width="stretch", icon=":material/tune:"):  # built: what is empty opens too small
            for name in form.more:
                control(form, name, reasons.get(name))


def control(form: Form, name: str, reason: str | None) -> None:
    """One field's widget: marked where it differs from the preset, disabled with the reason where it is idle."""
    spec = form.settings.specs()[name]
    differs = getattr(form.settings, name) != getattr(form.base, name)
    label = f"{spec.label} ● changed" if differs else spec.label  # plain: a screen reader would say marks of colour
    if reason:
        label = f"{spec.label} · {reason}"
    widget: Any = st.selectbox if isinstance(spec, Choice) else st.select_slider
    if name == "loss":
        names = offered_losses(form)
    else:
        names = list(spec.options) if isinstance(spec, Choice) else stops(form, name)
    key = form.field_key(name)
    st.session_state.setdefault(key, getattr(form.settings, name))  # it may have been folded away till now
    widget(label, names, format_func=spec.said, key=key, disabled=bool(reason), help=spec.help)


def offered_losses(form: Form) -> list[str]:
    """The lesson's losses, and the one that an address or a preset brought along."""
    if form.of_classes:  # no other loss takes a class
        return list(losses.OF_CLASSES)
    presets = [preset.settings.loss for preset in form.lesson.presets]
    return list(dict.fromkeys([*form.lesson.losses, *presets, form.settings.loss]))


def stops(form: Form, name: str) -> list:
    """The values a slider offers: the declared ones, the presets' and the present one."""
    spec = form.settings.specs()[name]
    assert isinstance(spec, Number)
    values = set(spec.offered) or set(range(int(spec.low), int(spec.high) + 1))
    values |= {getattr(preset.settings, name) for preset in form.lesson.presets}
    return sorted(values | {getattr(form.settings, name)})
