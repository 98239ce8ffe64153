"""What a class sees on the wall: large, without controls, without names, without votes before the reveal.

At 1280×720 each phase of each lesson fits, and no letter is below 18 pixels; tests/browser/test_wall.py measures it.
"""

from functools import lru_cache

import streamlit as st

from lessons.classroom.posed import Posed
from lessons.classroom.refusal import NoRoom
from lessons.classroom.room_state import Counts, Room, Tally
from lessons.course.lesson import Preset
from lessons.doctor.run import diagnose
from lessons.figures.enlarged import enlarged
from lessons.figures.run_figures import curve_figure, gradient_figure, run_words
from lessons.recipe import losses
from lessons.recipe.bad_input import BadInput
from lessons.runs.run import Run
from lessons.server.laboratory import Training
from pages.parts.charts import chart
from pages.parts.quotation import quoted, warn
from pages.room.ballot import asked, bars, beliefs, right_answer, training_of
from pages.room.invitation import invitation
from pages.room.question import picture, toggles, words_of
from pages.room.visit import join_link, remaining
from pages.server.store import rooms

LOOK = 1.5  # seconds
LETTERS = 21  # pixels, of figures: exponents, the smallest, have 18
A_LINE = 1.5  # seconds in which code that is longer than its place moves on by a line
SAYS = {
    "waiting": "Join now",
    "vote": "Vote",
    "discuss": "Discuss: convince somebody who voted otherwise",
    "revote": "Vote again",
    "run": "Run it",
    "reveal": "What came true",
}
LARGE = """<style>
html { font-size: clamp(20px, 1.6vw, 40px); }
.stAppHeader { display: none; }
.stMainBlockContainer { padding: 0.6rem 1.4rem 0; max-width: none; }
</style>"""


@st.fragment(run_every=LOOK)
def projector(code: str) -> None:
    st.html(LARGE)
    try:
        room = rooms().look(code)
        counts, tally = rooms().counts(code), rooms().revealed(code)
    except NoRoom:
        st.info("This room has ended.")
        return
    except BadInput as problem:
        warn(problem)
        return
    with st.container(key="wall", gap="xsmall"):
        posed = asked(room) if room.slug else None
        time_left = f" · {remaining(room)} s" if room.closes else ""
        st.markdown(f"**{says(room, posed)}{time_left}** &emsp; :gray[{way_in(code)} · {counted(room, counts)}]")
        if posed is None:
            invitation(code)
            return
        st.markdown(f"## {words_of(posed)}")
        if not posed.own:
            st.markdown(quoted(posed.title) + f" &emsp; {quoted(posed.differs)}" * bool(posed.differs))
        if tally:
            revealed(posed, tally)
        elif room.phase == "run" and posed.preset:
            running(posed.preset)
        else:
            choice(posed, room)


def way_in(code: str) -> str:
    """What who comes late types, without the part that browsers add."""
    return quoted(join_link(code).removeprefix("http://").removeprefix("https://"))


def counted(room: Room, counts: Counts) -> str:
    """How many are here, and how many of them have done what the class does now."""
    done = {"waiting": "", "run": f" · {counts.done} have run it", "reveal": f" · {counts.done} have run it"}
    return f"{counts.joined} joined" + done.get(room.phase, f" · {counts.voted} voted")


def says(room: Room, posed: Posed | None) -> str:
    """What the class does now."""
    if posed and room.phase == "run" and not posed.runs:
        return "The votes are closed"
    return "What is right" if posed and posed.own and room.revealed else SAYS[room.phase]


def choice(posed: Posed, room: Room) -> None:
    """The answers; beside them what they are about: settings, the whole loss, the data, or the text of a case."""
    answers = "\n".join(f"- {quoted(answer.text)}" for answer in posed.answers)
    if not posed.runs:
        st.markdown(answers)
        return
    if not (posed.lesson and posed.preset):
        left, right = st.columns([1, 1.2], gap="medium")
        left.markdown(answers)
        left.markdown(f"“{quoted(posed.case)}” is among the cases on your page.")
        with right:
            text_of_case(room, posed.case)
        return
    left, right = st.columns([1, 1.2], gap="medium")
    left.markdown(answers)
    left.markdown(toggles(posed.lesson, posed.preset))
    settings = posed.preset.settings
    with right:
        code(losses.source(settings.loss))
    with right.container(key="wall-data"):
        figure, words = picture(settings)
        chart(f"wall:batch:{posed.lesson.slug}:{posed.preset.name}", enlarged(figure, LETTERS), words, height=0)


def code(source: str) -> None:
    """What is longer than its place moves on by itself."""
    with st.container(key="wall-code"):
        st.html(f"<style>.stApp {{ --wall-time: {A_LINE * len(source.splitlines())}s; }}</style>")
        st.code(source, language="python", wrap_lines=True)


def text_of_case(room: Room, name: str) -> None:
    """Its model and its loss; said where it is there no more."""
    try:
        case = rooms().case(room.code, name)
    except BadInput as problem:
        warn(problem)
        return
    code("\n\n".join(filter(None, (case.model, case.loss))))


def running(preset: Preset) -> None:
    """The run that the whole room shares, as large as the wall allows."""
    run = shared_run(preset)
    if run:
        with st.container(key="wall-run"):
            for place, name in zip(st.columns(2), ("curve", "gradient"), strict=True):
                with place:
                    run_chart(run, name)


def shared_run(preset: Preset) -> Run | None:
    """None where there is none to be shown yet, which is said."""
    training = training_of(preset)
    run = training.run()
    if training.failure:
        st.error("This cannot be trained.")
        return None
    if run is None:
        st.caption("Training.")
    return run


def run_chart(run: Run, name: str) -> None:
    if name == "gradient":
        st.markdown("Gradient in the last epoch: :blue[on real steps], :orange[on padding]")
    figure = curve_figure(run) if name == "curve" else gradient_figure(run)
    chart(f"wall:{name}", enlarged(figure, LETTERS), run_words(run)[name], height=0)


def revealed(posed: Posed, tally: Tally) -> None:
    """The votes, beside them the run, and why it came so."""
    reading = right_answer(posed)
    run = None
    with st.container(key="wall-reveal"):
        left, right = st.columns([1, 1.1], gap="medium") if posed.preset else (st.container(), None)
        with left:
            bars(posed, tally, reading.right)
            if reading.words:
                st.markdown(reading.words)
        if right and posed.preset:
            with right:
                run = shared_run(posed.preset)
                if run:
                    run_chart(run, "curve")
                    run_chart(run, "gradient")
        reason = posed.why or (why(training_of(posed.preset)) if run and run.closing and posed.preset else "")
        for words in (reason, *beliefs(posed, tally, reading.right)[:1]):
            if words:
                left.markdown(quoted(words))


@lru_cache(64)
def why(training: Training) -> str:
    """What the doctor makes of a run that is done, in a sentence or two; empty where it is healthy."""
    run = training.run()
    found = diagnose(run) if run else ()
    return f"{found[0].title}. {found[0].why}" if found else ""
