"""A fold in which a teacher types or pastes questions of their own."""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from lessons.classroom.own_question import CASE, OWN, Item, typed
from lessons.course.discovery import LESSONS
from pages.parts.layout import button, row
from pages.parts.notice import refusing, warn_noted
from pages.parts.quotation import quoted

EXAMPLE = """Which mean leaves padding out?
- the mean over all steps
* the sum over real steps, divided by their number
> Padding is neither in the sum nor in the divisor."""
Take = Callable[[list[Item]], None]  # what a button does with the questions; it may raise BadInput


def own_question(place, page: str, ways: Mapping[str, tuple[str, Take]], cases: Sequence[Item] = ()) -> None:
    """`page`: its name begins the keys of the widgets. `ways`: by a button's label, its icon and what it does.

    `cases`: those that the room has, which may be run as a preset may.
    """
    with place.popover("Your own question", icon=":material/edit_square:", width="content"):
        st.text_area("What you ask, and the answers", key=text_key(page), height=190, placeholder=EXAMPLE, width=520)
        st.caption(
            "“- ” before each answer, “\\* ” before the right one, “> ” before what you say at the end. Several stand "
            "below each other. Moodle’s Aiken format is read too."
        )
        st.selectbox("To be run with it", [None, *cases, *presets()], format_func=named, key=run_key(page), width=520)
        warn_noted(problem_key(page))
        bar = row()
        for label, (icon, take) in ways.items():
            button(bar, label, f"{page}:own:{label}", icon, taken, page, take)


def taken(page: str, take: Take) -> None:
    """Do with what was typed what the button says. What cannot be read stays where it is, and is told."""
    with refusing(problem_key(page)):
        text, run = st.session_state.get(text_key(page)) or "", st.session_state.get(run_key(page))
        take([(OWN, question.name) for question in typed(text, run)])
        st.session_state[text_key(page)] = ""


def presets() -> list[Item]:
    return [(slug, preset.name) for slug, lesson in LESSONS.items() for preset in lesson.presets]


def named(item: Item | None) -> str:
    if item is None:
        return "nothing"
    if item[0] == CASE:
        return f"{quoted(item[1])}, a case of this room"
    lesson = LESSONS[item[0]]
    return f"{quoted(lesson.title)} · {lesson.preset(item[1]).label}"


def text_key(page: str) -> str:
    return f"{page}:own:text"


def run_key(page: str) -> str:
    return f"{page}:own:run"


def problem_key(page: str) -> str:
    return f"{page}:own:problem"
