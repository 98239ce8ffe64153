"""The question before the room: what is asked, what will run, and on which data."""

from functools import lru_cache

import streamlit as st

from lessons.classroom.posed import Posed
from lessons.course.lesson import Lesson, Preset
from lessons.figures.batch_figure import batch_figure, batch_words
from lessons.recipe import losses
from lessons.recipe.data import training_batch
from lessons.recipe.recipe import Recipe
from lessons.recipe.settings import Settings
from pages.parts.charts import chart
from pages.parts.quotation import quoted


def question(asked: Posed) -> None:
    """What is asked. Of a variation it is said in what it differs."""
    st.markdown(f"### {quoted(asked.title)}")
    st.markdown(f"**{words_of(asked)}**")
    if asked.differs:
        st.markdown(quoted(asked.differs))


def words_of(asked: Posed) -> str:
    """What is asked, as Markdown: a lesson may use some, a teacher's own text is shown as it is."""
    return quoted(asked.text) if asked.own else asked.text


def experiment(asked: Posed) -> None:
    """What the answers are about: the settings, the loss as it will run, the data. Nothing where nothing is run."""
    if not (asked.lesson and asked.preset):
        return
    settings = asked.preset.settings
    st.markdown(toggles(asked.lesson, asked.preset))
    left, right = st.columns([1, 1.3], gap="medium")
    left.code(losses.source(settings.loss), language="python", wrap_lines=True)  # a wall cannot be scrolled
    with right:
        chart(f"room:batch:{asked.lesson.slug}:{asked.preset.name}", *picture(settings))


def toggles(lesson: Lesson, preset: Preset) -> str:
    """The lesson's controls that can change this run, and where they stand."""
    settings = preset.settings
    still = Recipe(settings).idle()
    said = [f"{settings.specs()[name].label}: **{quoted(settings.said(name))}**" for name in lesson.controls
            if name not in still]  # fmt: skip
    return " · ".join(said)


@lru_cache(64)
def picture(settings: Settings) -> tuple[dict, str]:
    """The padded batch, drawn once for a whole class, and in words."""
    batch = training_batch(Recipe(settings))
    return batch_figure(settings, batch), batch_words(settings, batch)
