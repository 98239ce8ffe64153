"""The clinic: a learner's own loss, examined behind walls, and what is wrong with it."""

from collections.abc import Mapping

import streamlit as st

from lessons.sandbox import walled_pool
from pages.clinic.buttons import bar
from pages.clinic.consultation import consultation
from pages.clinic.loss_text import editor, examples
from pages.clinic.options import options
from pages.clinic.results import results
from pages.clinic.status import status
from pages.parts.quotation import quoted, warn
from pages.server import shown


def render(pages: Mapping) -> None:
    """`pages`: the course's st.Page of each slug."""
    mine = consultation()
    st.markdown("### What is wrong with my loss?")
    st.markdown(
        "Paste a custom Keras loss and press Examine. It is run here, behind walls, on batches that `fit` could hand "
        "it; every finding comes with the numbers that showed it."
    )
    for problem in mine.problems:
        warn(problem)
    examples(mine)
    left, right = st.columns([1.9, 1], gap="medium")
    with left.container(key="clinic-left"):
        editor(mine)
        bar(mine)
        status(mine)
    with right.container(key="clinic-options"):
        options(mine)
    results(mine, pages)
    fine_print()
    walled_pool.shared().start()  # last, because starting processes slows the first paint down


def fine_print() -> None:
    """How good the clinic is, and what the walls promise."""
    with st.expander("How good is it? The scorecard", icon=":material/analytics:"):
        st.markdown(shown.text(shown.SCORECARD))
    with st.expander("Code from strangers: the walls", icon=":material/shield:", key="clinic-walls"):
        standing, trouble = walled_pool.shared().walls, walled_pool.shared().trouble
        st.markdown(
            "The text is parsed first and only what a loss needs is admitted; nothing else of it runs. What is "
            "admitted runs in a process of its own, which is ended when it takes too long."
        )
        if standing:
            st.markdown("Around that process on this server:\n" + "\n".join(f"- {quoted(wall)}" for wall in standing))
        elif trouble:
            st.markdown("There is no such process on this server, and nothing is examined.")
        else:
            st.markdown("The process is still being started; its walls are listed here when it stands.")
        st.markdown(
            "No wall is complete. They do not promise to hold against a hole in TensorFlow or in the system's kernel, "
            "and they do not make the machine fast for others while losses are examined. Your text stays in your "
            "session: no other learner, no link and no file gets it, unless you publish it to a room that you lead."
        )
