"""A case that travels: saved as a file or as a link, and opened. Opening one runs nothing."""

from functools import partial

import streamlit as st

from lessons.course.case import FILE, MOST_LINK, Case
from pages.lab.bench import Bench
from pages.lab.opened_case import OPENED, PROBLEM, TAKEN, arrive, case_of, now, open_file, take
from pages.lab.publishing import publishing
from pages.parts.address import root_link
from pages.parts.download import offer
from pages.parts.layout import row
from pages.parts.notice import warn_noted
from pages.server import shown

LINK = "case:link"  # session key
_link = shown.component("case_link")


def case_in_link(bench: Bench) -> None:
    """Take a case that the learner has taken in a room, or on the page that shows what a link carries."""
    arrive(bench)
    _link(key=LINK, on_taken_change=lambda: take(bench, st.session_state[LINK].taken))
    warn_noted(PROBLEM)
    if st.session_state.pop(TAKEN, False):
        st.info(
            "The case is here, and nothing of it has run: look at the model, or press Run.", icon=":material/inbox:"
        )


def travel(bench: Bench) -> None:
    """Save this case, as a file or a link; open another; let a room have it."""
    place = row("case")
    case = case_of(bench)
    offer(place, "Save", FILE, case.to_text().encode(), "case:save", icon=":material/save:", type="tertiary")
    link = place.popover("Link", icon=":material/link:", type="tertiary", key="case:share", on_change="rerun")
    if link.open:
        with link:
            share(case)
    other = place.popover("Open", icon=":material/folder_open:", type="tertiary", key="case:open", on_change="rerun")
    if other.open:
        with other:
            key = f"{OPENED}:{st.session_state.get(OPENED, 0)}"  # another key is an empty uploader
            st.file_uploader(FILE, "json", max_upload_size=1, key=key, on_change=lambda: open_file(bench, key))
    publishing(place, "case:publish", partial(now, bench))


def share(case: Case) -> None:
    part = case.to_link()
    if part is None:
        st.caption(f"This case is longer than a link may be, {MOST_LINK:,} letters: save it as a file.")
        return
    st.caption("It carries the model, the loss and the settings, no data. No server sees what stands behind the #.")
    place = root_link({}, "your_case").removesuffix("?") + shown.CASE_PAGE
    st.code(f"{place}#{part}", language=None, wrap_lines=True)
