"""What a person waits for, measured in a real browser and by many sessions: `python -m tests.tools.stopwatch`.

Part of `python -m lessons bench`. Every figure has its peer or its aim beside it, from the same run.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

import psutil

from lessons.course.discovery import LESSONS
from lessons.recipe.recipe import Recipe
from lessons.server.laboratory import Laboratory, structure
from lessons.tools.preflight.memory import cores_here
from lessons.tools.rows import Row, shown
from lessons.workers import GRAPHS_KEPT
from lessons.workers.pool import WorkerPool
from tests.tools.load import Session, percentiles
from tests.tools.site import Site, browsing, serving

EMPTY = """
import streamlit as st
st.markdown("### Empty")
state = st.session_state
state.clicks = state.get("clicks", 0) + st.button("Run")
st.markdown(f"clicks: {state.clicks}")
"""
LESSON = "mask_and_loss"
TIMES = 3
STANDS = 3.0  # seconds that an opened page stands before its cost is read
CLICKS = 9
LEARNERS = 60
LOSSES = ("mse", "scalar_mse", "mae")
WARM_AFTER = 4.0  # seconds that a page has stood before the first click
TRACED_AFTER = 15.0  # seconds until the graphs of the lesson's presets are traced, by both workers

CLICK = """
async (label) => {
  const root = document.querySelector('.lab');
  const button = [...document.querySelectorAll('button')].find((b) => b.textContent.includes(label));
  const start = performance.now();
  let first;
  button.click();
  return await new Promise((resolve, reject) => {
    const look = () => {
      const now = performance.now() - start;
      const drawn = root.panel.plots.curve.data?.[0]?.x?.length ?? 0;
      if (root.panel.run && drawn && first === undefined) first = now;
      if (first !== undefined && root.dataset.state === 'done' && !root.panel.playing) return resolve([first, now]);
      if (now > 20000) return reject(new Error('no charts within 20 s'));
      requestAnimationFrame(look);
    };
    look();
  });
}
"""

BARE_CLICK = """
async () => {
  const clicks = () => Number(document.body.innerText.match(/clicks: (\\d+)/)[1]);
  const [before, start] = [clicks(), performance.now()];
  [...document.querySelectorAll('button')].find((b) => b.textContent.includes('Run')).click();
  return await new Promise((resolve) => {
    const look = () => (clicks() > before ? resolve(performance.now() - start) : requestAnimationFrame(look));
    look();
  });
}
"""


def main(as_json: bool) -> None:
    parts = (first_paint, clicks, lambda: asyncio.run(learners()))
    shown((row for part in parts for row in part()), as_json)


# When the browser painted the heading, by its own clock: Playwright hears of it when all that comes after it is drawn.
HEADING = """
  const mark = () => document.querySelectorAll('h3, h3 *').forEach((part) => part.setAttribute('elementtiming', 'h'));
  new MutationObserver(mark).observe(document, { childList: true, subtree: true });
  new PerformanceObserver((seen) => window.heading ??= seen.getEntries()[0].renderTime).observe({ type: 'element' });
"""


@dataclass(frozen=True)
class Opening:
    """What it took until a page of a server that was just started had its heading, and then stood still."""

    paint: float  # seconds from the start of the server
    browser: float  # CPU seconds of Chromium until STANDS after it
    server: float  # of the server, without its workers


def first_paint() -> list[Row]:
    """From the start of the server to the first heading, beside an empty Streamlit page; and what opening it costs."""
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty.py"
        empty.write_text(EMPTY)
        both = [(opening(f"/?lesson={LESSON}"), opening("", empty)) for _ in range(TIMES)]
    rows, peer = [], "an empty page"
    for what, name, aim in (
        ("first paint after a start, s", "paint", 1.15),
        ("opening a page, CPU of Chromium, s", "browser", None),
        ("opening a page, CPU of the server, s", "server", None),
    ):
        ours, theirs = (statistics.median(getattr(one, name) for one in side) for side in zip(*both, strict=True))
        rows.append(Row(what, ours, peer, theirs, aim))
    return rows


def opening(address: str, *script: Path) -> Opening:
    """One page of one server in one new browser."""
    with browsing() as browser, serving(*script) as site:
        started = time.time() - (time.perf_counter() - site.started)
        page = browser.new_page()
        page.add_init_script(HEADING)
        server, before = psutil.Process(site.process.pid), sum(map(cpu, chromium()))
        page.goto(site.url + address)
        page.wait_for_selector("h3")
        time.sleep(STANDS)
        painted = page.evaluate("(performance.timeOrigin + heading) / 1000") - started
        return Opening(painted, sum(map(cpu, chromium())) - before, cpu(server))


def chromium() -> list[psutil.Process]:
    """The processes of our browser."""
    return [one for one in psutil.Process().children(recursive=True) if "chrom" in one.name()]


def clicks() -> list[Row]:
    """Click on Run to first point and to final charts: warm, then the first after a start.

    That is once on a new machine and once on another day. Final charts are those of a browser that asks for no motion:
    so no playback is in their time. The row with it says what others see.
    """
    with tempfile.TemporaryDirectory() as graphs, browsing() as browser:
        with serving(UNMASKED_GRAPHS=graphs) as site:
            never = first_click(browser, site)
            time.sleep(TRACED_AFTER)
        with serving(UNMASKED_GRAPHS=graphs) as site:
            first = first_click(browser, site)
            time.sleep(TRACED_AFTER)
            played = [warm_click(browser, site, seed) for seed in range(CLICKS)]
            still = [warm_click(browser, site, CLICKS + seed, reduced_motion="reduce") for seed in range(CLICKS)]
        bare = bare_click(browser)
    (point, playback), (_, final) = (map(statistics.median, zip(*times, strict=True)) for times in (played, still))
    peer = "a bare click of an empty page"
    return [
        Row("warm click, first point, ms", point, peer, bare, 2.5),
        Row("warm click, final charts without playback, ms", final, peer, bare, 4),
        Row("warm click, final charts with their playback, ms", playback, peer, bare),
        Row("first click on a new machine, final charts, ms", never, "a warm one", final, 3),
        Row("first click on another day, final charts, ms", first, "a warm one", final, 3),
    ]


def warm_click(browser, site: Site, number: int, **how: str) -> tuple[float, float]:
    """Milliseconds to first point and final charts of a run that nobody has asked for, on a new page."""
    page = opened(browser, site, seed=1 + number, **how)
    time.sleep(1)
    point, final = page.evaluate(CLICK, "Run")
    page.close()
    return point, final


def first_click(browser, site: Site) -> float:
    """Milliseconds to the final charts of the first run of a server."""
    page = opened(browser, site, seed=0, reduced_motion="reduce")
    time.sleep(WARM_AFTER)
    _, final = page.evaluate(CLICK, "Run")
    page.close()
    return final


def bare_click(browser) -> float:
    """Milliseconds from a click to what it changes, on an empty Streamlit page in the same browser."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "empty.py"
        script.write_text(EMPTY)
        with serving(script) as site:
            page = browser.new_page()
            page.goto(site.url)
            page.wait_for_selector("button")
            time.sleep(1)
            return statistics.median(page.evaluate(BARE_CLICK) for _ in range(CLICKS))


def opened(browser, site: Site, seed: int, **how: str):
    """A lesson page that is ready to run a training nobody has asked for."""
    page = browser.new_page(viewport={"width": 1280, "height": 720}, **how)
    page.goto(f"{site.url}/?lesson={LESSON}&mode=present&seed={seed}&epochs=20")
    page.wait_for_selector("[data-panel=picture] .main-svg")
    return page


@dataclass
class Crowd:
    """What so many learners who press Run in the same instant cost and how long they wait. All in CPU seconds."""

    learners: int
    processes: int  # workers
    p50: float  # seconds
    p95: float
    elapsed: float  # until the last had its run
    server: float
    workers: float
    client: float
    opening: float  # of the server, for all pages
    kilobytes: float  # of a run to its learner
    errors: int
    megabytes: float  # of the server

    @property
    def cores(self) -> float:
        """How many it had on average: other programs may have had the rest."""
        return (self.server + self.workers + self.client) / self.elapsed


async def crowd(count: int) -> Crowd:
    """So many sessions press Run in the same instant, each with other settings over three losses."""
    with serving() as site:
        server = psutil.Process(site.process.pid)
        for loss in LOSSES:
            await press(await session(site, f"loss={loss}&seed=999"))
        before = cpu(server)
        sessions = [await session(site, variation(number)) for number in range(count)]
        opened, received = cpu(server) - before, sum(one.bytes_received for one in sessions)
        workers = server.children(recursive=True)
        processes = sum(not process.children() for process in workers)  # the fork server has some
        clocks = [lambda: cpu(server), lambda: sum(map(cpu, workers)), lambda: cpu(psutil.Process())]
        before = [clock() for clock in clocks]
        seconds = await asyncio.gather(*(press(one) for one in sessions))
        spent = [clock() - began for clock, began in zip(clocks, before, strict=True)]
        received = sum(one.bytes_received for one in sessions) - received
        errors = sum(len(one.errors) for one in sessions)
        memory = resident(site.process.pid)
        for one in sessions:
            await one.close()
    spread = percentiles(seconds)
    each = received / count / 1000
    return Crowd(count, processes, spread["p50"], spread["p95"], spread["max"], *spent, opened, each, errors, memory)


async def learners() -> list[Row]:
    """Sixty sessions press Run in the same instant, and the workers do the same trainings with nobody who looks."""
    one, alone = await crowd(LEARNERS), by_workers_alone()
    each, pressed = 1000 / LEARNERS, f"{LEARNERS} press Run at once"
    return [
        Row(f"{pressed}, p95, s", one.p95, "the same trainings by the workers alone", alone, 2),
        Row(f"{pressed}, CPU of a run, server, ms", each * one.server, "workers", each * one.workers, 0.5),
        Row(f"{pressed}, CPU of a run, this client, ms", each * one.client, "workers", each * one.workers),
        Row(f"{pressed}, cores that they had", one.cores, "cores", cores_here()),
        Row("CPU of opening a page, server, ms", each * one.opening, "of a run", each * one.server),
        Row("a run with all messages around it, kB", one.kilobytes),
        Row(f"{pressed}, errors", one.errors, aim=0),
        Row("memory of the server, MB", one.megabytes, aim=300),
    ]


def cpu(process: psutil.Process) -> float:
    """Seconds of a processor that it has used."""
    return sum(process.cpu_times()[:2])


def by_workers_alone() -> float:
    """Seconds that as many warm workers take for the trainings of `learners`, with nobody who looks."""
    settings = LESSONS[LESSON].preset("fixed").settings.with_changes({"epochs": 20})
    laboratory = Laboratory(WorkerPool(affinity=structure, keeps=GRAPHS_KEPT))
    warming = [settings.with_changes({"loss": loss, "seed": seed}) for loss in LOSSES for seed in range(990, 1000)]
    for training in [laboratory.train(Recipe(one), "alone") for one in warming]:  # by every worker
        training.job.result()
    began = time.perf_counter()
    trainings = [
        laboratory.train(Recipe(settings.with_changes(dict(parse_qsl(variation(number))))), "alone")
        for number in range(LEARNERS)
    ]
    for training in trainings:
        training.job.result()
    spent = time.perf_counter() - began
    laboratory.executor.shutdown()
    return spent


def variation(number: int) -> str:
    """Other mask, rate, seed and padding for each, over three losses."""
    mask = ("aligned", "none", "shifted", "inverted")[number % 4]
    loss = LOSSES[number % 3]
    rate, share = (0.01, 0.02, 0.05)[number // 4 % 3], (0.2, 0.4, 0.6)[number // 12 % 3]
    return f"loss={loss}&mask={mask}&learning_rate={rate}&padding_share={share}&seed={number}"


async def session(site: Site, query: str) -> Session:
    slow = "mode=present&preset=fixed&epochs=20"
    one = await Session.open(site.url, query_string=f"lesson={LESSON}&{slow}&{query}", timeout=60)
    await one.wait_for(lambda s: any(e for e in s.elements("bidi_component")), timeout=60)
    return one


async def press(one: Session) -> float:
    """Press Run and ask for news as the browser does. Seconds until the whole run is there."""
    began = time.perf_counter()
    await one.click(f"{LESSON}:run")
    while (content := one.component(f"{LESSON}:lab").data)["status"]["live"]:
        await one.hear(f"{LESSON}:lab")
    assert content["run"], f"no run came: {content['status']}"
    return time.perf_counter() - began


def resident(pid: int) -> float:
    """Resident memory of the process, in MB."""
    return psutil.Process(pid).memory_info().rss / 1e6


if __name__ == "__main__":
    main("--json" in sys.argv)
