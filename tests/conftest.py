"""What all tests share: the repository on the path, a quiet TensorFlow, a browser; `verify` tests on request."""

import gc
import os
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
# Not the database of whoever runs the tests. A file for each test process.
os.environ["UNMASKED_DATABASE_URL"] = f"sqlite:///{tempfile.mkdtemp()}/tests.sqlite"
# Nor the traced graphs of whoever runs them.
GRAPHS = tempfile.TemporaryDirectory(prefix="graphs-")  # till this process ends
os.environ["UNMASKED_GRAPHS"] = GRAPHS.name
# The losses of the tests are our own: fewer walls will do for them. tests/sandbox/test_fewer_walls.py asks for all.
os.environ.setdefault("UNMASKED_FEWER_WALLS", "1")
for kind in ("INTRAOP", "INTEROP"):  # other tests have the other core
    os.environ.setdefault(f"TF_NUM_{kind}_THREADS", "1")
# Each worker imports TensorFlow and traces all presets of every lesson that is opened.
os.environ.setdefault("UNMASKED_WORKERS", "1")

pytest_plugins = ["tests.tools.databases", "tests.tools.scheduling"]


def pytest_configure():
    """A test process takes the place of a server for pages without a browser. It traces nothing ahead.

    Streamlit's runner clears Keras' session after each script, where Keras is loaded. No server of ours loads it
    (test_the_server_process_never_imports_tensorflow), but this process has: it would take a second each time, and the
    graphs of the other tests with it.
    """
    from streamlit.runtime.scriptrunner import script_runner

    from tests.tools.served import do_nothing_ahead

    do_nothing_ahead()
    assert callable(script_runner._clean_problem_modules)
    script_runner._clean_problem_modules = lambda: None


def pytest_collection_modifyitems(config, items):
    if os.environ.get("VERIFY") or "verify" in config.getoption("markexpr", ""):
        return
    for item in items:
        if "verify" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="full set: run with -m verify or VERIFY=1"))


def pytest_collection_finish():
    """What is loaded by now stays: the garbage collector need not walk TensorFlow's objects with every trace."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """One server of the app for all files that this process tests: each new one loads TensorFlow twice."""
    from tests.tools.site import serving

    with serving(ahead=False, log=tmp_path_factory.mktemp("server") / "log.txt") as found:
        yield found


@pytest.fixture(scope="module")  # an event loop runs as long as it is there: files that need one of their own wait
def playwright():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as found:
        yield found


@pytest.fixture(scope="module")
def browser(playwright):
    from tests.tools.site import launched

    with launched(playwright) as found:
        yield found


@pytest.fixture(scope="session")
def profile(tmp_path_factory) -> Path:
    """Of the browser that `page` is in, one after the other."""
    return tmp_path_factory.mktemp("profile")


@pytest.fixture(scope="module")
def visitor(playwright, profile):
    from tests.tools.site import launched

    with launched(playwright, profile) as context:
        yield context


@pytest.fixture
def page(visitor):
    """A page of somebody whom no server knows, in a browser whose cache has the scripts."""
    page = visitor.new_page()
    page.set_viewport_size({"width": 1280, "height": 720})
    page.emulate_media(reduced_motion="reduce")  # else each run is played back, for half a second of a core
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda message: page.complaints.append(message.text) if is_complaint(message) else None)
    yield page
    page.close()
    visitor.clear_cookies()
    assert page.complaints == []


def is_complaint(message) -> bool:
    """Errors on the console, but for Streamlit's own search for its server below the page's path."""
    return message.type == "error" and "/_stcore/" not in message.location.get("url", "")
