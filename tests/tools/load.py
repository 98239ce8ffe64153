"""Drives sessions of a Streamlit server over its websocket protocol, many from one asyncio process.

A browser per session would load the machine more than the server under test. A Session does what Streamlit's
frontend does with a connection: keeps the tree of elements, reports every widget's value with each rerun,
reruns only the fragment a widget lives in, caches large messages. It renders nothing, fetches no files, keeps
no `run_every` timers, runs no JavaScript of components: say what that would send with `trigger` and `set`.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

import httpx
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState, ContextInfo
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg, RunIdentity
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.runtime.state.common import user_key_from_element_id
from websockets.asyncio.client import ClientConnection, connect

WIRE = {  # kind: the field of WidgetState it travels in, the field of its proto with a value the script set
    "button_group": ("string_array_value", "raw_values"),
    "checkbox": ("bool_value", "value"),
    "multiselect": ("string_array_value", "raw_values"),
    "number_input": ("double_value", "value"),
    "radio": ("string_value", "raw_value"),
    "select_slider": ("string_array_value", "raw_value"),
    "selectbox": ("string_value", "raw_value"),
    "slider": ("double_array_value", "value"),
    "text_area": ("string_value", "value"),
    "text_input": ("string_value", "value"),
}


def percentiles(seconds: Iterable[float]) -> dict[str, float]:
    """p50, p95 and max, by nearest rank: each was really measured."""
    ordered = sorted(seconds)
    shares = {"p50": 0.50, "p95": 0.95, "max": 1.0}
    return {name: ordered[math.ceil(share * len(ordered)) - 1] for name, share in shares.items()}


@dataclass(frozen=True)
class Element:
    """One element or container of the page: `proto` holds all that Streamlit sent about it."""

    kind: str
    id: str
    label: str
    fragment_id: str
    run_id: str
    proto: Any

    @property
    def key(self) -> str:
        return user_key_from_element_id(self.id) or ""

    @property
    def data(self) -> Any:
        """The JSON a v2 component was given (data frames in it stay placeholders); None if there is none.

        What `sealed` of pages/parts/charts has packed is unpacked.
        """
        given = json.loads(self.proto.json or self.proto.mixed.json or "null")
        return given[0] if isinstance(given, list) else given

    @property
    def options(self) -> list[str]:
        if self.kind == "button_group":
            return [f"{option.content_icon} {option.content}".strip() for option in self.proto.options]
        return list(getattr(self.proto, "options", ()))

    @property
    def value(self) -> list[Any]:
        """What the script has the widget show: one entry, several, or none when it is empty."""
        source = WIRE[self.kind][1] if self.proto.set_value else "default"
        field, given = self.proto.DESCRIPTOR.fields_by_name[source], getattr(self.proto, source)
        absent = field.has_presence and not self.proto.HasField(source)
        values = list(given) if field.is_repeated else [] if absent else [given]
        by_index = source == "default" and WIRE[self.kind][1] != "value"
        return [self.options[int(index)] for index in values] if by_index else values

    def state(self, values: list[Any]) -> WidgetState:
        """The message that reports `values`."""
        state, field = WidgetState(id=self.id), WIRE[self.kind][0]
        if field.endswith("array_value"):
            getattr(state, field).SetInParent()
            getattr(state, field).data.extend(values)
        elif values:
            setattr(state, field, values[0])
        return state


class Page:
    """The tree of elements, kept flat by delta path. Drops stale elements by the frontend's rules."""

    def __init__(self) -> None:
        self.elements: dict[tuple[int, ...], Element] = {}
        self.run = RunIdentity()

    def show(self, path: tuple[int, ...], delta: Delta) -> Element:
        sent = delta.add_block if delta.HasField("add_block") else delta.new_element
        kind = sent.WhichOneof("type") or "container"
        proto = getattr(sent, kind, sent)
        kind = "select_slider" if kind == "slider" and proto.options else kind
        label = getattr(proto, "label", "") or getattr(proto, "component_name", "")
        if path in self.elements and self.elements[path].kind != kind:
            self.elements = {at: shown for at, shown in self.elements.items() if at[: len(path)] != path}
        run_id, element_id = self.run.script_run_id, getattr(proto, "id", "")
        self.elements[path] = Element(kind, element_id, label, delta.fragment_id, run_id, proto)
        return self.elements[path]

    def finish(self) -> None:
        """A full run owns all of the page; a fragment run its own elements and all within its containers."""
        running = set(self.run.fragment_ids)
        owned = {at for at, shown in self.elements.items() if shown.fragment_id in running}

        def stale(path: tuple[int, ...], element: Element) -> bool:
            mine = not running or any(path[:depth] in owned for depth in range(1, len(path) + 1))
            return mine and element.run_id != self.run.script_run_id

        self.elements = {at: shown for at, shown in self.elements.items() if not stale(at, shown)}


class MessageCache:
    """Large messages by hash. The server sends only the hash of those a request lists as held."""

    def __init__(self) -> None:
        self.held: dict[str, tuple[ForwardMsg, int]] = {}
        self._runs = 0

    def resolve(self, message: ForwardMsg) -> ForwardMsg:
        """The message itself, or the one it refers to, placed where the reference says."""
        key = message.ref_hash or (message.hash if message.metadata.cacheable else "")
        if key:
            whole = self.held[key][0] if message.ref_hash else message
            self.held[key] = (whole, self._runs)
            message = ForwardMsg(delta=whole.delta, metadata=message.metadata)
        return message

    def expire(self, fragment_ids: Collection[str]) -> None:
        """Forget what was not used lately, as a browser does; a fragment run tells nothing of the others."""
        self._runs += 1
        for key, (message, used) in list(self.held.items()):
            concerned = not fragment_ids or message.delta.fragment_id in fragment_ids
            if concerned and self._runs - used > 2:  # global.maxCachedMessageAge
                del self.held[key]


class Session:
    """One visitor. Actions return the seconds until the script had finished, with reruns it asked for."""

    def __init__(self, socket: ClientConnection, client: ClientState, timeout: float) -> None:
        self.client, self.timeout = client, timeout  # client: address, query string, page; in each request
        self.page = Page()
        self.errors: list[str] = []  # exceptions shown, as often as they were, and syntax errors
        self.bytes_received, self.seconds_to_open = 0, 0.0
        self._socket = socket
        self._cache = MessageCache()
        self._states: dict[str, WidgetState] = {}
        self._drafts: dict[str, dict[str, WidgetState]] = {}
        self._awaited: str | None = None  # the fragment ("" is the script) asked for whose run has not begun
        self._running = False
        self._changed = asyncio.Event()
        self._http = httpx.AsyncClient(timeout=timeout, verify=False)
        self._receiver = asyncio.create_task(self._receive())
        self._receiver.add_done_callback(lambda _: self._changed.set())

    @classmethod
    async def open(cls, base_url: str, query_string: str = "", timeout: float = 30.0) -> Session:
        """Connect and load the page. Without Origin no token is asked for; browsers send no pings."""
        started = time.perf_counter()
        stream = base_url.rstrip("/").replace("http", "ws", 1) + "/_stcore/stream"
        socket = await connect(stream, ping_interval=None, max_size=None, proxy=None)
        context = ContextInfo(url=base_url, timezone="UTC", locale="en-US")
        session = cls(socket, ClientState(query_string=query_string, context_info=context), timeout)
        await session.rerun()
        session.seconds_to_open = time.perf_counter() - started
        return session

    async def close(self) -> None:
        await self._socket.close()
        await self._http.aclose()

    def elements(self, kind: str) -> list[Element]:
        """What the page shows of a type of Streamlit's Element or Block messages, in page order."""
        return [element for _, element in sorted(self.page.elements.items()) if element.kind == kind]

    def component(self, name: str) -> Element:
        """A v2 component by its key, or by the name it was declared with."""
        return self._find(name, {"bidi_component"})

    async def click(self, name: str) -> float:
        """Press a button, found by key or label. A form's button submits what was set in the form."""
        button = self._find(name, {"button"})
        if button.proto.is_form_submitter:
            self._states.update(self._drafts.pop(button.proto.form_id, {}))
        return await self.rerun(button.fragment_id, [WidgetState(id=button.id, trigger_value=True)])

    async def set(self, name: str, value: Any) -> float:
        """Give a widget, found by key or label, a value: an option's label, a list, None to empty it; a v2
        component a mapping of its state. 0.0 in a form: a browser waits for its button."""
        widget = self._find(name, {*WIRE, "bidi_component"})
        if widget.kind == "bidi_component":
            known = self._states.get(widget.id, WidgetState(json_value="{}"))
            state = WidgetState(id=widget.id, json_value=json.dumps(json.loads(known.json_value) | value))
        else:
            given = value if isinstance(value, list | tuple) else [value]
            values = [entry for entry in given if entry is not None]
            if widget.options and not set(values) <= set(widget.options):
                raise ValueError(f"“{name}” takes {widget.options}, not {value!r}")
            state = widget.state(values)
        form_id = widget.proto.form_id
        (self._drafts.setdefault(form_id, {}) if form_id else self._states)[widget.id] = state
        return 0.0 if form_id else await self.rerun(widget.fragment_id)

    async def trigger(self, component: str, name: str, value: Any = None) -> float:
        """What a v2 component's JavaScript does with `setTriggerValue(name, value)`."""
        element = self.component(component)
        payload = json.dumps([{"event": name, "value": value}])
        aggregator = f"$$STREAMLIT_INTERNAL_KEY_{element.id}__events"
        return await self.rerun(element.fragment_id, [WidgetState(id=aggregator, json_trigger_value=payload)])

    async def hear(self, panel: str) -> None:
        """What the panel's script does while a run is under way: ask the small route until it tells news, then ask
        for them."""
        told = self.component(panel).data["news"]
        address = f"{self.client.context_info.url.rstrip('/')}/{told['path'].removeprefix('./')}"
        while True:
            answer = await self._http.get(address, params={"state": told["state"]})
            if answer.text != told["state"]:
                break
        await self.trigger(panel, "tick", time.time())

    async def rerun(self, fragment_id: str = "", triggers: Iterable[WidgetState] = ()) -> float:
        """Run the script, or one fragment of it, with the values the widgets have."""
        started = time.perf_counter()
        request = BackMsg(rerun_script=self.client)
        request.rerun_script.fragment_id = fragment_id
        request.rerun_script.cached_message_hashes.extend(self._cache.held)
        request.rerun_script.widget_states.widgets.extend([*self._states.values(), *triggers])
        self._awaited = fragment_id
        await self._socket.send(request.SerializeToString())
        await self.settled()
        return time.perf_counter() - started

    async def settled(self, timeout: float | None = None) -> float:
        """Wait until the run that was asked for has begun and no run is under way."""
        return await self.wait_for(lambda _: self._awaited is None and not self._running, timeout)

    async def wait_for(self, predicate: Callable[[Session], bool], timeout: float | None = None) -> float:
        """Wait for the page to look as wanted; the seconds it took."""
        started, limit = time.perf_counter(), timeout or self.timeout
        try:
            async with asyncio.timeout(limit):
                while not predicate(self):
                    if self._receiver.done():
                        raise ConnectionError("the session ended") from self._receiver.exception()
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise TimeoutError(f"nothing within {limit} s; errors so far: {self.errors}") from None
        return time.perf_counter() - started

    def _find(self, name: str, kinds: Collection[str]) -> Element:
        shown = [element for element in self.page.elements.values() if element.kind in kinds]
        found = [e for e in shown if e.key == name] or [e for e in shown if e.label == name]
        if len(found) != 1 or getattr(found[0].proto, "disabled", False):
            names = sorted(e.key or e.label for e in shown)
            raise LookupError(f"{len(found)} called “{name}”, or disabled; the page has {names}")
        return found[0]

    async def _receive(self) -> None:
        async for payload in self._socket:
            self.bytes_received += len(payload)
            self._handle(self._cache.resolve(ForwardMsg.FromString(payload)))
            self._changed.set()

    def _handle(self, message: ForwardMsg) -> None:
        match message.WhichOneof("type"):
            case "new_session":
                self.client.page_script_hash = message.new_session.page_script_hash
                run = self.page.run = message.metadata.run
                self._running = True
                if not run.fragment_ids or self._awaited in run.fragment_ids:
                    self._awaited = None
            case "delta" if not message.delta.HasField("new_transient"):  # a spinner replaces nothing
                self._show(message)
            case "script_finished" if message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                self._finish()
            case "navigation":
                self.client.page_script_hash = message.navigation.page_script_hash
            case "page_info_changed":
                self.client.query_string = message.page_info_changed.query_string
            case "session_event" if message.session_event.HasField("script_compilation_exception"):
                self.errors.append(message.session_event.script_compilation_exception.message)

    def _show(self, message: ForwardMsg) -> None:
        element = self.page.show(tuple(message.metadata.delta_path), message.delta)
        if element.kind == "exception":
            self.errors.append(f"{element.proto.type}: {element.proto.message}".removeprefix(": "))
        if element.kind in WIRE and (element.proto.set_value or element.id not in self._states):
            self._states[element.id] = element.state(element.value)

    def _finish(self) -> None:
        self._running = False
        self.page.finish()
        shown = {element.id for element in self.page.elements.values()}
        self._states = {key: state for key, state in self._states.items() if key in shown}
        if self._awaited is None:  # else a request is under way that still lists what would be forgotten
            self._cache.expire(self.page.run.fragment_ids)
