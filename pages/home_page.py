"""The front page: what this is, the course as a map, and where this learner stands on it."""

from collections.abc import Mapping

import streamlit as st

from lessons.classroom.course_map import Standing, go_on, minutes, standings
from lessons.classroom.steps import Course
from lessons.course.discovery import LESSONS
from lessons.course.lesson import CHAPTERS, Lesson
from lessons.recipe.words import plural
from pages.learner import identity
from pages.parts.layout import button, row
from pages.parts.notice import note, noted
from pages.parts.quotation import warn
from pages.parts.waiting import poll

COLUMNS = 3
LOOK = 3.0  # seconds between two looks for a database that did not answer, while somebody's progress waits for it
# Mark, word and colour: the word is enough, and the marks differ in shape.
MARKS: dict[Standing, str] = {
    "open": ":gray-badge[:material/radio_button_unchecked: open]",
    "begun": ":orange-badge[:material/timelapse: begun]",
    "done": ":green-badge[:material/check_circle: done]",
}
ACCOUNT = (
    "What you do is then kept under your account, and what you did here, if you say so. "
    "Of the account nothing is stored but a hash."
)
UNFORGOTTEN = "home:unforgotten"  # session key: that nothing was deleted
UNKEPT = "Nothing is kept at the moment: the database does not answer. The lessons work all the same."


def render(pages: Mapping, others: Mapping) -> None:
    """`pages`: the course's st.Page of each slug; `others`: those that are no lessons, by name."""
    st.markdown("## Unmasked")
    st.markdown(
        "Masks and losses of sequence models fail without a word. Break one on purpose, watch it train, and see where "
        "the gradient went. Nothing here is written down beforehand: every number is measured while you look."
    )
    choose_learner()
    note = st.container(key="unkept-note")
    course = identity.course()
    stands = standings(course.steps)
    whereabouts(course, stands, pages, others["record"])
    left, middle, right = st.columns(3)
    with left.container(border=True, gap=None, height="stretch", key="clinic-card"):
        st.page_link(
            others["clinic"], label="**What is wrong with my loss?** The clinic", icon=":material/stethoscope:"
        )
        st.caption("Paste a loss of your own: it is examined on this server, and each finding shows its numbers.")
    with middle.container(border=True, gap=None, height="stretch", key="case-card"):
        st.page_link(others["your_case"], label="**With my own data or model?** Your case", icon=":material/table:")
        st.caption("Bring a file and train on it, or paste a model and see which layer loses its mask.")
    with right.container(border=True, gap=None, height="stretch", key="room-card"):
        st.page_link(others["room"], label="**With a class?** The workshop room", icon=":material/groups:")
        st.caption("Join with a code, or open a room: vote, discuss, vote again, run, and see what the class believed.")
    for chapter in CHAPTERS:
        lessons = [lesson for lesson in LESSONS.values() if lesson.chapter == chapter]
        if lessons:
            done = sum(stands[lesson.slug] == "done" for lesson in lessons)
            time = sum(minutes(lesson) for lesson in lessons)
            st.markdown(f"### {chapter} :gray[:small[{done} of {len(lessons)} done · about {time} minutes]]")
        for start in range(0, len(lessons), COLUMNS):
            for place, lesson in zip(st.columns(COLUMNS), lessons[start : start + COLUMNS], strict=False):
                with place.container(border=True, height="stretch", gap=None, key=f"card-{lesson.slug}"):
                    card(lesson, pages[lesson.slug], stands[lesson.slug])
    if not identity.answering():  # asked last: the page is drawn by then
        note.caption(f":material/cloud_off: {UNKEPT}")
    if identity.unread():
        poll(lambda: not identity.patience().down, every=LOOK)


def whereabouts(course: Course, stands: Mapping[str, Standing], pages: Mapping, record) -> None:
    """How much is done, the way on, and what belongs to this learner alone."""
    done = sum(word == "done" for word in stands.values())
    begun = any(word != "open" for word in stands.values())
    following = go_on(course.steps, course.at)
    place = row("whereabouts")
    if following:
        label = f"{'Go on' if begun else 'Begin'}: {LESSONS[following].title}"
        button(place, label, "home:go_on", "arrow_forward", st.switch_page, pages[following], type="primary")
    place.markdown(f"**{done} of {len(stands)} done**" if begun else greeting())
    if course.steps:
        place.page_link(record, label="Your record", icon=":material/fact_check:")
    keeping(place, begun)
    if begun:
        st.progress(done / len(stands))


def greeting() -> str:
    total = sum(minutes(lesson) for lesson in LESSONS.values())
    return f"{len(LESSONS)} lessons, about {total} minutes in all; take them in any order."


def card(lesson: Lesson, page, stand: Standing) -> None:
    st.page_link(page, label=f"**{lesson.title}**")
    st.caption(lesson.presets[0].says)
    extent = [f"{minutes(lesson)} min"]
    extent += [plural(len(lesson.exercises), "exercise")] if lesson.exercises else []
    extent += [f"examples {span(lesson.examples)}"] if lesson.examples else []
    st.markdown(f"{MARKS[stand]} :gray[:small[{' · '.join(extent)}]]")


def span(examples: tuple[str, ...]) -> str:
    """A1, A2, A3 as A1–A3: a card's line is short."""
    numbers = [int(name[1:]) for name in examples]
    together = {name[0] for name in examples} == {examples[0][0]} and numbers == list(
        range(numbers[0], numbers[-1] + 1)
    )
    return f"{examples[0]}–{examples[-1]}" if together and len(examples) > 2 else ", ".join(examples)


# --- who it is


def keeping(place, begun: bool) -> None:
    """The private link, the account where the server has one, and the way to be forgotten."""
    me = identity.learner()
    if link := identity.private_link():
        with place.popover("Your link; keep it", icon=":material/key:", type="tertiary", key="home:link"):
            st.caption("What you did is kept under this link, and under nothing else. Who has it can go on as you.")
            st.code(link, language=None, wrap_lines=True)
            st.caption("This browser remembers it for a year. On another one, open the link.")
    if me.key and (begun or me.account):
        forgetting(place, me)
    account(place, me)


def forgetting(place, me: identity.Learner) -> None:
    label = "Delete what is kept" if me.account else "Forget me here"
    with place.popover(label, icon=":material/person_remove:", type="tertiary", key="home:forget"):
        if me.account:
            st.caption("All that is kept under your account is deleted. You stay logged in.")
            rows = True
        else:
            st.caption("This browser forgets your link. Without the link nobody finds what is kept, you neither.")
            rows = st.checkbox("Delete what is kept as well", key="home:rows")
        st.button(label, key="home:forget_now", on_click=lambda: forget(rows))
    if text := noted(UNFORGOTTEN):
        warn(text, place)


def forget(rows: bool) -> None:
    """A callback comes before any script has seen the checkbox of the same message."""
    st.session_state.pop(UNFORGOTTEN, None)
    if not identity.forget(rows or bool(st.session_state.get("home:rows"))):
        note(UNFORGOTTEN, "Nothing was deleted: the database does not answer. Try again in a minute.")


def account(place, me: identity.Learner) -> None:
    if me.account:
        button(place, "Log out", "home:logout", "logout", st.logout, quiet=True)
        return
    for name in identity.providers():
        label = f"Log in with {name}" if name else "Log in"
        button(place, label, f"home:login:{name}", "login", st.login, *filter(None, [name]), quiet=True, help=ACCOUNT)


def choose_learner() -> None:
    """A private link was opened in a browser that knows somebody else, or who has logged in found such a browser."""
    me = identity.learner()
    box = st.container(key="offered-link")
    if not me.offered:
        return
    with box.container(border=True):
        if me.account and me.offered == me.brought:
            st.markdown("**Somebody has worked in this browser without an account.** Was it you?")
            words = "It was me: add it to my account", "It was somebody else"
        else:
            whose = "your account's" if me.account else "this browser's"
            st.markdown(f"**This link belongs to other progress than {whose}.** Whose shall it be from now on?")
            words = "Both together", "Stay as I am"
        choices = st.container(horizontal=True, gap="small")
        if not me.account:
            choices.button("The link's", key="home:change", on_click=identity.change, args=(False,))
        choices.button(words[0], key="home:together", on_click=identity.change, args=(True,))
        choices.button(words[1], key="home:stay", type="tertiary", on_click=identity.decline)
        if st.session_state.get(identity.UNANSWERED):  # until they choose again
            st.warning("The database does not answer. Try again in a minute.")
