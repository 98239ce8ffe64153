"""A file that comes: it is read in a walled process, and what was read stays in the session."""

import time
from dataclasses import dataclass, field

import streamlit as st

from lessons.own_data.brought import Brought
from lessons.own_data.sheet import Sheet
from lessons.recipe.words import first_line, sentence, shortened
from lessons.sandbox import walled_pool
from lessons.sandbox.walled_pool import Busy
from lessons.server import walled_tasks
from lessons.workers.job import Job, OutOfOrder
from pages.lab.brought import OWN
from pages.learner import identity
from pages.parts.layout import button, row
from pages.parts.quotation import quoted
from pages.parts.waiting import poll

PROBLEM = "own:problem"  # session keys: why the last file was refused,
UPLOADS = "own:uploads"  # how many were taken,
REFUSALS = "own:refusals"  # how many were refused,
READING = "own:reading"  # and the one that is being read
NAME_LONGEST = 30  # letters of a file's name


@dataclass
class Reading:
    """A file under way."""

    name: str
    job: Job
    since: float = field(default_factory=time.monotonic)


def bring_bytes(data: bytes, name: str) -> None:
    """Have a file read."""
    stop_reading()
    try:
        job = walled_pool.shared().submit(walled_tasks.read_file, data, who=identity.who())
    except Busy as problem:
        refuse(name, str(problem))
        return
    st.session_state.pop(PROBLEM, None)
    st.session_state[READING] = Reading(name, job)
    count(REFUSALS)  # the uploader drops the file


def arriving() -> None:
    """While a file is read: that it is, and the way to stop it. Then take what it held."""
    under_way: Reading | None = st.session_state.get(READING)
    if under_way is None:
        return
    if not under_way.job.done():
        place = row("own_reading")
        with place:
            poll(under_way.job.done, lambda: progress(under_way))
        button(place, "Stop reading", "own_stop", "stop", stop_reading, quiet=True)
        return
    settle(under_way)
    st.rerun()


def progress(under_way: Reading) -> str:
    """How far it is, in words."""
    seconds = time.monotonic() - under_way.since
    share = max((part for part in list(under_way.job.items) if isinstance(part, float)), default=0.0)
    return f"Reading **{named(under_way.name)}**, {share:.0%} in {seconds:.0f} s …"


def named(name: str) -> str:
    """The name of a file, for a text in Markdown."""
    return quoted(shortened(name, NAME_LONGEST))


def settle(under_way: Reading) -> None:
    """Take what was read, or say why it cannot be."""
    st.session_state.pop(READING, None)
    if under_way.job.stopped:
        return
    try:
        under_way.job.result()
        told = under_way.job.items[-1]
    except Exception as failure:  # a limit was broken, or no process can be had
        smaller = "" if isinstance(failure, OutOfOrder) else " A smaller file may do."
        refuse(under_way.name, f"reading it was given up. {sentence(first_line(failure))}{smaller}")
        return
    if "refused" in told:
        refuse(under_way.name, told["refused"])
        return
    arrive(Brought(under_way.name, Sheet.from_plain(told)))


def stop_reading() -> None:
    """Let go of the file that is being read."""
    under_way: Reading | None = st.session_state.pop(READING, None)
    if under_way:
        under_way.job.stop()


def arrive(brought: Brought) -> None:
    """The session has this file now, in place of the one before."""
    st.session_state[OWN] = brought
    for key in [key for key in st.session_state if str(key).endswith(":own_data")]:
        st.session_state[key] = True
    st.session_state.pop(PROBLEM, None)
    count(UPLOADS)


def refuse(name: str, says: str) -> None:
    """Say why a file was not taken."""
    st.session_state[PROBLEM] = f"{shortened(name, NAME_LONGEST)}: {says}"
    count(REFUSALS)


def refusals() -> str:
    """Another text each time that a file was taken or refused."""
    return ":".join(str(st.session_state.get(key, 0)) for key in (UPLOADS, REFUSALS))


def count(key: str) -> None:
    st.session_state[key] = st.session_state.get(key, 0) + 1
