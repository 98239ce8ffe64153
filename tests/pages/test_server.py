"""The web server as a browser meets it: a real one, with a small app and our own config.toml."""

import gzip
import http.client
import os
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
import streamlit as st
from starlette.datastructures import Headers

from lessons.classroom import environment
from pages.server import files, lifespan, shown
from pages.server.root_links import page_of
from tests.tools.contrast import contrast
from tests.tools.patience import patient
from tests.tools.site import serving

ROOT = Path(__file__).parent.parent.parent
CONFIG = ROOT / ".streamlit" / "config.toml"
STARTS_WITHIN = patient(30)  # seconds

APP = '''
import streamlit as st
from pages.server import files, lifespan as server

DRAW = """
export default function ({ parentElement, data }) {
  const script = document.createElement("script")
  script.src = new URL(data.url, document.baseURI)
  script.onload = async () => {
    await Plotly.newPlot(parentElement.querySelector("#chart"), [{ type: "heatmap", z: [[1, 2], [3, 4]] }])
    parentElement.querySelector("#status").textContent = "drawn by Plotly " + Plotly.version
  }
  document.head.append(script)
}
"""

if __name__ == "__main__":
    st.title("The page")
    if "fail" in st.query_params:
        raise ZeroDivisionError("a secret detail")
    st.plotly_chart({"data": [{"y": [1, 2]}]})
    draw = st.components.v2.component("draw", html="<p id=status></p><div id=chart></div>", js=DRAW)
    draw(data={"url": files.plotly_url()})
else:
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    copies = server.CompressedCopies(server.compressible_files())

    def count(request):
        return PlainTextResponse(str(copies.compressions))

    routes = [*server.routes(), Route("/count", count)]
    app = st.App(__file__, middleware=server.middleware(copies), routes=routes)
'''


class Answer(NamedTuple):
    status: int
    headers: Headers
    body: bytes


class Server(NamedTuple):
    port: int

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """One request, decoded by nobody; `accept_encoding="gzip"` becomes the header Accept-Encoding."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            # http.client sends `Accept-Encoding: identity` by itself unless one is given.
            connection.request(method, path, headers={key.replace("_", "-"): text for key, text in headers.items()})
            response = connection.getresponse()
            return Answer(response.status, Headers(dict(response.getheaders())), response.read())
        finally:
            connection.close()

    def compressions(self) -> int:
        return int(self.ask("/count").body)


@contextmanager
def running(script: Path, *flags: str, health: str = "/_stcore/health") -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(script), f"--server.port={port}", *flags]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    log = script.with_suffix(f".{port}.log")
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    found = Server(port)
    try:
        await_health(found, health, process, log)
        yield found
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def await_health(found: Server, path: str, process: subprocess.Popen, log: Path) -> None:
    give_up = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < give_up and process.poll() is None:
        try:
            if found.ask(path).status == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"the server did not start:\n{log.read_text()}")


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("server") / "small_app.py"
    path.write_text(APP)
    return path


@pytest.fixture(scope="module")
def site(script: Path) -> Iterator[Server]:
    with running(script) as found:
        yield found


def largest(suffix: str) -> tuple[str, Path]:
    """The address and file of Streamlit's largest file of a kind."""
    file = max((lifespan.STREAMLIT_STATIC / "static").rglob(f"*{suffix}"), key=lambda path: path.stat().st_size)
    return "/" + file.relative_to(lifespan.STREAMLIT_STATIC).as_posix(), file


# --- security headers


def test_every_answer_carries_the_security_headers(site: Server):
    for path in ["/", "/some-lesson", largest(".css")[0], "/plotly.min.js", "/_stcore/health", "/count"]:
        headers = site.ask(path).headers
        assert headers["content-security-policy"] == lifespan.content_security_policy(), path
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["referrer-policy"] == "same-origin", path


def test_policy_allows_exactly_the_inline_scripts_that_are_served(site: Server, tmp_path: Path):
    page = tmp_path / "index.html"
    page.write_bytes(site.ask("/").body)
    hashes = lifespan.inline_script_hashes(page)
    assert len(hashes) == page.read_text().count("<script>") == 1
    assert f"script-src 'self' blob: '{hashes[0]}';" in lifespan.content_security_policy()


def test_hash_is_the_one_a_browser_computes(tmp_path: Path):
    page = tmp_path / "index.html"
    page.write_bytes(b"<!-- <script>no</script> --><script src=a.js></script><script>alert('Hello, world.');</script>")
    # The example of the CSP specification.
    assert lifespan.inline_script_hashes(page) == ["sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng="]


# --- compression


@pytest.mark.parametrize("suffix", [".js", ".css", ".svg"])
def test_text_is_gzipped_and_the_same_after_unpacking(site: Server, suffix: str):
    path, file = largest(suffix)
    answer = site.ask(path, accept_encoding="br, gzip")
    assert answer.status == 200
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) == len(answer.body) < file.stat().st_size / 2
    assert gzip.decompress(answer.body) == file.read_bytes()
    assert "accept-encoding" in answer.headers["vary"].lower()
    assert answer.headers["cache-control"] == site.ask(path).headers["cache-control"]
    assert "immutable" in answer.headers["cache-control"]


def test_the_page_itself_is_gzipped_and_not_kept(site: Server):
    answer = site.ask("/", accept_encoding="gzip")
    assert gzip.decompress(answer.body) == (lifespan.STREAMLIT_STATIC / "index.html").read_bytes()
    assert answer.headers["cache-control"] == "no-cache"


def test_a_file_is_compressed_once_for_a_whole_class(site: Server):
    path = f"/static/js/{min((lifespan.STREAMLIT_STATIC / 'static/js').glob('DeckGl*.js')).name}"
    before = site.compressions()
    with ThreadPoolExecutor(12) as learners:
        answers = list(learners.map(lambda _: site.ask(path, accept_encoding="gzip"), range(24)))
    assert len({answer.body for answer in answers}) == 1
    assert site.compressions() - before == 1


def test_unknown_addresses_are_neither_compressed_nor_kept(site: Server):
    before = site.compressions()
    for path in [
        "/static/js/none.js",
        "/static/js/%2e%2e/none.js",
        "/static//js/none.js",
        "/none/plotly.min.js",
    ]:
        assert "content-encoding" not in site.ask(path, accept_encoding="gzip").headers, path
    assert site.compressions() == before


@pytest.mark.parametrize("offer", ["identity", "br", "gzip;q=0", "gzip; q=0.0", "*", ""])
def test_a_client_without_gzip_gets_the_file_as_it_is(site: Server, offer: str):
    for path, file in [largest(".css"), ("/plotly.min.js", files.plotly_directory() / "plotly.min.js")]:
        answer = site.ask(path, accept_encoding=offer)
        assert "content-encoding" not in answer.headers
        assert answer.body == file.read_bytes()
        assert "accept-encoding" in answer.headers["vary"].lower()


@pytest.mark.parametrize("path", [largest(".js")[0], "/plotly.min.js"])
def test_a_range_is_a_range_of_the_file(site: Server, path: str):
    whole = site.ask(path).body
    answer = site.ask(path, accept_encoding="gzip", range="bytes=1000-1999")
    assert answer.status == 206
    assert answer.headers["content-range"] == f"bytes 1000-1999/{len(whole)}"
    assert "content-encoding" not in answer.headers
    assert answer.body == whole[1000:2000]


@pytest.mark.parametrize("path", ["/", largest(".js")[0], "/plotly.min.js"])
@pytest.mark.parametrize("offer", ["gzip", "identity"])
def test_head_is_get_without_the_body(site: Server, path: str, offer: str):
    got, head = (site.ask(path, method, accept_encoding=offer) for method in ("GET", "HEAD"))
    assert head.status == 200
    assert head.body == b""
    assert {**head.headers, "date": ""} == {**got.headers, "date": ""}


@pytest.mark.parametrize("path", ["/", largest(".js")[0], "/plotly.min.js"])
@pytest.mark.parametrize("offer", ["gzip", "identity"])
def test_a_client_that_has_the_file_gets_304(site: Server, path: str, offer: str):
    etag = site.ask(path, accept_encoding=offer).headers["etag"]
    assert etag.startswith("W/") == (offer == "gzip"), "other bytes, so not the same strong tag"
    answer = site.ask(path, accept_encoding=offer, if_none_match=etag)
    assert (answer.status, answer.body) == (304, b"")
    assert answer.headers["etag"] == etag
    assert "content-encoding" not in answer.headers
    assert site.ask(path, accept_encoding=offer, if_none_match='"other"').status == 200


def test_a_fonts_bytes_are_left_alone(site: Server):
    path, file = largest(".woff2")
    answer = site.ask(path, accept_encoding="gzip")
    assert "content-encoding" not in answer.headers
    assert answer.body == file.read_bytes()


@pytest.mark.parametrize(
    ("offer", "wanted"),
    [
        ("gzip", True),
        ("br;q=1, GZIP ; q=0.5", True),
        ("gzip;q=1.0", True),
        ("gzip;q=0.000", False),
        ("x-gzip", False),
    ],
)
def test_accepts_gzip(offer: str, wanted: bool):
    assert files.accepts_gzip(Headers({"accept-encoding": offer})) is wanted


# --- Plotly


def test_plotly_is_served_from_its_package_and_kept_for_ever(site: Server):
    file = files.plotly_directory() / "plotly.min.js"
    answer = site.ask(files.plotly_url().removeprefix("."), accept_encoding="gzip")
    assert answer.status == 200
    assert answer.headers["content-type"].split(";")[0].endswith("/javascript")
    assert "immutable" in answer.headers["cache-control"]
    assert gzip.decompress(answer.body) == file.read_bytes()
    assert len(answer.body) < file.stat().st_size / 3


@pytest.mark.parametrize("query", ["", "?v=1.2.3"])
def test_plotly_of_another_version_is_not_kept(site: Server, query: str):
    assert site.ask(f"/plotly.min.js{query}").headers["cache-control"] == "no-cache"


def test_a_browser_fetches_the_script_of_a_component_once(site: Server):
    """Under its own address it is kept for ever; another one's is asked for again, and what is none is not found."""
    for folder in shown.PARTS:
        url = shown.script_url(folder).removeprefix(".")
        answer = site.ask(url)
        assert answer.body.decode() == shown.script(folder) and "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-type"].startswith("text/javascript")
        for other in (url.partition("?")[0], f"{url}0"):
            assert site.ask(other).headers["cache-control"] == "no-cache"
    assert site.ask(f"/{shown.SCRIPTS}parts.js").status == 404


def test_everything_holds_below_a_base_path(script: Path):
    with running(script, "--server.baseUrlPath=lab/one", health="/lab/one/_stcore/health") as site:
        for path in ["/lab/one/", f"/lab/one{largest('.css')[0]}", "/lab/one/plotly.min.js"]:
            answer = site.ask(path, accept_encoding="gzip")
            assert (answer.status, answer.headers["content-encoding"]) == (200, "gzip"), path
            assert "content-security-policy" in answer.headers
        assert site.ask("/plotly.min.js").status == 404
        assert site.ask("/lab/plotly.min.js").status == 404


# --- in a browser


def test_page_and_component_render_under_the_policy_without_leaving_this_machine(site: Server, browser):
    hosts: set[str | None] = set()
    complaints: list[str] = []
    page = browser.new_page()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
    page.on("websocket", lambda websocket: hosts.add(urlsplit(websocket.url).hostname))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))

    page.goto(f"http://127.0.0.1:{site.port}/")
    page.get_by_role("heading", name="The page").wait_for()
    page.get_by_text("drawn by Plotly").wait_for()
    page.locator("[data-testid=stPlotlyChart] .main-svg").first.wait_for()
    assert complaints == []
    assert hosts - {None} == {"127.0.0.1"}, "None is a data: or blob: address"

    # The policy is in force: an injected script does not run, an outside address is not called.
    ran = page.evaluate(
        """() => {
            const script = document.createElement("script")
            script.textContent = "window.injected = 1"
            document.head.append(script)
            return "injected" in window
        }"""
    )
    assert ran is False
    assert page.evaluate("fetch('https://example.org/').then(() => 'called', () => 'refused')") == "refused"
    assert len(complaints) >= 2
    assert all("Content Security Policy" in text for text in complaints), complaints

    page.goto(f"http://127.0.0.1:{site.port}/?fail")
    alert = page.get_by_test_id("stException").or_(page.get_by_role("alert")).first
    alert.wait_for()
    shown = page.inner_text("body")
    assert "ZeroDivisionError" not in shown
    assert "secret" not in shown
    assert str(ROOT) not in shown
    page.close()


# --- config.toml


def options(table: Mapping[str, object], prefix: str = "") -> Iterator[str]:
    for key, entry in table.items():
        if isinstance(entry, Mapping):
            yield from options(entry, f"{prefix}{key}.")
        else:
            yield prefix + key


@pytest.mark.parametrize("option", list(options(tomllib.loads(CONFIG.read_text()))))
def test_streamlit_knows_the_option(option: str):
    st.get_option(option)  # raises for a name it does not know


@pytest.mark.parametrize("name", ["light", "dark"])
def test_theme_can_be_read(name: str):
    theme = tomllib.loads(CONFIG.read_text())["theme"][name]
    for background in (theme["backgroundColor"], theme["secondaryBackgroundColor"]):
        assert contrast(theme["textColor"], background) >= 7
        assert contrast(theme["linkColor"], background) >= 4.5
        assert contrast(theme["primaryColor"], background) >= 3
    assert contrast("#FFFFFF", theme["primaryColor"]) >= 4.5, "Streamlit writes white on a primary button"


POSTGRESQL = "postgresql://localhost:1/x"


@pytest.mark.parametrize("told_by", ["environment", "secrets"])
def test_on_postgresql_a_server_without_a_secret_ends_with_one_sentence(tmp_path: Path, told_by: str):
    """However it is told of the database; nobody has to be there for that."""
    told, log = tmp_path / "secrets.toml", tmp_path / "log.txt"
    told.write_text(f'[connections.classroom]\nurl = "{POSTGRESQL}"\n' if told_by == "secrets" else "")
    said = {environment.SECRET: "", environment.URL: POSTGRESQL if told_by == "environment" else ""}
    ends = pytest.raises(RuntimeError, match="the server ended")
    with ends, serving(ROOT / "app.py", f"--secrets.files={told}", log=log, **said):
        pass
    said = log.read_text()
    last = said.strip().splitlines()[-1]
    assert last.startswith(f"unmasked: {environment.SECRET}: is not set; with PostgreSQL")
    assert last.endswith("makes one.") and "Traceback" not in said


# --- shared links


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ("lesson=mask_and_loss&preset=broken&hide=epsilon,loss", "./mask_and_loss?preset=broken&hide=epsilon,loss"),
        ("lesson=mask_and_loss", "./mask_and_loss"),
        ("lesson=nonsense", None),  # app.py says which there are
        ("lesson=//elsewhere.example", None),
        ("preset=broken", None),
        ("", None),
    ],
)
def test_a_shared_link_leads_to_its_page(query: str, page: str | None):
    assert page_of(query) == page


def test_the_server_sends_a_browser_on_from_the_root_alone(site: Server):
    answer = site.ask("/?lesson=mask_and_loss&preset=broken")
    assert (answer.status, answer.headers["location"]) == (307, "./mask_and_loss?preset=broken")
    assert site.ask("/clinic?lesson=mask_and_loss").status == 200
