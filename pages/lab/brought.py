"""The learner's own data and model, as the session holds them: whatever the lesson, and nowhere else."""

from typing import Any

import streamlit as st

from lessons.own_data.brought import Brought
from lessons.recipe.bad_input import BadInput
from lessons.recipe.model import Model
from lessons.recipe.recipe import Pasted, Recipe
from lessons.recipe.settings import Settings
from lessons.recipe.table import Table
from pages.lab.state import Form

OWN = "own:brought"  # session keys: the file that was brought,
TREATED = "own:treated"  # which table was treated last, and how,
MODEL = "own_model:brought"  # and the model, with what its runs begin with
BROUGHT = "clinic:brought"  # the loss that the learner wants to train
COMPILED = "own_model:loss"  # that loss, where it is the one that the text of a model names


def own_table() -> Table | None:
    """The table of the file that the session has brought, where its roles make one."""
    brought: Brought | None = st.session_state.get(OWN)
    return brought.table if brought and not brought.problem else None


def taken(form: Form, table: Table, first: bool) -> Settings:
    """The settings of a form that gets this table, treated as it was last, else so that a model can learn from it.

    What is among the lesson's own controls stays as it is. On a bench with nothing preset the `first` table says more.
    """
    form.table = table  # which fields it brings along
    known, treated = st.session_state.get(TREATED, (None, {}))
    care = treated if known == table else table.care(form.settings)
    outset = table.outset if form.lesson.open and first else {}
    return form.settings.with_changes({name: care[name] for name in care if name in form.treatments} | outset)


def remember_care(form: Form) -> None:
    """How the table in use is treated: another lesson does so too."""
    treated = {name: getattr(form.settings, name) for name in form.treatments}
    st.session_state[TREATED] = form.table, treated


def own_model(form: Form, table: Table | None) -> tuple[Model | None, dict[str, Any], str]:
    """The model that the session has brought, what its runs begin with, and why it cannot be trained on these data."""
    model, outset = st.session_state.get(MODEL, (None, {}))
    if model is None or not form.settings.takes_model:
        return None, {}, ""
    try:
        Recipe(form.settings, table, model=model)
    except BadInput as problem:
        return None, {}, str(problem)
    return model, outset, ""


def let_go() -> None:
    """Forget the file."""
    st.session_state.pop(OWN, None)
    st.session_state.pop(TREATED, None)


def take_model(model: Model, outset: dict[str, Any], loss: Pasted | None) -> None:
    """The session's own model from now on, what its runs begin with, and the loss that its text names, if that is
    trained itself."""
    st.session_state[MODEL] = model, outset
    take_loss(loss)


def forget_model() -> None:
    st.session_state.pop(MODEL, None)
    take_loss(None)


def take_loss(loss: Pasted | None) -> None:
    """The loss that a model's text names, in place of the one that another's named; the learner's own stays."""
    if st.session_state.get(BROUGHT) in (None, st.session_state.pop(COMPILED, None)):
        st.session_state[BROUGHT] = st.session_state[COMPILED] = loss
