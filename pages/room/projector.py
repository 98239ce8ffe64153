"""What a class sees on the wall: large, without controls, without names, without votes before the reveal."""

import streamlit as st

from lessons.classroom.refusal import NoRoom
from lessons.course.lesson import Preset
from lessons.figures.run_figures import curve_figure, gradient_figure, run_words
from lessons.recipe.bad_input import BadInput
from pages.parts.charts import chart
from pages.parts.quotation import quoted, warn
from pages.room.ballot import asked, revealed, right_answer, training_of
from pages.room.invitation import invitation
from pages.room.question import experiment, question
from pages.room.visit import remaining, spelled
from pages.server.store import rooms

LOOK = 1.5  # seconds
SAYS = {
    "waiting": "Join now",
    "vote": "Vote",
    "discuss": "Discuss: convince somebody who voted otherwise",
    "revote": "Vote again",
    "run": "Run it",
    "reveal": "What came true",
}
LARGE = """<style>
html { font-size: 22px; }
.stAppHeader { display: none; }
.stMainBlockContainer { padding-top: 1rem; }
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
    time_left = f" · {remaining(room)} s" if room.closes else ""
    st.markdown(f"## {SAYS[room.phase]}{time_left}")
    st.caption(f"Room {spelled(code)} · {counts.joined} joined · {counts.voted} voted · {counts.done} have run it")
    if not room.slug:
        invitation(code)
        return
    lesson, preset = asked(room)
    question(lesson, preset)
    if room.phase in ("vote", "discuss", "revote", "waiting"):
        st.markdown("\n".join(f"- {quoted(answer.text)}" for answer in lesson.prediction.answers))
        experiment(lesson, preset)
    elif room.phase == "run":
        running(preset)
    elif tally:
        revealed(lesson, tally, right_answer(lesson, preset))


def running(preset: Preset) -> None:
    """The run that the whole room shares."""
    training = training_of(preset)
    run = training.run()
    if training.failure:
        st.error("This cannot be trained.")
    elif run is None:
        st.caption("Training.")
    else:
        words = run_words(run)
        left, right = st.columns(2)
        with left:
            chart("projector:curve", curve_figure(run), words["curve"], height=380)
        with right:
            chart("projector:gradient", gradient_figure(run), words["gradient"], height=380)
