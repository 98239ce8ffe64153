"""Several servers behind the proxy of compose.yaml: sessions stick, and outlive a server that does not.

The proxy is real, and its configuration is the file that is deployed.
"""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from streamlit.proto.ClientState_pb2 import ClientState, ContextInfo
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from lessons.classroom import environment
from lessons.classroom.database import VARIABLE
from tests.tools import databases, proxy_setup
from tests.tools.load import Session
from tests.tools.screen import PATIENCE
from tests.tools.site import ROOT, await_health, free_port, serving

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVERS = ("server-1", "server-2")
SECRET = "a" * 48
CADDY = proxy_setup.find()

needs_caddy = pytest.mark.skipif(CADDY is None, reason=f"the proxy of compose.yaml is not installed: {proxy_setup.HOW}")


@contextmanager
def proxying(*servers: str) -> Iterator[str]:
    """Our Caddyfile in front of these servers; its address."""
    port = free_port()
    environment = {
        "UNMASKED_SITE": f"http://:{port}",
        "UNMASKED_REPLICAS": " ".join(server.removeprefix("http://") for server in servers),
        "UNMASKED_COOKIE_SECRET": SECRET,
    }
    command = [CADDY, "run", "--config", str(ROOT / "Caddyfile"), "--adapter", "caddyfile"]
    process = subprocess.Popen(command, env={**os.environ, **environment}, stderr=subprocess.DEVNULL)
    try:
        await_health(f"http://localhost:{port}/_stcore/health", process)
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        process.wait(10)


def cookie_of(url: str, cookie: str = "") -> str:
    """The cookie that the proxy sets; the one it was given where it sets none."""
    asked = urllib.request.Request(url, headers={"Cookie": cookie} if cookie else {})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        assert answer.status == 200
        given = [one.partition(";")[0] for one in answer.headers.get_all("Set-Cookie", [])]
    return next((one for one in given if one.startswith("unmasked_server=")), cookie)


async def session(url: str, cookie: str, steps: str) -> Session:
    """One visitor as a browser would come: with cookie and the page's origin."""
    stream = url.replace("http", "ws", 1) + "/_stcore/stream"
    headers = {"Cookie": cookie, "Origin": url}
    socket = await connect(stream, additional_headers=headers, max_size=None, ping_interval=None, proxy=None)
    client = ClientState(query_string=f"page=plan&steps={steps}", context_info=ContextInfo(url=url))
    opened = Session(socket, client, 30)
    await opened.rerun()
    return opened


@needs_caddy
def test_sessions_stick_and_a_lost_server_is_replaced(tmp_path):
    shared = {
        VARIABLE: databases.empty("postgresql", tmp_path),
        "ahead": False,
        "STREAMLIT_SERVER_COOKIE_SECRET": SECRET,
    }
    with serving(**shared) as one, serving(**shared) as two, proxying(one.url, two.url) as url:
        cookies = {cookie_of(url) for _ in range(40)}
        assert len(cookies) == 2, "both servers get visitors"
        for cookie in cookies:
            assert {cookie_of(url, cookie) for _ in range(10)} == {cookie}
        lost = asyncio.run(losing_one(url, sorted(cookies), one.process))
        assert cookie_of(url, lost) not in (lost, ""), "its visitors are given to the other"
        asyncio.run(again(url, cookie_of(url, lost)))


async def losing_one(url: str, cookies: list[str], process: subprocess.Popen) -> str:
    """The cookie of the server that ends, for all sessions with it end, and none of the others."""
    visitors = [(cookie, await session(url, cookie, "mask_and_loss:broken")) for cookie in cookies * 3]
    assert all(shows_the_plan(visitor) for _, visitor in visitors)
    process.kill()
    process.wait()
    ended = {visitor._receiver: cookie for cookie, visitor in visitors}
    done, _ = await asyncio.wait(ended, timeout=1.0)
    assert all(isinstance(receiver.exception(), ConnectionClosed) for receiver in done)
    lost = {ended[receiver] for receiver in done}
    assert len(lost) == 1 and len(done) == 3, "all sessions of the one, and none of the other"
    for cookie, visitor in visitors:
        if cookie not in lost:
            await visitor.rerun()
            assert shows_the_plan(visitor)
        await visitor.close()
    return lost.pop()


async def again(url: str, cookie: str) -> None:
    visitor = await session(url, cookie, "nan_labels:broken")
    assert shows_the_plan(visitor)
    await visitor.close()


def shows_the_plan(visitor: Session) -> bool:
    return any("1 question, about" in element.proto.body for element in visitor.elements("markdown"))


@needs_caddy
def test_the_visitors_address_is_passed_on_and_cannot_be_made_up(tmp_path):
    script = tmp_path / "address.py"
    script.write_text("import streamlit as st\nst.markdown(f'address {st.context.ip_address}')\n")
    with serving(script, FORWARDED_ALLOW_IPS="*") as site, proxying(site.url) as url:
        told = asyncio.run(address_told(url))
    assert told == "address None", "a loopback address, which Streamlit tells as None: that of the visitor"


async def address_told(url: str) -> str:
    stream = url.replace("http", "ws", 1) + "/_stcore/stream"
    socket = await connect(stream, additional_headers={"X-Forwarded-For": "203.0.113.9"}, proxy=None)
    visitor = Session(socket, ClientState(), 30)
    await visitor.rerun()
    await visitor.close()
    return visitor.elements("markdown")[0].proto.body


# --- what can be said of the files without Docker


def test_the_servers_of_compose_share_what_they_must():
    one, two = (COMPOSE["services"][name] for name in SERVERS)
    assert one == two
    told = one["environment"]
    assert (
        told[VARIABLE].startswith("postgresql://")
        and "UNMASKED_COOKIE_SECRET" in told["STREAMLIT_SERVER_COOKIE_SECRET"]
    )
    assert told[environment.SECRET] == f"${{{environment.SECRET}:?is not set in .env}}"
    proxy = COMPOSE["services"]["proxy"]
    assert proxy["environment"]["UNMASKED_REPLICAS"].split() == [f"{name}:8501" for name in SERVERS]
    assert set(proxy["depends_on"]) == set(SERVERS)
    assert COMPOSE["services"]["database"]["healthcheck"] and COMPOSE["networks"]["inside"]["internal"]
    assert "ports" not in one and "ports" not in COMPOSE["services"]["database"], (
        "only the proxy is reached from outside"
    )


def test_no_secret_stands_in_a_file():
    for name in ("compose.yaml", "Caddyfile", "Dockerfile"):
        text = (ROOT / name).read_text(encoding="utf-8")
        for line in text.splitlines():
            given = re.search(r"(PASSWORD|SECRET)\w*\s*[:=]\s*(\S+)", line.partition("#")[0])
            assert given is None or given[2].startswith("${"), line
    assert ".env" in (ROOT / ".gitignore").read_text().split()


def instructions(kind: str) -> list[str]:
    """What follows this word in the Dockerfile."""
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    return [line.removeprefix(f"{kind} ").strip() for line in lines if line.startswith(f"{kind} ")]


def test_what_is_copied_into_the_image_is_the_app(tmp_path):
    """It is sent to the builder, and a server can start from it: all that is imported and shown is there."""
    sent = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in sent
    for *names, _ in (line.split() for line in instructions("COPY") if not line.startswith("--")):
        for name in names:
            assert f"!{name}" in sent
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            copy(ROOT / name, tmp_path / name)
    start = [sys.executable, "-c", "import app; print(type(app.app).__name__)"]
    done = subprocess.run(start, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE)
    assert done.stdout.splitlines()[-1:] == ["App"], done.stderr[-2000:]


def test_the_health_check_of_the_image_is_that_of_a_server(tmp_path):
    """The words of the Dockerfile, run against a real server and against none."""
    command = json.loads(instructions("HEALTHCHECK")[0].partition("CMD ")[2])
    script = Path(tmp_path / "empty.py")
    script.write_text("import streamlit\n")
    with serving(script) as site:
        port = site.url.rpartition(":")[2]
        assert checked([sys.executable, *command[1:]], port) == 0
    assert checked([sys.executable, *command[1:]], port) != 0


def checked(command: list[str], port: str) -> int:
    told = subprocess.run(command, env={**os.environ, "STREAMLIT_SERVER_PORT": port}, capture_output=True, timeout=20)
    return told.returncode
