"""Who this session is, and which trainings and maps it waits for. When its browser is gone, the session leaves them."""

import secrets
import threading
import time
from collections.abc import Hashable
from weakref import WeakKeyDictionary

import streamlit as st

from lessons.server.grid_run import GridRun
from lessons.server.laboratory import ABSENT_AFTER, Training

SESSION = "session"  # session key: what this session is called where it is counted or watches
GRACE = 20.0  # seconds in which a browser may come back: a connection that breaks for a moment is no leaving
LAST_LOOK = 10.0  # seconds that what a browser has asked for before it goes may go on: a question for news, 5


def session() -> str:
    """This session's name, as long as it lasts: one for each tab, whoever sits there."""
    return st.session_state.setdefault(SESSION, secrets.token_hex(8))


class Presence:
    """What one session has looked at. It holds nothing: own data go when the session does."""

    def __init__(self):
        self.watched: WeakKeyDictionary[Training | GridRun, set[Hashable]] = WeakKeyDictionary()

    def watch(self, it: Training | GridRun, who: Hashable) -> None:
        for other in [other for other in self.watched if other.done]:
            self.watched.pop(other, None)
        self.watched.setdefault(it, set()).add(who)
        it.watch(who)

    def end(self) -> None:
        """The browser is gone: in a while, leave what it has not looked at again."""
        leaving = threading.Timer(GRACE, self.leave, [time.monotonic() + LAST_LOOK])
        leaving.daemon = True
        leaving.start()

    def leave(self, since: float) -> None:
        for it, who in [(it, who) for it, watchers in list(self.watched.items()) for who in watchers]:
            it.leave(who, ABSENT_AFTER, since) if isinstance(it, GridRun) else it.leave(who, since)


@st.cache_resource(scope="session", show_spinner=False, on_release=Presence.end)
def presence() -> Presence:
    return Presence()


def watch(it: Training | GridRun, who: Hashable) -> None:
    """Say that `who`, something of this session, looks at it: as long as they do, it goes on."""
    presence().watch(it, who)
