"""How to come in: the code in large letters, a QR code, the link."""

from urllib.parse import urlsplit

import segno
import streamlit as st

from pages.room.visit import join_link, spelled

HERE_ONLY = ("localhost", "127.0.0.1", "::1")


def invitation(code: str) -> None:
    link = join_link(code)
    picture = segno.make(link, micro=False).svg_data_uri(scale=5, border=2, dark="#000", light="#fff")
    st.html(
        f'<div class="invitation"><img src="{picture}" alt="QR code of the link below">'
        f'<div class="invitation-code">{spelled(code)}</div></div>'
    )
    st.code(link, language=None, wrap_lines=True)
    if urlsplit(link).hostname in HERE_ONLY:
        st.caption("Only this computer knows this address: open this page by the computer’s name on the network.")
