"""The record: one page of what this learner did and predicted, to be taken along."""

import streamlit as st

from lessons.classroom.record import NAME_LONGEST, STYLE, body, html, record
from pages.learner import identity

FILE = "unmasked-record.html"


def render() -> None:
    found = record(identity.course().steps)
    row = st.container(key="record-bar", horizontal=True, vertical_alignment="bottom", gap="small")
    name = row.text_input(
        "Name on the record",
        placeholder="may stay empty",
        max_chars=NAME_LONGEST,
        key="record:name",
        help="It goes into the file and is kept nowhere else.",
        width=320,
    )
    row.download_button(
        "Download as HTML",
        html(found, name),
        FILE,
        "text/html",
        type="primary",
        icon=":material/download:",
        key="record:download",
        on_click="ignore",
    )
    row.caption("One file. It prints on one A4 page, or as PDF from the browser's print dialog.")
    with st.container(border=True, width=780, key="record-sheet"):
        st.html(f"<style>{STYLE}</style>{body(found, name)}")
