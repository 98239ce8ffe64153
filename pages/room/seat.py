"""A learner's page in a room: it shows what the instructor has moved the room to, and nothing of the others' votes."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import streamlit as st

from lessons.classroom.posed import Posed
from lessons.classroom.refusal import Away, NoRoom, NotAllowed
from lessons.classroom.room_state import ASKS, IDENTITY_LONGEST, OwnVote, Room, Tally
from lessons.course.lesson import Lesson, Preset
from lessons.recipe.bad_input import BadInput
from pages.lab.bench import Bench
from pages.lab.instruments import instruments
from pages.lab.state import Form
from pages.learner.seat import SEAT, Seat
from pages.parts.layout import button, row
from pages.parts.notice import refusing, warn_noted
from pages.parts.quotation import quoted, tell, warn
from pages.parts.scrolling import scroll_to
from pages.parts.speech import aloud
from pages.room.ballot import Reading, asked, revealed, right_answer
from pages.room.cases import cases, names, opened, takes
from pages.room.companion import SEEN
from pages.room.door import IDENTITY, asks_words, typed
from pages.room.question import experiment, question
from pages.room.visit import left, spelled
from pages.room.vote import REFUSED, SEATED, ballot, clock
from pages.server.store import rooms
from pages.server.watch import watch

PATIENCE = 1.0  # seconds that a page waits for the run whose outcome it shows
ANY = ""  # in place of a room's state: whatever the browser is told next is news
LAST = "room:last"  # session key: the room as it was last seen
SAYS = {
    "waiting": "The instructor begins soon. This page moves by itself.",
    "vote": "Vote now. You may change your vote until it closes.",
    "discuss": "The vote is closed. Find somebody who voted otherwise, and convince them.",
    "revote": "Vote again, whatever you think now.",
    "run": "The votes are closed. Run it, and see what comes true.",
    "reveal": "What came true, and how the room voted.",
}


@st.fragment(key=SEATED)
def seated(seat: Seat, pages: Mapping[str, Any]) -> None:
    """Drawn again as soon as the room moves."""
    if left():
        st.rerun()
    try:
        room = st.session_state[LAST] = rooms().look(seat.code)
        st.session_state[SEEN] = room.place
        own = rooms().own_votes(seat.code, seat.key, room.question)
        tally = rooms().revealed(seat.code) if room.revealed else None
        unnamed = bool(room.asks) and not rooms().identity(seat.code, seat.key)
    except (NoRoom, NotAllowed) as problem:
        st.session_state.pop(SEAT, None)
        tell("This room has ended." if isinstance(problem, NoRoom) else problem)
        st.button("Another room", key="room:another", on_click=leave)
        return
    except Away as problem:
        warn(problem)
        if last := st.session_state.get(LAST):
            watch("room:watch", last.watch, ANY)
        return
    ear = st.container()  # in one place whatever comes below: what moves is mounted anew, and hears nothing meanwhile
    posed = asked(room) if room.slug else None
    runs = bool(posed and posed.runs)
    head(room, runs)
    known, news = True, says(room, runs)
    if not room.ballot:  # a vote has them beside its buttons
        warn_noted(REFUSED)
    if unnamed:
        identity(seat, room)
    if posed:
        scroll_to("room:scroll", "room-head", f"{room.code} {room.question}")  # who has read to the end of the last one
        question(posed)
        known = body(seat, room, posed, own, tally, pages)
        news = heard(room, posed, tally)
    if published := names(room):
        cases(room, published, pages)
        news += f" There are cases to take: {', '.join(published)}."
    with ear:
        aloud("room:aloud", news)
        watch("room:watch", room.watch, room.state if known else ANY)


def says(room: Room, runs: bool) -> str:
    """What is to be done now. `runs`: whether something is run with the question."""
    return "The votes are closed." if room.phase == "run" and not runs else SAYS[room.phase]


def heard(room: Room, posed: Posed, tally: Tally | None) -> str:
    """The last that has happened, for who hears this page: what came true, or where the room is."""
    now = says(room, posed.runs)
    if tally and room.phase == "reveal":
        right = right_answer(posed).right
        return now if right is None else f"{now} It is: {posed.answers[right].text}."
    return f"{now} Question {room.question}: {posed.text}" if room.ballot else now


def head(room: Room, runs: bool) -> None:
    place = row("room-head")
    place.markdown(f"**Room {spelled(room.code)}** · {says(room, runs)}")
    button(place, "Leave", "room:leave", "logout", leave, quiet=True)


def leave() -> None:
    """Back to the door. The seat stays taken: who has its address may come back."""
    st.session_state.pop(SEAT, None)
    st.query_params.clear()


def body(
    seat: Seat,
    room: Room,
    posed: Posed,
    own: dict[int, OwnVote],
    tally: Tally | None,
    pages: Mapping[str, Any],
) -> bool:
    """What the phase asks for. False where something is still to come."""
    reading: Reading | None = None
    answers = posed.answers
    with st.container(key="room-body"):
        if room.ballot:
            if room.closes:
                clock(room)
            ballot(seat, room, posed)
        elif tally and room.phase == "reveal":
            reading = right_answer(posed, PATIENCE)
            revealed(posed, tally, reading, {at: mine.answer for at, mine in own.items()})
        elif room.phase == "run" and own:
            st.markdown(f"You voted: **{quoted(answers[own[max(own)].answer].text)}**")
        elif room.phase != "waiting":
            mine = own[max(own)].answer if own else None
            lines = (
                f"- {quoted(each.text)}" + " :blue-badge[your vote]" * (at == mine) for at, each in enumerate(answers)
            )
            st.markdown("\n".join(lines))
            if not own:
                st.caption("You have not voted.")
    if room.phase in ("run", "reveal"):
        if posed.lesson and posed.preset:
            desk(seat, room, posed.lesson, posed.preset, pages)
        if posed.case:
            opened(room, posed.case, partial(takes, pages, room.question))
    elif room.phase != "waiting":
        experiment(posed)
        if posed.case:
            opened(room, posed.case)
    return room.phase != "reveal" or bool(reading and reading.done)


def identity(seat: Seat, room: Room) -> None:
    """What the instructor asks for, where it was not given at the door."""
    with st.expander(f"Your {ASKS[room.asks]}, for the gradebook", icon=":material/badge:"):
        st.caption(asks_words(room))
        st.text_input(f"Your {ASKS[room.asks]}", key=IDENTITY, max_chars=IDENTITY_LONGEST, autocomplete="off")
        button(st, "Give it", "room:identify", "send", identify, seat)


def identify(seat: Seat) -> None:
    with refusing(REFUSED):
        rooms().identify(seat.code, seat.key, typed(IDENTITY))


def desk(seat: Seat, room: Room, lesson: Lesson, preset: Preset, pages: Mapping[str, Any]) -> None:
    """Run the room's preset; equal settings train once, however many press."""
    bench = bench_at(room, lesson, preset, pages)
    place = row()
    button(place, "Run", f"room:run:{room.question}", "play_arrow", run, seat, room, bench, type="primary")
    if lesson.slug in pages and not room.variation:
        place.page_link(
            pages[lesson.slug],
            label="Open it in the laboratory",
            icon=":material/science:",
            query_params={"preset": preset.name},
        )
    if bench.runs.training:
        instruments(bench)


def bench_at(room: Room, lesson: Lesson, preset: Preset, pages: Mapping[str, Any]) -> Bench:
    """This learner's bench for the question before the room."""
    bench: Bench | None = st.session_state.get("room:bench")
    if bench is None or bench.question != room.question:
        form = Form(lesson, preset, preset.settings)
        bench = st.session_state["room:bench"] = Bench(lesson, form, presenting=True, question=room.question)
    bench.pages, bench.redraw = pages, False
    return bench


def run(seat: Seat, room: Room, bench: Bench) -> None:
    bench.run()
    try:
        rooms().finish(seat.code, seat.key, room.question)
    except BadInput:  # removed in this moment: the next drawing says so
        pass
