"""The record: one page of what this learner did and predicted, to be taken along."""

import streamlit as st

from lessons.classroom.record import NAME_LONGEST, STYLE, body, html, record
from pages.learner import identity
from pages.parts.download import offer
from pages.parts.layout import row

FILE = "unmasked-record.html"


def render() -> None:
    found = record(identity.course().steps)
    place = row("record-bar", vertical_alignment="bottom")
    name = place.text_input(
        "Name on the record",
        placeholder="may stay empty",
        max_chars=NAME_LONGEST,
        key="record:name",
        help="It goes into the file and is kept nowhere else.",
        width=320,
    )
    offer(place, "Download as HTML", FILE, html(found, name).encode(), "record:download", type="primary",
          icon=":material/download:")  # fmt: skip
    place.caption("One file. It prints on one A4 page, or as PDF from the browser's print dialog.")
    with st.container(border=True, width=780, key="record-sheet"):
        st.html(f"<style>{STYLE}</style>{body(found, name)}")
