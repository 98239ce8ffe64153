"""The text of the loss: ready examples, and the editor with its line numbers and marks."""

from urllib.parse import quote

import streamlit as st

from lessons.doctor.examples import EXAMPLES
from pages.clinic.consultation import Consultation

TEXT_HEIGHT = 316  # so that text, Examine and the headline fit a projector
LINE = 20  # pixels of a line of the text, as in style.css
NUMBERED = 999  # lines that get a number


def examples(mine: Consultation) -> None:
    """Ready texts. The one that is in the text area is marked."""
    st.session_state["clinic:example"] = mine.example.name if mine.example else None
    st.pills(
        "Example",
        list(EXAMPLES),
        format_func=lambda name: EXAMPLES[name].label,
        key="clinic:example",
        label_visibility="collapsed",
        on_change=lambda: take_example(mine),
    )


def take_example(mine: Consultation) -> None:
    """An example comes without options: what was declared was about another text."""
    name = st.session_state["clinic:example"]
    if name:
        mine.bring(EXAMPLES[name].text, options={})


def editor(mine: Consultation) -> None:
    st.html(text_style(mine.text.count("\n") + 1, marked_lines(mine)))
    st.text_area("Your loss", key="clinic:text", height=TEXT_HEIGHT, label_visibility="collapsed")


def marked_lines(mine: Consultation) -> list[int]:
    """The line that was refused, or those that the findings are about."""
    if mine.refusal:
        return [mine.refusal.line] if mine.refusal.line else []
    result = mine.result
    if not result or mine.asked.text != mine.text:
        return []
    if result["refused"]:
        return [result["refused"]["line"]] if result["refused"]["line"] else []
    return sorted({finding["line"] for finding in result["findings"] if finding["line"]})


def text_style(lines: int, marked: list[int]) -> str:
    """Line numbers and marks behind the text: as backgrounds they scroll with it, in a plain text area."""
    numbers = "".join(f'<tspan x="30" dy="{LINE}">{n}</tspan>' for n in range(1, min(lines + 40, NUMBERED) + 1))
    picture = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="36" height="{(lines + 40) * LINE + 8}">'
        f'<text y="2" font-family="monospace" font-size="11" fill="#8A8A8A" text-anchor="end">{numbers}</text></svg>'
    )
    layers = [(f'url("data:image/svg+xml,{quote(picture)}")', "0 0", "auto")]
    mark = "linear-gradient(var(--clinic-mark), var(--clinic-mark))"
    layers += [(mark, f"0 {8 + (line - 1) * LINE}px", f"100% {LINE}px") for line in marked]
    images, places, sizes = (", ".join(column) for column in zip(*layers, strict=True))
    return (
        "<style>.st-key-clinic-text textarea {"
        f"background-image: {images}; background-position: {places}; background-size: {sizes};"
        "}</style>"
    )
