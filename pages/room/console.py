"""The instructor's private screen: which question, which phase, how it stands, what to do next."""

import streamlit as st

from lessons.classroom.agenda import Agenda, Item
from lessons.classroom.own_question import OWN
from lessons.classroom.phase import NAMES, PHASES, Advice, Phase, advice
from lessons.classroom.posed import Posed, posed_of
from lessons.classroom.room_state import ASKS, Room, Tally
from lessons.course.lesson import Lesson
from lessons.recipe.bad_input import BadInput
from lessons.recipe.words import plural
from pages.learner.seat import TEACHES, Seat
from pages.parts.download import offer
from pages.parts.layout import button, row
from pages.parts.notice import refusing, warn_noted
from pages.parts.own_question import own_question
from pages.parts.presets import choose_preset, set_preset
from pages.parts.quotation import quoted, tell, warn
from pages.parts.speech import aloud
from pages.room.ballot import Reading, asked, bars, reasons, right_answer
from pages.room.cases import PROBLEM, console_cases, opened, runnable
from pages.room.invitation import invitation
from pages.room.question import experiment, question
from pages.room.visit import RESULTS, instructor_link, left, projector_link, remaining, spelled
from pages.server.store import rooms

LOOK = 1.5  # seconds between two looks at the counts
TIMER = "console:timer"  # key of the widget
BEGINS = (
    "“Projector” is the page for the wall, in a window of its own: it shows how to join. Then choose the first "
    "question; “Vote” opens its vote."
)
TIMES = {0: "by hand", 30: "after 30 s", 60: "after 1 min", 120: "after 2 min", 300: "after 5 min"}


@st.fragment(run_every=LOOK)
def console(code: str, key: str) -> None:
    """All of it in one fragment: Streamlit may join a click and the next look, and then draws one fragment only."""
    if left() or st.query_params.get("view") == RESULTS:
        st.rerun()
    st.session_state[TEACHES] = here = Seat(code, key)
    try:
        room = rooms().look(code)
        tally, members = rooms().tally(code, key), rooms().members(code, key)
    except BadInput as problem:
        warn(problem)
        return
    head(room, key)
    aloud("console:aloud", f"{NAMES[room.phase]}: {tally.joined} joined, {tally.voted} voted, {tally.done} have run it")
    warn_noted(PROBLEM)
    follow_plan(room, key)
    choose(room, key)
    if room.slug:
        posed = asked(room)
        reading, runs = right_answer(posed), posed.runs
        votes, right = tally.votes.get(max(tally.votes, default=1), {}), reading.right
        told = advice(room.phase, votes.get(right, 0), sum(votes.values()), runs) if right is not None else None
        steps(room, key, told, runs)
        if room.phase == "reveal" and not posed.own:
            button(st, "Ask its variation", "console:variation", "shuffle", put, room, key, (room.slug, room.preset),
                   room.variation + 1,
                   help="The same question with other numbers: who learnt more than the answer is right there too."
                   )  # fmt: skip
        standing(room, tally, posed, reading)
        if told:
            tell(told.says, icon=":material/lightbulb:")
        if posed.lesson:
            teacher(posed.lesson)
        with st.expander("The question as the room sees it", icon=":material/help:"):
            question(posed)
            experiment(posed)
            if posed.case:
                opened(room, posed.case)
    else:
        tell(BEGINS, icon=":material/lightbulb:")
    console_cases(room, here)
    people(room, key, members)


def act(action: str, code: str, key: str, *arguments: object) -> None:
    """Something the instructor does to the room. What is refused is told."""
    with refusing(PROBLEM):
        getattr(rooms(), action)(code, key, *arguments)


# --- the room


def head(room: Room, key: str) -> None:
    """The code, the ways in, what can be taken away."""
    place = row("console-head")
    place.markdown(f"### Room {spelled(room.code)}")
    with place.popover("Invite", icon=":material/qr_code_2:"):
        invitation(room.code)
    place.link_button("Projector", projector_link(room), icon=":material/slideshow:")
    with place.popover("Your link", icon=":material/key:", type="tertiary"):
        st.caption("This link opens this screen. Keep it: it is told nowhere else. Do not project this screen.")
        st.code(instructor_link(room.code, key), language=None, wrap_lines=True)
    offer(place, "CSV", f"room-{room.code}.csv", lambda: rooms().export(room.code, key), "console:csv",
          icon=":material/download:", type="tertiary")  # fmt: skip
    button(place, "Results", "console:results", "school", st.query_params.update, {"view": RESULTS}, quiet=True,
           help="Gradebook, and whether they learned. They tell the answers: do not project them.")  # fmt: skip
    with place.popover("Asks for", icon=":material/badge:", type="tertiary"):
        requirement(room, key)
    place.toggle(
        "Follow me",
        value=room.following,
        key=f"console:follow:{room.following}",
        help="On: learners’ pages move along. Off: they go on at their own pace, and are told where the room is.",
        on_change=lambda: act("follow", room.code, key, not room.following),
    )
    with place.popover("End", icon=":material/delete:", type="tertiary"):
        st.caption("Deletes the room with all votes and names. The CSV is your copy.")
        st.button("Delete it all", key="console:end", on_click=lambda: end(room.code, key))


def requirement(room: Room, key: str) -> None:
    """What learners are asked for, so that a gradebook knows them."""
    st.caption(
        "For a gradebook that knows who is who. Learners are told where they join, and may leave it out. It is deleted "
        "with the room."
    )
    widget = f"console:asks:{room.asks}"
    st.radio("Ask learners for", list(ASKS), list(ASKS).index(room.asks), ASKS.get, key=widget,
             on_change=lambda: act("require", room.code, key, st.session_state[widget]))  # fmt: skip


def end(code: str, key: str) -> None:
    act("end", code, key)
    if PROBLEM not in st.session_state:
        st.query_params.clear()
        st.session_state.pop(TEACHES, None)


def people(room: Room, key: str, members: list[tuple[int, str]]) -> None:
    with st.expander(f"Who is here · {len(members)}", icon=":material/group:"):
        if not members:
            st.caption("Nobody yet.")
        with st.container(horizontal=True, gap="small"):
            for number, nickname in members:
                name = quoted(nickname) or f":gray[no name, {number}]"
                button(st, name, f"console:remove:{number}", "person_remove", act, "remove", room.code, key, number,
                       help="Remove: their votes and their nickname go too.")  # fmt: skip


# --- what is asked


def follow_plan(room: Room, key: str) -> None:
    """Where the room is in its session plan."""
    agenda, here = plan_of(room)
    if not agenda.items:
        return
    place = agenda.items.index(here) + 1 if here in agenda.items else 0
    where = row("console-plan")
    where.markdown(
        f"**Plan** · {place} of {len(agenda.items)}" if place else f"**Plan** · {plural(len(agenda.items), 'question')}"
    )
    offer(where, "Save the plan", "plan.json", agenda.file.encode(), "console:plan", icon=":material/save:",
          type="tertiary", help="With your own questions, to load next year.")  # fmt: skip
    if not room.slug:
        turns(where, room, key)


def plan_of(room: Room) -> tuple[Agenda, Item]:
    """The room's plan, and what stands before the room."""
    return Agenda.kept(room.plan)[0], (room.slug, room.preset)


def turns(place, room: Room, key: str) -> None:
    """To the question before and after this one in the plan."""
    agenda, here = plan_of(room)
    for name, item, icon in (
        ("before", agenda.before(here), "skip_previous"),
        ("next", agenda.after(here), "skip_next"),
    ):
        if item:
            due = name == "next" and room.phase in ("waiting", "reveal")
            posed = posed_of(item)
            about = quoted(posed.text if posed.own else posed.title)
            kind = "primary" if due else "secondary"
            button(place, quoted(posed.label), f"console:{name}", icon, put, room, key, item, type=kind,
                   help=f"{name.capitalize()} in the plan: {about}")  # fmt: skip


def put(room: Room, key: str, item: Item, variation: int = 0) -> None:
    """Put a preset before the room, and let the lists show it."""
    if item[0] != OWN:
        set_preset(item, "console")
    act("ask", room.code, key, *item, variation, room.question)


def choose(room: Room, key: str) -> None:
    """A lesson and a preset, to be put before the room."""
    place = row("console-choice", vertical_alignment="bottom")
    if "console:lesson" not in st.session_state and room.slug not in ("", OWN):
        set_preset((room.slug, room.preset), "console")
    item = choose_preset(place, "console")
    button(place, "Ask this", "console:ask", "campaign", put, room, key, item,
           type="secondary" if room.slug or room.plan else "primary")  # fmt: skip
    own_question(place, "console", {
        "Ask it now": ("campaign", lambda items: add(room, key, items, ask=True)),
        "Keep in the plan": ("playlist_add", lambda items: add(room, key, items)),
    }, runnable(room))  # fmt: skip


def add(room: Room, key: str, items: list[Item], ask: bool = False) -> None:
    """Put questions into the plan: at its end, or behind the present one where the first is asked now.

    Raises BadInput.
    """
    agenda, here = plan_of(room)
    planned = agenda.adding(*items, after=here if ask else None)
    rooms().plan(room.code, key, planned.address)
    if ask:
        rooms().ask(room.code, key, *items[0], 0, room.question)


def teacher(lesson: Lesson) -> None:
    """What the lesson is for, and how it goes in class."""
    with st.expander("Aims and notes", icon=":material/edit_note:"):
        st.markdown("\n".join(f"- {aim}" for aim in lesson.aims))
        st.markdown(lesson.notes)


# --- where the room is


def steps(room: Room, key: str, told: Advice | None, runs: bool) -> None:
    """The phases in their order; any can be gone to. The one that is advised has a mark. Then the plan's next question.

    The row stays in sight while one scrolls. `runs`: whether something is run with the question.
    """
    place = row("console-steps", vertical_alignment="bottom")
    for phase in PHASES[1:]:
        if phase == "run" and not runs:
            continue
        icon = "lightbulb" if told and told.phase == phase else ""
        button(place, NAMES[phase], f"console:phase:{phase}", icon, move, room, key, phase,
               type="primary" if phase == room.phase else "secondary")  # fmt: skip
    place.selectbox("A vote closes", list(TIMES), format_func=TIMES.get, key=TIMER, width=150,
                    help="It counts from the click on Vote, or on Vote again.")  # fmt: skip
    if room.closes:
        place.markdown(f":material/timer: {remaining(room)} s", width="content")
    turns(place, room, key)


def move(room: Room, key: str, phase: Phase) -> None:
    act("move", room.code, key, phase, st.session_state.get(TIMER, 0), room.question)


def standing(room: Room, tally: Tally, posed: Posed, reading: Reading) -> None:
    """Counts, and both votes side by side. For the instructor alone."""
    st.markdown(f"**{tally.joined}** joined · **{tally.voted}** voted · **{tally.done}** have run it")
    bars(posed, tally, reading.right)
    if reading.words:
        st.caption(reading.words)
    elif room.phase == "reveal":
        for words in reasons(posed, tally, reading.right):
            st.markdown(quoted(words))
