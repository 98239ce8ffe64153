"""Which page an address means."""

from functools import partial

import streamlit as st

from lessons import CHAPTERS, LESSONS, BadInput, find
from pages import home, lesson
from pages.ui.server import HERE

STYLE = f"<style>{(HERE / 'style.css').read_text(encoding='utf-8')}</style>"


def route() -> None:
    """Show the page of this address. `/?lesson=slug&…` is the form that is shared: it works on any server."""
    st.set_page_config(page_title="Unmasked", layout="wide")
    st.html(STYLE)
    front = st.Page(home.render, title="Unmasked", url_path="home", default=True)
    pages = {
        slug: st.Page(partial(lesson.render, LESSONS[slug]), title=LESSONS[slug].title, url_path=slug)
        for slug in LESSONS
    }
    chapters = {name: [pages[slug] for slug in LESSONS if LESSONS[slug].chapter == name] for name in CHAPTERS}
    here = st.navigation({"": [front], **{name: found for name, found in chapters.items() if found}}, position="top")
    if here is front and "lesson" in st.query_params:
        follow(pages)
    here.run()


def follow(pages: dict) -> None:
    """Go where a root link points; a slug that is none is told on the front page."""
    asked = st.query_params.to_dict()
    slug = asked.pop("lesson")
    try:
        find(slug)
    except BadInput as problem:
        st.warning(str(problem))
        return
    st.switch_page(pages[slug], query_params=asked)
