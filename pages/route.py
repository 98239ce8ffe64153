"""Which page an address means."""

from functools import partial

import streamlit as st

from lessons.course import own_case
from lessons.course.discovery import LESSONS, find
from lessons.course.lesson import CHAPTERS
from lessons.recipe.bad_input import BadInput
from pages import clinic_page, folklore_page, home_page, lesson_page, plan_page, record_page, room_page
from pages.learner import identity
from pages.learner.seat import SEAT
from pages.parts.quotation import warn
from pages.room.companion import companion
from pages.server import shown

STYLE = f"<style>{shown.text(shown.STYLE)}</style>"


def route() -> None:
    """Show the page of this address. `/?lesson=slug&…` is the form that is shared: it works on any server."""
    st.set_page_config(page_title="Unmasked", layout="wide")
    st.html(STYLE)
    pages: dict = {}
    for slug in LESSONS:
        show = partial(lesson_page.render, LESSONS[slug], pages)  # a lesson links to the others: all of them by then
        pages[slug] = st.Page(show, title=LESSONS[slug].title, url_path=slug)
    others: dict = {}  # a room leads to them
    others |= {
        own_case.SLUG: st.Page(
            partial(lesson_page.render, own_case.LESSON, pages), title=own_case.LESSON.title, url_path=own_case.SLUG
        ),
        "clinic": st.Page(partial(clinic_page.render, pages), title="Clinic", url_path="clinic"),
        "folklore": st.Page(folklore_page.render, title="Folklore", url_path="folklore"),
        "record": st.Page(record_page.render, title="Record", url_path="record"),
        "room": st.Page(partial(room_page.render, pages, others), title="Room", url_path="room"),
        "plan": st.Page(plan_page.render, title="Session plan", url_path="plan"),
    }
    front = st.Page(partial(home_page.render, pages, others), title="Unmasked", url_path="home", default=True)
    chapters = {name: [pages[slug] for slug in LESSONS if LESSONS[slug].chapter == name] for name in CHAPTERS}
    course = {name: found for name, found in chapters.items() if found}
    here = st.navigation({"": [front, *others.values()], **course}, position="top")
    if here is front and "lesson" in st.query_params:
        follow({**pages, own_case.SLUG: others[own_case.SLUG]})
    elif here is front and "room" in st.query_params:
        st.switch_page(others["room"], query_params=st.query_params.to_dict())
    elif here is front and "page" in st.query_params:
        follow_page(others)
    elif here is front and "learner" in st.query_params:
        follow_learner()
    seat = st.session_state.get(SEAT)
    if seat and here is not others["room"]:
        companion(seat, others["room"])
    here.run()
    identity.remember("page")


def follow(pages: dict) -> None:
    """Go where a root link points; a slug that is none is told on the front page."""
    asked = st.query_params.to_dict()
    slug = asked.pop("lesson")
    try:
        find(slug)
    except BadInput as problem:
        warn(problem)
        return
    st.switch_page(pages[slug], query_params=asked)


def follow_page(others: dict) -> None:
    """Go where `/?page=name&…` points; a page that is none is told on the front page."""
    asked = st.query_params.to_dict()
    name = asked.pop("page")
    if name in others:
        st.switch_page(others[name], query_params=asked)
    warn(f"page: got “{name[:40]}”; there are {', '.join(others)}.")


def follow_learner() -> None:
    """Go on as the learner of a private link."""
    if problem := identity.follow_link(st.query_params["learner"]):
        warn(problem)
