"""Two lists side by side: a lesson, and one of its presets."""

import streamlit as st

from lessons.classroom.agenda import Item
from lessons.course.discovery import LESSONS


def choose_preset(place, page: str) -> Item:
    """What the lists stand at. `page`: its name begins the keys of their widgets."""
    titles = {slug: lesson.title for slug, lesson in LESSONS.items()}
    slug = place.selectbox("Lesson", list(titles), format_func=titles.get, key=f"{page}:lesson")
    labels = {preset.name: preset.label for preset in LESSONS[slug].presets}
    name = place.selectbox("Preset", list(labels), format_func=labels.get, key=f"{page}:preset:{slug}")
    return slug, name


def set_preset(item: Item, page: str) -> None:
    """Let the lists stand at this one."""
    slug, name = item
    st.session_state[f"{page}:lesson"], st.session_state[f"{page}:preset:{slug}"] = slug, name
