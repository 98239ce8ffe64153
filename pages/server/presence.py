"""Which trainings and maps this session waits for. When its browser is gone, the session leaves them."""

import threading
import time
from collections.abc import Hashable
from weakref import WeakValueDictionary

import streamlit as st

from lessons.server.grid_run import GridRun
from lessons.server.laboratory import ABSENT_AFTER, Training

GRACE = 20.0  # seconds in which a browser may come back: a connection that breaks for a moment is no leaving
LAST_LOOK = 3.0  # seconds that a script which runs when its browser goes may go on


class Presence:
    """What one session has looked at. It holds nothing: own data go when the session does."""

    def __init__(self):
        self.watched: WeakValueDictionary[tuple[int, Hashable], Training | GridRun] = WeakValueDictionary()

    def watch(self, it: Training | GridRun, who: Hashable) -> None:
        for key in [key for key, other in self.watched.items() if other.done]:
            self.watched.pop(key, None)
        self.watched[id(it), who] = it
        it.watch(who)

    def end(self) -> None:
        """The browser is gone: in a while, leave what it has not looked at again."""
        leaving = threading.Timer(GRACE, self.leave, [time.monotonic() + LAST_LOOK])
        leaving.daemon = True
        leaving.start()

    def leave(self, since: float) -> None:
        for (_, who), it in list(self.watched.items()):
            it.leave(who, ABSENT_AFTER, since) if isinstance(it, GridRun) else it.leave(who, since)


@st.cache_resource(scope="session", show_spinner=False, on_release=Presence.end)
def presence() -> Presence:
    return Presence()


def watch(it: Training | GridRun, who: Hashable) -> None:
    """Say that `who`, something of this session, looks at it: as long as they do, it goes on."""
    presence().watch(it, who)
