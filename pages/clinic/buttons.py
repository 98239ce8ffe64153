"""The row below the text: Examine and Stop, a file, a link."""

from functools import partial

import streamlit as st

from lessons.course.case import Case
from lessons.sandbox import walled_pool
from lessons.sandbox.admission.screening import MAX_CHARACTERS
from pages.clinic.consultation import Consultation
from pages.lab.publishing import publishing
from pages.parts.address import root_link
from pages.parts.layout import button, row


def bar(mine: Consultation) -> None:
    """Examine and Stop; a file; a link."""
    place = row("clinic-bar")
    # Never disabled: the press may bring the text that is better than the refused one.
    button(place, "Examine", "clinic:examine", "play_arrow", examine, mine, type="primary", shortcut="Ctrl+Enter")
    button(place, "Stop", "clinic:stop", "stop", mine.stop, disabled=mine.waits_for is None)
    with place.popover("Upload", icon=":material/upload_file:", type="tertiary"):
        st.file_uploader(
            f"A Python file of up to {MAX_CHARACTERS:,} characters",
            type="py",
            max_upload_size=1,
            key="clinic:file",
            on_change=lambda: take_file(mine),
        )
    with place.popover("Share", icon=":material/link:", type="tertiary"):
        st.caption("This link opens the clinic with the example and the options. Your own text is never in it.")
        st.code(share_link(mine), language=None, wrap_lines=True)
    publishing(place, "clinic:publish", partial(case_of, mine))


def examine(mine: Consultation) -> None:
    """The text may have come with the very click."""
    mine.problems = []
    mine.collect()
    if not (mine.refusal or mine.mistake):
        mine.examine(walled_pool.shared())


def case_of(mine: Consultation) -> Case:
    """The loss that is here, with what a click has brought along."""
    mine.collect()
    return Case(loss=mine.text, function=mine.function or "")


def take_file(mine: Consultation) -> None:
    file = st.session_state["clinic:file"]
    if file is None:  # removed from the list
        return
    try:
        text = file.getvalue().decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        mine.problems = [f"{file.name[:40]}: it is no text in UTF-8; a Python file is accepted."]
        return
    if len(text) > MAX_CHARACTERS:
        mine.problems = [f"{file.name[:40]}: it has {len(text):,} characters; up to {MAX_CHARACTERS:,} are accepted."]
        return
    mine.bring(text)


def share_link(mine: Consultation) -> str:
    return root_link({"page": "clinic", **mine.query()}, "clinic")
