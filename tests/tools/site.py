"""A real server and a real browser, for tests, stopwatch and screenshots."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pages.parts.quotation import JOINER
from tests.tools import browser_setup
from tests.tools.patience import patient

ROOT = Path(__file__).parent.parent.parent
STARTS_WITHIN = patient(60)  # seconds
CHROMIUM_FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


@dataclass
class Site:
    url: str
    process: subprocess.Popen
    started: float  # time.perf_counter() when the process was started
    log: Path | None


@contextmanager
def serving(
    script: Path = ROOT / "app.py",
    *flags: str,
    log: Path | None = None,
    folder: Path = ROOT,
    ahead: bool = True,
    **environment: str,
) -> Iterator[Site]:
    """`streamlit run` of a script on a free port, until the block ends; `folder` is where lessons/ and pages/ are.

    Not `ahead`: workers start and trace what is asked for and nothing before.
    """
    port = free_port()
    streamlit = ["-m", "streamlit"] if ahead else ["-P", str(ROOT / "tests" / "tools" / "served.py")]
    command = [sys.executable, *streamlit, "run", str(script), f"--server.port={port}", *flags]
    environment = environment if ahead else {"PYTHONPATH": str(folder), **environment}
    with (log or Path(os.devnull)).open("wb") as out:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **environment}, stdout=out, stderr=subprocess.STDOUT
        )
        try:
            await_health(f"http://localhost:{port}/_stcore/health", process)
            yield Site(f"http://localhost:{port}", process, started, log)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def await_health(url: str, process: subprocess.Popen) -> None:
    until = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.02)
    raise RuntimeError(f"the server did not answer within {STARTS_WITHIN} s")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@contextmanager
def browsing() -> Iterator:
    """A headless Chromium or Chrome: the system's, or the one Playwright brought."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, launched(playwright) as browser:
        yield browser


@contextmanager
def launched(playwright, profile: Path | None = None) -> Iterator:
    """The same of a Playwright that runs: of one thread there can be one.

    With the folder of a `profile` it is the context of one that was here before, with its cache: on the third opening
    of a page Chromium has compiled the scripts, and saves two fifths of the processor's time.
    """
    found = browser_setup.find()
    if found is None:
        raise RuntimeError(f"no browser found: {browser_setup.HOW}")
    how = {"executable_path": found, "args": CHROMIUM_FLAGS}
    chromium = playwright.chromium
    opened = chromium.launch_persistent_context(profile, **how) if profile else chromium.launch(**how)
    try:
        yield opened
    finally:
        opened.close()


def plain(text: str) -> str:
    """What a reader sees of a text that `quoted` has made."""
    return text.replace(JOINER, "").replace("\\", "")
