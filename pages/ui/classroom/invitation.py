"""How to come in: the code in large letters, a QR code, the link."""

import segno
import streamlit as st

from pages.ui.classroom.visit import join_link, spelled


def invitation(code: str) -> None:
    link = join_link(code)
    picture = segno.make(link, micro=False).svg_data_uri(scale=5, border=2, dark="#000", light="#fff")
    st.html(
        f'<div class="invitation"><img src="{picture}" alt="QR code of the link below">'
        f'<div class="invitation-code">{spelled(code)}</div></div>'
    )
    st.code(link, language=None, wrap_lines=True)
