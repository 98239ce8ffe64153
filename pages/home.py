"""The front page: what this is, and the course."""

import streamlit as st

from lessons import CHAPTERS, LESSONS


def render() -> None:
    st.title("Unmasked")
    st.markdown(
        "Why do masks and losses of sequence models fail without a word? Break one on purpose, watch it train, "
        "see where the gradient went. Everything you read here is measured while you look."
    )
    for chapter in CHAPTERS:
        found = [lesson for lesson in LESSONS.values() if lesson.chapter == chapter]
        if not found:
            continue
        st.subheader(chapter)
        for lesson in found:
            with st.container(border=True):
                st.markdown(f"[**{lesson.title}**](/?lesson={lesson.slug})")
                st.caption(lesson.presets[0].says)
