"""The front page: what this is, and the course."""

from collections.abc import Mapping

import streamlit as st

from lessons import CHAPTERS, LESSONS
from lessons.lesson import Lesson

COLUMNS = 3


def render(pages: Mapping, clinic) -> None:
    """`pages`: the course's st.Page of each slug; `clinic`: the clinic's."""
    st.markdown("## Unmasked")
    st.markdown(
        "Masks and losses of sequence models fail without a word. Break one on purpose, watch it train, and see where "
        "the gradient went. Nothing here is written down beforehand: every number is measured while you look."
    )
    with st.container(border=True, key="clinic-card"):
        st.page_link(clinic, label="**What is wrong with my loss?** The clinic", icon=":material/stethoscope:")
        st.caption("Paste a loss of your own: it is examined on this server, and each finding shows its numbers.")
    for chapter in CHAPTERS:
        lessons = [lesson for lesson in LESSONS.values() if lesson.chapter == chapter]
        if lessons:
            st.markdown(f"#### {chapter}")
        for start in range(0, len(lessons), COLUMNS):
            for place, lesson in zip(st.columns(COLUMNS), lessons[start : start + COLUMNS], strict=False):
                with place.container(border=True, height="stretch"):
                    card(lesson, pages[lesson.slug])


def card(lesson: Lesson, page) -> None:
    st.page_link(page, label=f"**{lesson.title}**")
    st.caption(lesson.presets[0].says)
    if lesson.examples:
        st.caption(f"Published examples: {', '.join(lesson.examples)}")
