"""The session plan: presets across lessons in the order of a class, with what a teacher needs to know of each.

`/?page=plan&steps=slug:preset,slug:preset` opens one. Answers are read off real runs, and shown on request only: the
page may stand on a projector.
"""

from dataclasses import dataclass, field

import streamlit as st

from lessons.classroom.agenda import INTRODUCTION, PACE, Agenda, Item, item_text
from lessons.classroom.posed import Posed, posed_of
from lessons.classroom.worksheet import worksheet
from lessons.course.discovery import LESSONS
from lessons.course.lesson import UNANSWERED, Lesson
from lessons.recipe.bad_input import BadInput
from lessons.recipe.recipe import Recipe
from lessons.recipe.words import first_line, plural
from lessons.server.laboratory import Training, shared
from pages.parts.address import root_link
from pages.parts.download import offer
from pages.parts.layout import button, row
from pages.parts.own_question import own_question
from pages.parts.presets import choose_preset
from pages.parts.quotation import fail, quoted, warn
from pages.parts.speech import aloud
from pages.parts.waiting import poll
from pages.server.presence import session, watch
from pages.server.private import went_back

FILE = "plan:file"  # key of the widget


@dataclass
class Planner:
    """One teacher's plan in one session."""

    agenda: Agenda = field(default_factory=Agenda)
    problem: str = ""  # what could not be done as asked
    written: set[str] = field(
        default_factory=lambda: {""}
    )  # every address that this page has had: none of them is news
    outcomes: dict[Item, int | None] = field(default_factory=dict)  # which answer came true, of what has been run
    failures: dict[Item, str] = field(default_factory=dict)

    def follow(self, steps: str) -> None:
        """Take over what the address asks for; an earlier one of ours only when the browser went back to it.

        A click brings along the address from before it, which must not undo the click before.
        """
        if steps not in self.written or (went_back() and steps != self.agenda.address):
            self.agenda, self.problem = Agenda.kept(steps)
            self.written.add(steps)

    def load(self, given: bytes) -> None:
        """Take over a plan from a file."""
        try:
            self.agenda, self.problem = Agenda.from_file(given)
        except BadInput as problem:
            self.problem = str(problem)

    def change(self, change, *args) -> None:
        """Do to the plan what a button says."""
        try:
            self.agenda, self.problem = change(self.agenda, *args), ""
        except BadInput as problem:
            self.problem = str(problem)

    def learn(self) -> bool:
        """Train what is not known yet. Whether there is news, or nothing left to learn."""
        me, waiting = (session(), "plan"), self.unknown
        trainings = {item: shared().train(recipe_of(item), me) for item in waiting}
        for item, training in trainings.items():
            self.take(item, training) if training.done else watch(training, me)
        return self.unknown != waiting or not waiting

    def take(self, item: Item, training: Training) -> None:
        """Note what came true in a training that is done. One that somebody stopped is asked for again."""
        if training.failure:
            self.failures[item] = first_line(training.failure)
        elif (run := training.run()) and not (training.job.stopped or training.job.cancelled()):
            self.outcomes[item] = LESSONS[item[0]].prediction.outcome(run)

    @property
    def unknown(self) -> list[Item]:
        """Those whose answer only a run can say, and none has said yet."""
        known = self.outcomes.keys() | self.failures.keys()
        return [item for item in self.agenda.items if item not in known and not posed_of(item).own]


def recipe_of(item: Item) -> Recipe:
    """What a preset of the plan trains."""
    return Recipe(LESSONS[item[0]].preset(item[1]).settings)


def render() -> None:
    planner = st.session_state.setdefault("plan", Planner())
    planner.follow(st.query_params.get("steps", ""))
    st.markdown("### Session plan")
    st.markdown(
        "Choose presets in the order of your class. The link below keeps the plan; a room can follow it step by step."
    )
    choose(planner)
    many = len(planner.agenda.items)
    aloud("plan:aloud", f"{plural(many, 'question')} in the plan" if many else "")
    if planner.problem:
        warn(planner.problem)
    write_address(planner.agenda.address)
    planner.written.add(planner.agenda.address)
    if not planner.agenda.items:
        st.info("The plan is empty. Choose a lesson and a preset, and press Add.")
        return
    show_answers = summary(planner)
    if show_answers and planner.unknown:
        poll(planner.learn, lambda: progress(planner))
    introduced: set[str] = set()
    for place, item in enumerate(planner.agenda.items):
        entry(planner, place, item, show_answers, first=item[0] not in introduced)
        introduced.add(item[0])


def write_address(steps: str) -> None:
    wanted = {"steps": steps} if steps else {}
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)


def choose(planner: Planner) -> None:
    """A lesson, one of its presets, and Add."""
    place = row(vertical_alignment="bottom")
    item = choose_preset(place, "plan")
    button(place, "Add", "plan:add", "add", planner.change, Agenda.adding, item, type="primary")
    with place.popover("Load", icon=":material/upload_file:", width="content"):
        about = "A plan that “Save” has made, such as last year’s"
        st.file_uploader(about, "json", key=FILE, on_change=load, args=(planner,))
    own_question(place, "plan", {"Add it": ("add", lambda items: add(planner, items))})


def add(planner: Planner, items: list[Item]) -> None:
    """Raises BadInput."""
    planner.agenda, planner.problem = planner.agenda.adding(*items), ""


def load(planner: Planner) -> None:
    if given := st.session_state[FILE]:  # None where the file was taken away again
        planner.load(given.getvalue())


def summary(planner: Planner) -> bool:
    """Minutes, link and worksheets. Whether the answers shall be shown."""
    agenda = planner.agenda
    st.markdown(
        f"**{plural(len(agenda.items), 'question')}, about {agenda.minutes} minutes**",
        help=f"{sum(PACE.values())} minutes for each question: "
        + ", ".join(f"{phase} {minutes}" for phase, minutes in PACE.items())
        + f"; and {INTRODUCTION} to introduce each lesson.",
    )
    st.code(link_to(agenda), language=None, wrap_lines=True)
    place = row()
    place.link_button(
        "Open a room", root_link({"page": "room", "plan": agenda.address}, "plan"), icon=":material/groups:"
    )
    offer(place, "Save", "plan.json", agenda.file.encode(), "plan:save", icon=":material/save:",
          help="A small file to load next year. The link says the same.")  # fmt: skip
    learners = "For learners, without answers. It opens in a browser and prints one question to a page."
    offer(place, "Open the worksheet", "worksheet.html", worksheet(agenda).encode(), "plan:worksheet",
          icon=":material/print:", help=learners)  # fmt: skip
    show_answers = place.toggle(
        "Show answers",
        key="plan:answers",
        help="Runs each preset and reads off which answer comes true. Leave it off while this page is projected.",
    )
    if show_answers:
        copy = worksheet(agenda, planner.outcomes).encode()
        teacher = "With the answers that came true, the beliefs behind the others, aims and notes."
        offer(place, "Teacher's copy", "worksheet-teacher.html", copy, "plan:teacher", icon=":material/school:",
              disabled=bool(planner.unknown), help=teacher)  # fmt: skip
    return show_answers


# --- answers


def progress(planner: Planner) -> None:
    """How many answers are not known yet."""
    total, left = len(planner.agenda.items), len(planner.unknown)
    words = "the workers are starting" if not shared().ready() else f"training; {left} of {total} questions to go"
    st.progress(1 - left / total, f"Reading off the answers: {words}")


# --- one step of the plan


def entry(planner: Planner, place: int, item: Item, show_answers: bool, first: bool) -> None:
    """A step with its buttons. `first`: of its lesson, whose aims and notes stand here."""
    posed = posed_of(item)
    with st.container(border=True, gap="xsmall", key=f"plan-step-{place}"):
        head = row()
        head.markdown(f"**{place + 1}. {'Your own question' if posed.own else quoted(posed.title)}**{ran(posed)}")
        buttons(head, planner, place, item)
        if first and posed.lesson and not posed.own:
            guidance(posed.lesson)
        st.markdown(f"**Question:** {quoted(posed.text) if posed.own else posed.text}")
        if show_answers:
            answers(planner, item, posed)
        else:
            st.markdown("\n".join(f"- {quoted(answer.text)}" for answer in posed.answers))


def ran(posed: Posed) -> str:
    """What is run, behind the title."""
    if posed.case:
        return f" · the room’s case “{quoted(posed.case)}”"
    return f" · {quoted(posed.preset.label)}" if posed.preset else ""


def buttons(head, planner: Planner, place: int, item: Item) -> None:
    last = len(planner.agenda.items) - 1
    for label, icon, off, *change in (
        ("Move up", "arrow_upward", place == 0, Agenda.moved, item, -1),
        ("Move down", "arrow_downward", place == last, Agenda.moved, item, 1),
        ("Remove", "close", False, Agenda.without, item),
    ):
        button(head, label, f"plan:{label}:{item_text(item)}", icon, planner.change, *change, quiet=True, disabled=off)


def guidance(lesson: Lesson) -> None:
    st.markdown("**Aims**\n" + "\n".join(f"- {aim}" for aim in lesson.aims))
    with st.expander("Notes for teaching", type="compact"):
        st.markdown(lesson.notes)


def answers(planner: Planner, item: Item, posed: Posed) -> None:
    """Which answer came true, and the belief behind each of the others; of a question of one's own, which is right."""
    if posed.own:
        for place, answer in enumerate(posed.answers):
            mark = f":green[:material/check: **{quoted(answer.text)}**]"
            st.markdown(mark if place == posed.right else quoted(answer.text))
        return
    if item in planner.failures:
        fail(f"It cannot be run here: {planner.failures[item]}")
    elif item not in planner.outcomes:
        st.caption("The answer is being read off a run.")
    true = planner.outcomes.get(item)
    if item in planner.outcomes and true is None:
        st.caption(UNANSWERED)
    for index, answer in enumerate(posed.answers):
        if index == true:
            st.markdown(f":green[:material/check: **{quoted(answer.text)}**] came true")
        else:
            st.markdown(f"{quoted(answer.text)} :gray[{quoted(answer.belief) if true is not None else ''}]")


def link_to(agenda: Agenda) -> str:
    return root_link({"page": "plan", "steps": agenda.address}, "plan")
