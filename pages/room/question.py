"""The preset before the room: what is asked, what will run, and on which data."""

from functools import lru_cache

import streamlit as st

from lessons.course.lesson import Lesson, Preset
from lessons.figures.batch_figure import batch_figure, batch_words
from lessons.recipe import losses
from lessons.recipe.data import training_batch
from lessons.recipe.recipe import Recipe
from lessons.recipe.settings import Settings
from pages.parts.charts import chart
from pages.parts.quotation import quoted


def question(lesson: Lesson, preset: Preset) -> None:
    """What is asked. Of a variation it is said in what it differs."""
    st.markdown(f"### {lesson.title}")
    st.markdown(f"**{lesson.prediction.question}**")
    if preset not in lesson.presets:
        st.markdown(quoted(preset.says))


def experiment(lesson: Lesson, preset: Preset) -> None:
    """What the answers are about: the settings, the loss as it will run, the data."""
    settings = preset.settings
    still = Recipe(settings).idle()
    toggles = [f"{settings.specs()[name].label}: **{quoted(settings.said(name))}**" for name in lesson.controls
               if name not in still]  # fmt: skip
    st.markdown(" · ".join(toggles))
    left, right = st.columns([1, 1.3], gap="medium")
    left.code(losses.source(settings.loss), language="python", wrap_lines=True)  # a wall cannot be scrolled
    with right:
        chart(f"room:batch:{lesson.slug}:{preset.name}", *picture(settings))


@lru_cache(64)
def picture(settings: Settings) -> tuple[dict, str]:
    """The padded batch, drawn once for a whole class, and in words."""
    batch = training_batch(Recipe(settings))
    return batch_figure(settings, batch), batch_words(settings, batch)
