"""Who sits at this session, and what is kept of them: under the key of their private link, or under their account.

Nobody is written down before there is something worth keeping. No name, no password, no address is asked: of an account
no more is stored than a keyed hash of what its provider calls it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

from lessons.classroom import keys, load
from lessons.classroom.patience import NoAnswer, Patience
from lessons.classroom.steps import Course, NoLearner, Step, account_key, read_link
from lessons.course.discovery import LESSONS
from pages.learner.seat import note
from pages.parts.address import root_link
from pages.server import shown, store
from pages.server.presence import session

if TYPE_CHECKING:
    from lessons.classroom.progress import Progress

HERE = "learner"  # session key
UNANSWERED = "learner:unanswered"  # session key: who chose was not heard
COOKIE = "unmasked_learner"
PLACES = ("bench", "exercises")  # session keys after the slug: what a learner has made there is theirs alone
UNKEPT = 200  # steps that wait for the database to come back
TOP_LEVEL = ("redirect_uri", "cookie_secret", "expose_tokens")  # of [auth], shared by all providers

# Only a script of the page can set a cookie: a Streamlit page is an answer to no request of its own.
_cookie = shown.component("cookie")


@dataclass
class Learner:
    key: str = ""  # empty before there is something worth keeping
    new: str = field(default_factory=keys.key)  # the key to come: decided before it is written, so that twice is once
    account: bool = False
    steps: list[Step] = field(default_factory=list)
    unkept: list[Step] = field(default_factory=list)  # of the steps, those that are not in the database yet
    at: str = ""  # the lesson where they left
    visited: str = ""  # the lesson whose visit was written down last
    read: bool = False  # what the database has of them is among the steps
    gone: bool = False  # the browser shall forget the key that it has
    over: bool = False  # somebody else sits here: nobody is written down for a step that is still on its way
    brought: str = ""  # the key that this browser had when the session began
    offered: str = ""  # a key of another learner: of a link, or the one that was brought to an account


# --- for the pages


def keep(kind: str, slug: str, name: str, told: Mapping[str, Any]) -> None:
    """Keep a step. Without a database it stays in the session, until there is one or the session ends."""
    me = learner()
    step = Step(kind, slug, name, dict(told))
    me.steps.append(step)
    me.unkept = [*me.unkept, step][-UNKEPT:]
    me.at = slug
    write(me)
    note(step)


def kept(slug: str) -> list[Step]:
    """What this learner did in a lesson, in that order."""
    return [step for step in learner().steps if step.slug == slug]


def moved(slug: str) -> None:
    """They have opened a lesson. Who did nothing yet is not written down for it."""
    me = learner()
    me.at = slug
    if me.visited == slug or not me.key or not me.read:
        return
    try:
        patience().ask(lambda progress: progress.moved(me.key, slug))
        me.visited = slug
    except (NoAnswer, NoLearner):
        pass  # the next step says where they are, too


def course() -> Course:
    """All of it, as the database has it now: another tab may have added to it."""
    me = learner()
    me.read = False
    read(me)
    return Course(tuple(me.steps), me.at)


def unread() -> bool:
    """Whether there is something of this learner that the database has not told yet."""
    me = learner()
    return bool(me.key and not me.read) or "learner" in st.query_params


def answering() -> bool:
    """Whether the database answers. Asks it."""
    try:
        patience().ask(lambda progress: progress.check())
    except NoAnswer:
        return False
    return True


def learner() -> Learner:
    """Of this session. A new one is who the account, else the cookie says; nobody else, if neither does."""
    me = st.session_state.get(HERE)
    if me is None:
        me = st.session_state[HERE] = Learner()
        recognise(me)
    elif me.key and not me.read and not patience().down:
        read(me)
    return me


def remember(place: str) -> None:
    """Let the browser have the key, or forget it. On every page, and in whatever is drawn without its page."""
    me = learner()
    with st.container(key=f"learner-cookie-{place}"):
        anonymous = me.key if me.key and not me.account else ""
        _cookie(key=f"learner:cookie:{place}", data={"name": COOKIE, "key": anonymous, "forget": me.gone})
    patience().warm()  # now that the page is drawn


def who() -> str:
    """Under whom it is counted what costs others something: the learner, in all their tabs; unknown, this session.

    Never the address: a whole class may share one.
    """
    return learner().key or session()


# --- who it is


def recognise(me: Learner) -> None:
    """By the account or the cookie. On a shared machine the two may be different people: who has logged in is asked."""
    try:
        me.brought = read_link(str(st.context.cookies.get(COOKIE)))
    except NoLearner:
        pass
    account = logged_in()
    me.key, me.account = account or me.brought, bool(account)
    if me.key:
        read(me)
    if me.account and me.brought:
        try:
            patience().ask(lambda progress: progress.course(me.brought))
            me.offered = me.brought
        except NoLearner:
            me.gone = True
        except NoAnswer:
            pass  # the cookie stays: the next session is asked


def read(me: Learner) -> None:
    """Add what the database has, and give it what it lacks."""
    if not me.key:
        return
    try:
        found = patience().ask(lambda progress: progress.course(me.key))
    except NoAnswer:
        return
    except NoLearner:
        found = Course()
        if not me.account:
            me.key, me.gone = "", True
    there = {step.uid for step in found.steps}
    me.unkept = [step for step in me.unkept if step.uid not in there]  # one was written though nobody waited for it
    me.steps = [*found.steps, *me.unkept]
    me.at = me.at or found.at
    me.read = True
    if me.unkept:
        write(me)


def write(me: Learner) -> None:
    """Put into the database what it lacks. The first step makes the learner.

    What nobody waited for may be written all the same, and is then written again: with the same keys, so it is once.
    """
    steps, key, new = tuple(me.unkept), me.key, me.key if me.account else me.new
    try:
        me.key = patience().ask(lambda progress: written(progress, me, key, new, steps))
    except (NoAnswer, NoLearner):
        return
    if me.key == me.new:
        me.new = keys.key()
    me.unkept = me.unkept[len(steps) :]
    me.read, me.visited, me.gone = me.read or me.key != key, steps[-1].slug, me.gone and me.account


def written(progress: Progress, me: Learner, key: str, new: str, steps: tuple[Step, ...]) -> str:
    """The key under which they are kept now: the new one, where there is no such learner or none any more.

    Raises NoLearner where somebody else sits there meanwhile.
    """
    try:
        if key:
            progress.keep(key, *steps)
            return key
    except NoLearner:
        pass
    if me.over:
        raise NoLearner
    progress.begin(new)
    progress.keep(new, *steps)
    return new


def follow_link(given: str) -> str:
    """Become the learner of a private link. What went wrong, in a sentence; empty if all went well.

    The key does not stay in the address, where others would read it, but for a link that may be read later.
    """
    me = learner()
    try:
        key = read_link(given)
        found = patience().ask(lambda progress: progress.course(key))
    except NoLearner as problem:
        del st.query_params["learner"]
        return str(problem)
    except NoAnswer:
        return "What is kept under this link cannot be read now: the database does not answer. Try again in a minute."
    del st.query_params["learner"]
    if key == me.key:
        read(me)
    elif me.steps or me.account:
        me.offered = key
    else:
        become(Learner(key, steps=list(found.steps), at=found.at, read=True))
    return ""


def become(me: Learner) -> None:
    """Another learner sits here. Forms are cleared: what was predicted on them was the other one's."""
    for slug in LESSONS:
        for place in PLACES:
            st.session_state.pop(f"{slug}:{place}", None)
    st.session_state[HERE].over = True
    st.session_state[HERE] = me


def change(together: bool) -> None:
    """Go over to the learner of the offered link, with or without what was done here.

    Where the database does not answer the offer stands, and taking it again changes nothing that was done.
    """
    me, key = learner(), learner().offered
    whose = me.key if together and me.account else key

    def go_over(progress: Progress) -> Course:
        if together and me.account:
            progress.adopt(progress.begin(me.key), key)
        elif together:
            for mine in filter(None, (me.key, me.new)):  # under the new one is what came too late, if anything
                progress.adopt(key, mine)
        return progress.course(whose)

    me.over = True
    try:
        found = patience().ask(go_over)
    except (NoAnswer, NoLearner) as problem:
        unanswered = isinstance(problem, NoAnswer)
        me.over, me.offered, st.session_state[UNANSWERED] = False, key if unanswered else "", unanswered
        return
    now = Learner(whose, account=me.account and together, steps=list(found.steps), at=found.at, read=True)
    now.brought, now.gone = me.brought, whose != key == me.brought  # an account has what that key was for
    if together:
        there = {step.uid for step in found.steps}
        now.unkept = [step for step in me.unkept if step.uid not in there]
        now.steps += now.unkept
    become(now)
    if now.unkept:
        write(now)


def decline() -> None:
    """Let the offered link be."""
    learner().offered = ""


def forget(rows: bool) -> bool:
    """Let this browser forget who sits here, and the database what they did, if `rows`. Whether that was possible."""
    me = learner()
    if rows and me.key:
        me.over = True
        try:
            patience().ask(lambda progress: progress.forget(me.key))
        except NoAnswer:
            me.over = False
            return False
    now = Learner(me.key if me.account else "", account=me.account, read=True, gone=not me.account)
    become(now)  # beside an account the browser may have somebody else's key: that stays
    return True


def private_link() -> str:
    """Empty where there is nothing to find under it."""
    me = learner()
    return root_link({"learner": me.key}, "home", "record") if me.key and not me.account else ""


# --- the account


def providers() -> list[str | None]:
    """The OpenID Connect providers that this server names; None is the one without a name. Empty: no login here."""
    try:
        auth = st.secrets.get("auth")
    except StreamlitSecretNotFoundError:
        return []
    if not auth or not is_authlib_installed():
        return []
    if "client_id" in auth:
        return [None]
    return [name for name in auth if name not in TOP_LEVEL and "client_id" in auth[name]]


def is_authlib_installed() -> bool:
    return find_spec("authlib") is not None


def logged_in() -> str:
    """The key of the account, empty if nobody is logged in. Nothing else of the account is looked at."""
    if not providers() or not st.user.get("is_logged_in", False):
        return ""
    issuer, subject = st.user.get("iss"), st.user.get("sub")
    return account_key(str(issuer), str(subject)) if issuer and subject else ""


# --- the database


@st.cache_resource(show_spinner=False)
def patience() -> Patience[Progress]:
    return Patience(progress)


def progress() -> Progress:
    load()
    from lessons.classroom.progress import Progress

    return Progress(store.connected())
