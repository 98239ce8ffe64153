"""How the doctor's findings are drawn: in its order, each with what was measured, its chart, the fix and the lesson."""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from lessons.course.discovery import LESSONS
from lessons.doctor.rule import SEVERITIES
from lessons.figures.loss_figures import finding_figure, finding_words
from lessons.figures.marks import number
from lessons.recipe.words import plural
from pages.parts.charts import chart
from pages.parts.quotation import quoted

# Mark, word and colour: the word is enough, and the marks differ in shape.
MARKS = {
    "error": ":red-badge[:material/error: error]",
    "warning": ":orange-badge[:material/warning: warning]",
    "note": ":blue-badge[:material/info: note]",
}
HEALTHY = ":green-badge[:material/check_circle: healthy]"
REFUSED = ":orange-badge[:material/block: not examined]"
POINT = {"y_true": "label", "y_pred": "prediction", "value": "loss", "gradient": "gradient"}
CHART_HEIGHT = 210


def findings(
    found: Sequence[Mapping], pages: Mapping, key: str, below: Callable[[Mapping], None] = lambda finding: None
) -> None:
    """A card for each. `pages`: the course's st.Page of each slug; `key` is before the keys of the charts.

    `below` draws what a card has besides.
    """
    for finding in found:
        with st.container(border=True, key=f"finding-{finding['code']}", gap="xsmall"):
            card(finding, pages, f"{key}:{finding['code']}")
            below(finding)


def card(finding: Mapping, pages: Mapping, key: str) -> None:
    st.markdown(f"{MARKS[finding['severity']]} **{quoted(finding['title'])}** :gray[:small[{quoted(finding['code'])}]]")
    curve = finding["curve"]
    left, right = st.columns([1.15, 1], gap="medium") if curve else (st.container(), None)
    with left.container(gap="xsmall"):
        words(finding)
        link(finding["lesson"], pages)
    if curve:
        with right:
            chart(f"{key}:curve", finding_figure(curve), finding_words(curve), height=CHART_HEIGHT)


def words(finding: Mapping) -> None:
    st.markdown(quoted(finding["message"]))
    if point := failing_point(finding["evidence"]):
        st.caption(quoted(point))
    where = f" Line {finding['line']} of your text." if finding["line"] else ""
    st.markdown(f"**Why** {quoted(finding['why'])}{where}")
    st.markdown(f"**Fix** {quoted(finding['fix'])}")


def link(slug: str, pages: Mapping) -> None:
    """To the lesson about it. An st.Page and no address: an address would load the app anew, without the text."""
    if slug in pages:
        st.page_link(pages[slug], label=f"Lesson: {LESSONS[slug].title}", icon=":material/school:")


def failing_point(evidence: Mapping) -> str:
    """Where it was seen, in words: label, prediction, and what came out there."""
    if not {"y_true", "y_pred"} <= evidence.keys():
        return ""
    return "Seen at " + ", ".join(
        f"{word} {value_words(evidence[name])}" for name, word in POINT.items() if name in evidence
    )


def value_words(value: object) -> str:
    """A measured value or the numbers of a sample."""
    if isinstance(value, list):
        return value_words(value[0]) if len(value) == 1 else f"({', '.join(map(value_words, value))})"
    return "not finite" if value is None else number(value) if isinstance(value, (int, float)) else str(value)


def count(found: Sequence[Mapping]) -> str:
    """“3 findings: 2 errors, 1 warning”."""
    kinds = [finding["severity"] for finding in found]
    parts = [plural(kinds.count(kind), kind) for kind in SEVERITIES if kind in kinds]
    return f"{plural(len(found), 'finding')}: {', '.join(parts)}"
