"""The load client against a real server: what it sends must arrive, what the page shows must be seen."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from tests.tools.load import Session, percentiles

APP = """
import streamlit as st

state = st.session_state
state.script_runs = state.get("script_runs", 0) + 1
st.text(f"script runs: {state.script_runs}")

clock = st.components.v2.component("clock", js="export default () => {}")


@st.fragment
def counter():
    if st.button("Add", key="add"):
        state.count = state.get("count", 0) + 1
    st.text(f"count: {state.get('count', 0)}")
    for number in range(state.get("count", 0) % 2):
        st.text("odd")


@st.fragment
def ticking():
    watched = {"on_tick_change": lambda: None, "on_zoom_change": lambda: None}
    seen = clock(key="clock", data={"ticks": state.get("ticks", 0)}, **watched)
    if seen.tick is not None:
        state.ticks = state.get("ticks", 0) + seen.tick["steps"]
        st.rerun(scope="fragment")
    st.text(f"zoom: {seen.zoom}")


counter()
ticking()
fruit = st.selectbox("Fruit", ["apple", "pear"], index=1)
size = st.slider("Size", 0, 100, 10, key="size")
rate = st.select_slider("Rate", ["slow", "fast"])
many = st.pills("Extras", ["nuts", "cream"], selection_mode="multi", default=["nuts"])
grams = st.number_input("Grams", 0, 1000, None)
note = st.text_input("Note", "hello")
st.text(f"{fruit} {size} {rate} {many} {grams} {note}")


def halve():
    state.size = state.size // 2


st.button("Halve", on_click=halve)
st.button("Locked", disabled=True)
if st.button("Again"):
    state.again = True
    st.rerun()
st.markdown("long " * 4000)
with st.form("order"):
    name = st.text_input("Name")
    st.form_submit_button("Order")
st.text(f"order for: {name or 'nobody'}")
if "fruit" in st.query_params:
    st.text(f"asked for: {st.query_params.fruit}")
if st.button("Share"):
    st.query_params.fruit = fruit
if st.checkbox("Fail"):
    raise ValueError("as asked")
st.text("the end")
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("app")
    (folder / "app.py").write_text(APP)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = {
        "server.port": port,
        "server.address": "127.0.0.1",
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
    }
    arguments = [f"--{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", *arguments]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_healthy(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _wait_until_healthy(url: str) -> None:
    for _ in range(100):
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/_stcore/health", timeout=1):
            return
        time.sleep(0.1)
    raise TimeoutError("the server did not start")


@contextlib.asynccontextmanager
async def visitors(server: str, count: int) -> AsyncIterator[list[Session]]:
    sessions = await asyncio.gather(*(Session.open(server, timeout=10) for _ in range(count)))
    try:
        yield sessions
    finally:
        await asyncio.gather(*(session.close() for session in sessions))


def visit(server: str, act: Callable[[Session], Awaitable[None]]) -> None:
    async def alone() -> None:
        async with visitors(server, 1) as [session]:
            await act(session)

    asyncio.run(alone())


def texts(session: Session) -> list[str]:
    return [element.proto.body for element in session.elements("text")]


@pytest.mark.verify
def test_five_visitors_at_once_each_have_their_own_page(server: str) -> None:
    async def act(session: Session, number: int) -> list[float]:
        clicks = [await session.click("add") for _ in range(number)]
        ticked = await session.trigger("clock", "tick", {"steps": number})
        chosen = await session.set("Fruit", "apple")
        assert f"count: {number}" in texts(session)
        assert session.component("clock").data == {"ticks": number}
        assert "apple 10 slow ['nuts'] None hello" in texts(session)
        assert session.errors == []
        return [*clicks, ticked, chosen]

    async def crowd() -> None:
        async with visitors(server, 5) as sessions:
            seconds = await asyncio.gather(*(act(session, n) for n, session in enumerate(sessions, 1)))
            spread = percentiles(itertools.chain.from_iterable(seconds))
            assert 0 < spread["p50"] <= spread["p95"] <= spread["max"] < 10
            assert all(session.seconds_to_open > 0 for session in sessions)

    asyncio.run(crowd())


def test_a_fragment_runs_alone_and_only_its_stale_elements_go(server: str) -> None:
    async def act(session: Session) -> None:
        fragments = {element.label: element.fragment_id for element in session.elements("button")}
        assert fragments["Add"]
        assert not fragments["Halve"]
        await session.click("Add")
        assert "odd" in texts(session)
        await session.click("add")
        assert "odd" not in texts(session)
        assert {"script runs: 1", "count: 2", "the end"} <= set(texts(session))

    visit(server, act)


def test_every_kind_of_widget_keeps_its_value_when_another_changes(server: str) -> None:
    async def act(session: Session) -> None:
        await session.set("Fruit", "apple")
        await session.set("size", 30)
        await session.set("Rate", "fast")
        await session.set("Extras", ["cream", "nuts"])
        await session.set("Grams", 250)
        await session.set("Note", "bye")
        assert "apple 30 fast ['cream', 'nuts'] 250 bye" in texts(session)
        await session.set("Extras", None)
        await session.set("Grams", None)
        assert "apple 30 fast [] None bye" in texts(session)

    visit(server, act)


def test_a_value_the_script_sets_is_taken_over(server: str) -> None:
    async def act(session: Session) -> None:
        await session.click("Halve")
        await session.click("Halve")
        await session.set("Fruit", "apple")
        assert "apple 2 slow ['nuts'] None hello" in texts(session)

    visit(server, act)


def test_component_state_is_merged_and_kept(server: str) -> None:
    async def act(session: Session) -> None:
        await session.set("clock", {"zoom": 3})
        await session.trigger("clock", "tick", {"steps": 1})
        assert "zoom: 3" in texts(session)
        assert session.component("clock").data == {"ticks": 1}

    visit(server, act)


def test_a_form_is_sent_by_its_button(server: str) -> None:
    async def act(session: Session) -> None:
        assert await session.set("Name", "Ada") == 0.0
        await session.set("Fruit", "apple")
        assert "order for: nobody" in texts(session)
        await session.click("Order")
        assert "order for: Ada" in texts(session)

    visit(server, act)


def test_an_exception_on_the_page_is_collected(server: str) -> None:
    async def act(session: Session) -> None:
        await session.set("Fail", True)
        assert session.errors == ["ValueError: as asked"]
        assert "the end" not in texts(session)
        await session.set("Fail", False)
        assert "the end" in texts(session)
        assert session.elements("exception") == []

    visit(server, act)


def test_an_action_lasts_until_the_rerun_the_script_asked_for(server: str) -> None:
    async def act(session: Session) -> None:
        await session.click("Again")
        assert {"script runs: 3", "the end"} <= set(texts(session))

    visit(server, act)


def test_the_address_changes_as_the_script_says(server: str) -> None:
    async def act(session: Session) -> None:
        await session.click("Share")
        assert session.client.query_string == "fruit=pear"
        await session.rerun()
        assert "asked for: pear" in texts(session)

    visit(server, act)


def test_large_messages_are_sent_once(server: str) -> None:
    async def act(session: Session) -> None:
        for _ in range(3):
            before = session.bytes_received
            await session.rerun()
            assert session.bytes_received - before < 20_000
            assert [len(element.proto.body) for element in session.elements("markdown")] == [19_999]

    visit(server, act)


def test_what_a_visitor_cannot_do_is_refused(server: str) -> None:
    async def act(session: Session) -> None:
        with pytest.raises(LookupError, match="Locked"):
            await session.click("Locked")
        with pytest.raises(LookupError, match="Nothing"):
            await session.set("Nothing", 1)
        with pytest.raises(ValueError, match="plum"):
            await session.set("Fruit", "plum")
        with pytest.raises(TimeoutError):
            await session.wait_for(lambda page: "never" in texts(page), 0.1)
        await session.close()
        with pytest.raises(ConnectionError):
            await session.wait_for(lambda page: "never" in texts(page), 5)

    visit(server, act)


def test_percentiles_are_measured_values() -> None:
    assert percentiles([3.0, 1.0, 2.0]) == {"p50": 2.0, "p95": 3.0, "max": 3.0}
    assert percentiles(range(1, 101)) == {"p50": 50, "p95": 95, "max": 100}
