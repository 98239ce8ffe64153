"""How far an examination is, and what came of it in one line."""

import time

import streamlit as st

from lessons.recipe.words import first_line, sentence
from lessons.sandbox import walled_pool
from lessons.sandbox.walled_pool import Overrun
from lessons.workers.job import Job, OutOfOrder, WorkerDied
from pages.clinic.consultation import Consultation, failure_of
from pages.parts.findings import HEALTHY, MARKS, REFUSED, count
from pages.parts.quotation import fail, quoted, warn
from pages.parts.speech import aloud
from pages.parts.waiting import poll


def status(mine: Consultation) -> None:
    """One place below the buttons: refused, under way, or the headline of what was found."""
    drawn = mine.waits_for  # looked at once, and first: what ends while this is drawn is news
    with st.container(key="clinic-status", gap="xsmall"):
        if trouble := walled_pool.shared().trouble:
            warn(sentence(trouble))
        if mine.busy:
            warn(mine.busy)
        if mine.refusal:
            st.markdown(refused(mine.refusal.line, mine.refusal.message))
        else:
            headline(mine)
        aloud("clinic:aloud", heard(mine))
        if drawn or mine.wants_mending:
            poll(lambda: news(mine, drawn), lambda: doing(mine, drawn))


def news(mine: Consultation, drawn: Job | None) -> bool:
    """Whether something ended, or was begun: a mended version is asked for as soon as something is found."""
    if mine.wants_mending:
        mine.mend(walled_pool.shared())
    return mine.waits_for is not drawn


def doing(mine: Consultation, job: Job | None) -> str:
    """What is under way, in words, and for how long."""
    if job is None:
        return ""
    if job.running():
        words = "examining" if job is mine.examination else "looking for a mended version"
    elif walled_pool.shared().ready():
        words = "waiting for its turn"
    else:
        words = "warming up: TensorFlow is loading"
    return f"{words}, {time.monotonic() - job.asked:.0f} s"


def headline(mine: Consultation) -> None:
    """What came of the examination, in one line."""
    job = mine.examination
    if job is None:
        st.caption("Nothing has been examined yet: press Examine or Ctrl+Enter.")
        return
    if not job.done():
        return
    result = mine.result
    if failure := failure_of(job):
        if not (isinstance(failure, OutOfOrder) and walled_pool.shared().trouble):  # that is told above
            fail(failed(failure))
    elif result is None:
        st.markdown("Stopped: nothing was found out.")
    elif result["refused"]:
        st.markdown(refused(**result["refused"]))
    else:
        name = quoted(result["function"] or "the loss")
        took = f":gray[:small[{result['seconds']:.1f} s]]"
        if result["findings"]:
            worst = result["findings"][0]["severity"]
            st.markdown(f"{MARKS[worst]} **{name}** has {count(result['findings'])}. {took}")
        elif result.get("elsewhere"):
            st.markdown(f"**{name}**: what is wrong with it depends on the usage. {took}")
        else:
            st.markdown(f"{HEALTHY} **{name}**: nothing was found. {took}")


def heard(mine: Consultation) -> str:
    """The same for who hears this page. What failed Streamlit says by itself."""
    if mine.refusal:
        return mine.refusal.message
    job, result = mine.examination, mine.result
    if job is None or not job.done():
        return "Examining." if job else ""
    if result is None:
        return "" if failure_of(job) else "Stopped."
    if result["refused"]:
        return result["refused"]["message"]
    return f"Examined. {count(result['findings'])}." if result["findings"] else "Examined. Nothing was found."


def refused(line: int | None, message: str) -> str:
    where = f"Line {line}: " if line else ""
    return f"{REFUSED} {where}{quoted(message.removesuffix('.'))}."


def failed(failure: BaseException) -> str:
    """Why there is no answer, in one sentence."""
    words = first_line(failure)
    if isinstance(failure, Overrun):
        return f"The loss asked for too much: {words}."
    if isinstance(failure, WorkerDied):
        return f"The loss ended its examination: {words}."
    return f"It cannot be examined: {words}"
