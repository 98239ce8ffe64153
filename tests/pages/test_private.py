"""What is used of Streamlit beyond its public names stands in one file, with the version that it was seen in."""

import ast
from contextvars import copy_context
from dataclasses import replace
from threading import Event, Thread
from types import SimpleNamespace

import pytest
import streamlit as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState
from streamlit.runtime.state import SessionState
from streamlit.runtime.state.common import WidgetMetadata

from pages.server import private
from tests.tools.patience import PATIENCE
from tests.tools.site import ROOT

PAGES = sorted(path for path in (ROOT / "pages").rglob("*.py") if path.name != "private.py")
PUBLIC = {"streamlit", "streamlit.errors"}


def test_it_was_seen_in_the_version_that_is_installed():
    assert st.__version__.startswith(private.SEEN_IN + "."), "look at each function of pages/server/private.py again"


def test_each_says_why():
    functions = [node for node in ast.parse((ROOT / "pages/server/private.py").read_text()).body
                 if isinstance(node, ast.FunctionDef)]  # fmt: skip
    assert len(functions) >= 3 and all(ast.get_docstring(function) for function in functions)


def test_the_first_deep_link_finds_the_pages_of_navigation(monkeypatch):
    monkeypatch.setattr(private.PagesManager, "uses_pages_directory", None)
    private.pages_are_of_navigation()
    assert private.PagesManager.uses_pages_directory is False


def test_the_first_element_asks_for_no_stack(monkeypatch):
    monkeypatch.setattr(private.delta_generator, "_use_warning_has_been_displayed", False)
    private.no_element_looks_for_a_terminal()
    monkeypatch.setattr(private.delta_generator.env_util, "is_repl", lambda: pytest.fail("it asked"))
    private.delta_generator._maybe_print_use_warning()


def test_of_what_is_drawn_anew_no_part_comes_without_the_rest(monkeypatch):
    """A fragment with a fragment in it waits for the browser when it is drawn again; what is beside it stays."""
    monkeypatch.setattr(private.ForwardMsgQueue, "clear", private.ForwardMsgQueue.clear)
    private.what_is_drawn_anew_is_dropped_whole()
    queue = private.ForwardMsgQueue()

    def drawn(fragment: str, *path: int) -> None:
        message = ForwardMsg()
        message.delta.fragment_id = fragment
        message.delta.add_block.allow_empty = True
        message.metadata.delta_path[:] = path
        queue.enqueue(message)

    for fragment, path in (("", (0, 1)), ("outer", (0, 1, 7)), ("inner", (0, 1, 7, 0)), ("beside", (0, 2, 7, 0))):
        drawn(fragment, *path)
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["outer"])
    assert [message.delta.fragment_id for message in queue.flush()] == ["", "beside"]
    drawn("inner", 0, 1, 7, 0)
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["outer"])
    assert len(queue.flush()) == 1, "the browser has what it stands in"


class Interrupted(Exception):
    pass


def interrupt() -> None:
    raise Interrupted


@pytest.fixture
def done_whole(monkeypatch):
    """The class of a session's state in which callbacks are done whole."""
    kind = private.SafeSessionState
    monkeypatch.setattr(kind, "on_script_will_rerun", kind.on_script_will_rerun)
    private.what_is_pressed_is_done_whole()
    return kind


def press(state, name: str, callback) -> None:
    """The beginning of a run for a click on a button."""
    button = f"$$ID-{name}"
    state._state._set_widget_metadata(WidgetMetadata(button, bool, bool, "trigger_value", callback=callback))
    message = WidgetStates()
    message.widgets.add(id=button, trigger_value=True)

    def begin() -> None:
        ThreadState.initialize()
        state.on_script_will_rerun(message)

    copy_context().run(begin)


def test_a_second_message_does_not_end_what_a_first_one_does(done_whole):
    """A click that writes two values, and a request for another run that is there all the time."""
    state = done_whole(SessionState(), interrupt)

    def write() -> None:
        state["first"] = 1
        state["second"] = 2

    press(state, "both", write)
    assert (state._state["first"], state._state["second"]) == (1, 2)
    with pytest.raises(Interrupted):
        state["third"] = 3


def test_a_page_that_was_left_asks_for_nothing(monkeypatch):
    """Neither behind the page that comes, nor joined with it to one run; on its own page a fragment is drawn."""
    kind = private.ScriptRequests
    monkeypatch.setattr(kind, "_request_rerun_locked", kind._request_rerun_locked)
    private.a_page_that_was_left_is_not_drawn()
    requests, whole = kind(), private.RerunData(page_script_hash="new")
    left = private.RerunData(page_script_hash="left", fragment_id="watch")
    requests.request_rerun(whole)
    requests.request_rerun(left)
    assert requests.on_scriptrunner_ready().rerun_data.page_script_hash == "new"
    requests.request_rerun(left)
    assert requests.on_scriptrunner_yield() is None
    requests.request_rerun(replace(left, page_script_hash="new"))
    assert requests.on_scriptrunner_ready().rerun_data.fragment_id_queue == ["watch"]


def test_a_second_click_waits_for_what_a_first_one_does(done_whole):
    """The run of a click on the whole page begins beside that of one in a fragment."""
    session = SessionState()
    first, second = done_whole(session, interrupt), done_whole(session, interrupt)
    under_way, seen = Event(), []

    def slow() -> None:
        first["preset"] = "taken"
        under_way.set()
        seen.append("second click" if looked.wait(0.2) else "first click")
        first["settings"] = "taken"

    looked = Event()

    def look() -> None:
        looked.set()
        seen.append(second["settings"])

    one = Thread(target=press, args=(first, "preset", slow))
    one.start()
    assert under_way.wait(PATIENCE)
    press(second, "look", look)
    one.join(PATIENCE)
    assert seen == ["first click", "taken"]


def test_nobody_goes_back_where_no_browser_is():
    assert private.went_back() is False
    assert "is_history_navigation" in private.get_script_run_ctx.__globals__["ScriptRunContext"].__annotations__


def test_a_script_that_runs_is_seen_and_none_where_no_server_is(monkeypatch):
    assert private.script_runs() is False
    state, sessions = private.AppSessionState.APP_NOT_RUNNING, []
    session = SimpleNamespace(session=SimpleNamespace(_state=state))
    manager = SimpleNamespace(list_active_sessions=lambda: sessions)
    monkeypatch.setattr(private.runtime, "exists", lambda: True)
    monkeypatch.setattr(private.runtime, "get_instance", lambda: SimpleNamespace(_session_mgr=manager))
    assert private.script_runs() is False
    sessions.append(session)
    assert private.script_runs() is False
    session.session._state = private.AppSessionState.APP_IS_RUNNING
    assert private.script_runs() is True


def test_a_theme_is_read_once_and_told_each_time(monkeypatch):
    """As Streamlit tells it; of a section that is empty nothing is told."""
    options = {"theme": {"font": None, "textColor": "#1D252C"}, "theme.light": {"primaryColor": "#0072B2"}}
    read = []
    plain = getattr(private.app_session._populate_theme_msg, "__wrapped__", private.app_session._populate_theme_msg)
    monkeypatch.setattr(private.app_session, "_populate_theme_msg", plain)
    monkeypatch.setattr(
        private.app_session.config, "get_options_for_section", lambda name: read.append(name) or options.get(name, {})
    )

    def told() -> CustomThemeConfig:
        theme = CustomThemeConfig()
        for section, part in (("theme", theme), ("theme.light", theme.light), ("theme.dark", theme.dark)):
            private.app_session._populate_theme_msg(part, section)
        return theme

    theirs, asked = told(), len(read)
    private.a_theme_is_read_once()
    assert theirs.light.primary_color == "#0072B2" and not theirs.HasField("dark")
    assert [told(), told()] == [theirs, theirs] and len(read) == 2 * asked


def test_the_files_of_the_web_page_are_there():
    assert (private.STREAMLIT_STATIC / "index.html").is_file() and (private.STREAMLIT_STATIC / "static").is_dir()


@pytest.mark.parametrize("path", [ROOT / "app.py", *PAGES], ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_else_knows_streamlit_from_inside(path):
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        inside = {name for name in names if name.partition(".")[0] == "streamlit"} - PUBLIC
        assert not inside, f"line {node.lineno}: {inside}"
        assert not (isinstance(node, ast.ImportFrom) and node.module == "streamlit" and
                    {alias.name for alias in node.names} & {"runtime"}), f"line {node.lineno}"  # fmt: skip
