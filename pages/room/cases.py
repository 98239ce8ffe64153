"""The cases of a room: all in it read and take them, its instructor publishes and withdraws them. None runs here."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st

from lessons.classroom.own_question import CASE, Item
from lessons.classroom.room_state import CASES, Room
from lessons.course import own_case
from lessons.course.case import FILE, Case
from lessons.recipe.bad_input import BadInput
from pages.clinic.consultation import bring
from pages.lab.opened_case import ARRIVING
from pages.lab.publishing import publish_form, times
from pages.learner.seat import ASKED, Seat
from pages.parts.download import offer
from pages.parts.layout import button, row
from pages.parts.notice import refusing
from pages.parts.quotation import quoted, warn
from pages.server.store import rooms

FROM = f"A file {FILE}, which “Save” on “Your case” writes"
PROBLEM = "console:problem"  # session key: what was refused of what the instructor has pressed
FORM = "console:case"  # begins the keys of what publishes a file
Draw = Callable[[Case, str], None]  # what stands below a case: the case, its name


def names(room: Room) -> list[str]:
    """Of its cases, the first one first; the database is not asked where there never was one."""
    return rooms().cases(room.code) if room.cases else []


# --- for everybody


def folds(room: Room, published: Sequence[str], below: Draw) -> None:
    """A fold for each case. Its text is fetched when it is opened."""
    for name in published:
        fold = st.expander(quoted(name), icon=":material/inbox:", key=f"room:case:{name}", on_change="rerun")
        if fold.open:
            with fold:
                opened(room, name, below)


def opened(room: Room, name: str, below: Draw | None = None) -> None:
    """A case as it is; said where it is there no more."""
    try:
        case = rooms().case(room.code, name)
    except BadInput as problem:
        warn(problem)
        return
    shown(case)
    if below:
        below(case, name)


def shown(case: Case) -> None:
    """Its parts, as texts."""
    settings = "\n".join(f"{name} = {value}" for name, value in case.settings.items())
    for title, text, language in (("Model", case.model, "python"), ("Loss", case.loss, "python"),
                                  ("Settings", settings, None)):  # fmt: skip
        if text:
            st.caption(title)
            st.code(text, language=language, wrap_lines=True)


# --- for learners


def cases(room: Room, published: Sequence[str], pages: Mapping[str, Any]) -> None:
    """All that are published, to read and to take."""
    st.markdown("#### Cases")
    st.caption("From your instructor. Nothing of them runs before you take one and run it, behind walls.")
    folds(room, published, partial(takes, pages, 0))


def takes(pages: Mapping[str, Any], question: int, case: Case, name: str) -> None:
    """The ways to where it can be run. `question`: the one that it belongs to; 0: none."""
    place, key = row(), f"room:take:{question}:{name}"
    if case.model:
        button(place, "Take it to “Your case”", f"{key}:model", "layers", take, case, question, pages[own_case.SLUG])
    if case.loss:
        button(place, "Take the loss to the clinic", f"{key}:loss", "stethoscope", take_loss, case, question,
               pages["clinic"])  # fmt: skip
    place.caption("It takes the place of the text that stands there.")


def take(case: Case, question: int, page: Any) -> None:
    st.session_state[ARRIVING], st.session_state[ASKED] = case.to_text(), question
    st.switch_page(page)


def take_loss(case: Case, question: int, page: Any) -> None:
    st.session_state[ASKED] = question
    bring(case.loss, case.function or None)
    st.switch_page(page)


# --- for the instructor


def console_cases(room: Room, here: Seat) -> None:
    """All that are published, each with its text; a file is published, a case is withdrawn."""
    place, published = row("console-cases"), names(room)
    place.markdown(f"**Cases** · {len(published)} of {CASES}")
    fold = place.popover("Publish a case", icon=":material/campaign:", key="console:publish", on_change="rerun")
    if fold.open:
        with fold:
            file = f"{FORM}:file:{times(FORM)}"  # an empty uploader after each
            st.file_uploader(FROM, "json", max_upload_size=1, key=file)
            publish_form(here, FORM, partial(of_file, file))
            st.caption("What stands on “Your case” or in the clinic is published there, in this window.")
    folds(room, published, partial(kept, here))


def of_file(key: str) -> Case:
    """Raises BadInput."""
    file = st.session_state.get(key)
    if file is None:
        raise BadInput(f"case: there is no file yet; it takes {FROM[0].lower()}{FROM[1:]}.")
    return Case.read(file.getvalue().decode("utf-8", "replace"))


def kept(here: Seat, case: Case, name: str) -> None:
    place = row()
    offer(place, "Save", FILE, case.to_text().encode(), f"console:case:save:{name}", icon=":material/save:",
          type="tertiary")  # fmt: skip
    button(place, "Withdraw", f"console:case:withdraw:{name}", "delete", withdraw, here, name, quiet=True,
           help="Deletes it from the room. Who has taken it keeps it.")  # fmt: skip


def withdraw(here: Seat, name: str) -> None:
    with refusing(PROBLEM):
        rooms().withdraw(here.code, here.key, name)


def runnable(room: Room) -> list[Item]:
    """What a question of the teacher's own may have run."""
    return [(CASE, name) for name in names(room)]
