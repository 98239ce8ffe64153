"""All that these pages use of Streamlit beyond what it documents: each with the reason, for want of a public way.

Seen in Streamlit 1.67: tests/pages/test_private.py fails with another one, until somebody has looked at each again.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache, wraps
from pathlib import Path
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

import streamlit as st
from starlette.formparsers import MultiPartParser
from streamlit import delta_generator, runtime
from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session
from streamlit.runtime.app_session import AppSessionState
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests
from streamlit.runtime.state.safe_session_state import SafeSessionState

SEEN_IN = "1.67"
# Its web page and bundles: it serves them uncompressed, and our security headers name the inline scripts by their hash.
STREAMLIT_STATIC = Path(st.__file__).parent / "static"


def prepare() -> None:
    """What is set before the first visitor comes."""
    pages_are_of_navigation()
    uploads_stay_in_memory()
    what_is_drawn_anew_is_dropped_whole()
    what_is_pressed_is_done_whole()
    a_page_that_was_left_is_not_drawn()
    a_widget_looks_up_itself()
    a_theme_is_read_once()
    no_element_looks_for_a_terminal()


def pages_are_of_navigation() -> None:
    """Say that the folder pages/ is none of Streamlit's first kind of app.

    It finds that out when st.navigation has run once; till then it would run a file of the folder for a deep link, and
    tell the first visitor that there is no such page.
    """
    PagesManager.uses_pages_directory = False


def uploads_stay_in_memory() -> None:
    """Keep what a learner uploads off the disk.

    Streamlit parses uploads with Starlette, which writes what has more than 1 MB to a temporary file; Streamlit itself
    refuses what is larger than server.maxUploadSize, and holds the rest in memory anyway.
    """
    MultiPartParser.spool_max_size = st.get_option("server.maxUploadSize") * 2**20 + 2**20


def what_is_drawn_anew_is_dropped_whole() -> None:
    """When a fragment runs again, drop what still waits for the browser of it, and of the fragments in it.

    Streamlit drops the former only. What it keeps comes to a browser that has not got the part that it stands in, and
    ends the page with “Bad delta path index”: after a click while the page was drawn for the first time.
    """
    clear = ForwardMsgQueue.clear
    if hasattr(clear, "__wrapped__"):  # a second server in this process
        return

    @wraps(clear)
    def clear_whole(
        queue: ForwardMsgQueue, retain_lifecycle_msgs: bool = False, fragment_ids_this_run: list[str] | None = None
    ) -> None:
        drawn = [tuple(message.metadata.delta_path) for message in queue._queue]
        anew = {
            path
            for path, message in zip(drawn, queue._queue, strict=True)
            if message.delta.fragment_id in (fragment_ids_this_run or ())
        }
        queue._queue = [
            message
            for path, message in zip(drawn, queue._queue, strict=True)
            if not any(path[:length] in anew for length in range(1, len(path)))
        ]
        clear(queue, retain_lifecycle_msgs, fragment_ids_this_run)

    ForwardMsgQueue.clear = clear_whole  # type: ignore[method-assign, assignment]


def what_is_pressed_is_done_whole() -> None:
    """Let callbacks of one session run one after the other, each to its end.

    A second click in the midst of what a first one does begins a run beside it, and ends the first wherever that reads
    or writes the session's state next. A preset was taken and its settings were not, or a press of Run was lost.
    Streamlit looks for other requests again when the callbacks are done.
    """
    begin = SafeSessionState.on_script_will_rerun
    if hasattr(begin, "__wrapped__"):  # a second server in this process
        return
    turns: WeakValueDictionary[str, Any] = WeakValueDictionary()
    finding = Lock()

    @wraps(begin)
    def begin_whole(state: SafeSessionState, *given: Any, **how: Any) -> None:
        run = get_script_run_ctx()
        with finding:
            turn = turns.setdefault(run.session_id if run else "", Lock())
        interrupt = state._yield_callback
        object.__setattr__(state, "_yield_callback", lambda: None)  # its own `__setattr__` writes the session's state
        try:
            with turn:
                begin(state, *given, **how)
        finally:
            object.__setattr__(state, "_yield_callback", interrupt)

    SafeSessionState.on_script_will_rerun = begin_whole  # type: ignore[method-assign, assignment]


def a_page_that_was_left_is_not_drawn() -> None:
    """Draw no fragment of a page while another one is drawn, or is about to be.

    Until the new page has come to the browser, components of the old one ask on. Streamlit draws what they ask for
    behind the new page, and the browser takes that off again, for it hears of another page; where the two wait for the
    same moment, it makes one run of them, of the old page. A class that was led on saw an empty page.
    """
    ask = ScriptRequests._request_rerun_locked
    if hasattr(ask, "__wrapped__"):  # a second server in this process
        return
    pages: WeakKeyDictionary[ScriptRequests, str] = WeakKeyDictionary()  # asked for last; one for each row of runs

    @wraps(ask)
    def ask_of_page(requests: ScriptRequests, data: RerunData) -> bool:
        if not (data.fragment_id or data.fragment_id_queue):
            pages[requests] = data.page_script_hash
        elif data.page_script_hash != (pages.get(requests) or data.page_script_hash):
            return True
        return ask(requests, data)

    ScriptRequests._request_rerun_locked = ask_of_page  # type: ignore[method-assign, assignment]


class Looked(Mapping[str, Any]):
    """The state of a session by the keys of its widgets, of which nothing is computed that is not asked for."""

    def __init__(self, state: SafeSessionState, whole: Callable[[SafeSessionState], Mapping[str, Any]]):
        self._state, self._whole = state, whole

    def __contains__(self, key: object) -> bool:
        with self._state._lock:
            return key in self._state._state

    def __getitem__(self, key: str) -> Any:
        with self._state._lock:
            return self._state._state[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._whole(self._state))

    def __len__(self) -> int:
        return len(self._whole(self._state))


def a_widget_looks_up_itself() -> None:
    """Spare lists and sliders a dictionary of the whole state of their session.

    Each of them makes one to see whether its own value is None. With a component in it, whose value is made anew each
    time, that was a seventh of the server's work for a run.
    """
    whole = vars(SafeSessionState)["filtered_state"].fget
    if whole is None or hasattr(whole, "__wrapped__"):  # a second server in this process
        return

    @wraps(whole)
    def looked(state: SafeSessionState) -> Looked:
        return Looked(state, whole)

    SafeSessionState.filtered_state = property(looked)  # type: ignore[assignment, method-assign]


def no_element_looks_for_a_terminal() -> None:
    """Let the first element come at once.

    For it Streamlit looks whether the script was started in Python's own console, to warn who did. inspect.stack(),
    by which it looks, asks the file system for every module that is loaded: a tenth of a second before the heading.
    """
    delta_generator._use_warning_has_been_displayed = True


def a_theme_is_read_once() -> None:
    """Keep what Streamlit tells a browser of its theme.

    It does so whenever a script or a fragment begins, and reads six sections of its configuration each time: a sixth
    of what it costs to draw a fragment. Who changes config.toml starts the server anew.
    """
    populate = app_session._populate_theme_msg
    if hasattr(populate, "__wrapped__"):  # a second server in this process
        return

    @cache
    def told(section: str) -> CustomThemeConfig:
        message = CustomThemeConfig()
        populate(message, section)
        return message

    @wraps(populate)
    def populate_once(message: CustomThemeConfig, section: str = "theme") -> None:
        if told(section).ByteSize():  # an empty one would count as given
            message.MergeFrom(told(section))

    app_session._populate_theme_msg = populate_once  # type: ignore[assignment]


def went_back() -> bool:
    """Whether the browser's history began this run. A script is told of the new query, and not why it is new."""
    run = get_script_run_ctx()
    return run is not None and run.is_history_navigation


def script_runs() -> bool:
    """Whether a script runs for some learner just now. Streamlit tells that to nobody.

    What a worker does ahead would take the processor from it.
    """
    if not runtime.exists():
        return False
    sessions = runtime.get_instance()._session_mgr.list_active_sessions()
    return any(each.session._state is AppSessionState.APP_IS_RUNNING for each in sessions)


def hold(data: bytes, kind: str, name: str, file: str) -> Callable[[], object]:
    """Keep a file for whoever has been told where it is. What is returned lets it go.

    Streamlit drops what was made on a click as soon as two scripts of anybody have ended: with many learners that is
    before the browser asks. It has no call to let one file go, but another under the same name takes its place.
    """
    files = runtime.get_instance().media_file_mgr
    files.add(data, kind, name, file, is_for_static_download=True)
    return lambda: files.add(b"", kind, name, is_for_static_download=True)
