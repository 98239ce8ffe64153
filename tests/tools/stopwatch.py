"""What a person waits for, measured in a real browser and by many sessions: `python -m tests.tools.stopwatch`.

Part of `python -m lessons bench`. Every figure has its peer or its aim beside it, from the same run.
"""

from __future__ import annotations

import asyncio
import json
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
CLICKS = 9
LEARNERS = 60
LOSSES = ("mse", "scalar_mse", "mae")
PLAYBACK = 330  # milliseconds, as pages/parts/charts/panel.js says
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


def main(as_json: bool) -> dict:
    figures = {**first_paint(), **clicks(), **asyncio.run(learners())}
    if as_json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:44} {value:.3g}")
    return figures


def first_paint() -> dict:
    """From the start of the server to the first heading, beside an empty Streamlit page."""
    with tempfile.TemporaryDirectory() as folder, browsing() as browser:
        empty = Path(folder) / "empty.py"
        empty.write_text(EMPTY)
        ours, theirs = [], []
        for _ in range(TIMES):
            for script, times in ((None, ours), (empty, theirs)):
                with serving(*([script] if script else [])) as site:
                    page = browser.new_page()
                    page.goto(site.url + (f"/?lesson={LESSON}" if script is None else ""))
                    page.wait_for_selector("h3")
                    times.append(time.perf_counter() - site.started)
                    page.close()
    return {
        "first paint, s": statistics.median(ours),
        "first paint, empty page, s": statistics.median(theirs),
        "first paint beside the empty page's (aim 1.15)": statistics.median(ours) / statistics.median(theirs),
    }


def clicks() -> dict:
    """Click on Run to first point and to final charts: the first after a start, on a new machine and on another day.

    Then warm.
    """
    with tempfile.TemporaryDirectory() as graphs, browsing() as browser:
        with serving(UNMASKED_GRAPHS=graphs) as site:
            never = first_click(browser, site)
            time.sleep(TRACED_AFTER)
        with serving(UNMASKED_GRAPHS=graphs) as site:
            first = first_click(browser, site)
            time.sleep(TRACED_AFTER)
            warm = []
            for seed in range(1, CLICKS + 1):
                page = opened(browser, site, seed)
                time.sleep(1)
                warm.append(page.evaluate(CLICK, "Run"))
                page.close()
        bare = bare_click(browser)
    point, final = (statistics.median(times) for times in zip(*warm, strict=True))
    return {
        "a bare click of an empty page, ms": bare,
        "warm click, first point, ms": point,
        "beside the bare click (aim 2.5)": point / bare,
        "warm click, final charts without playback, ms": final - PLAYBACK,
        "final charts beside the bare click (aim 4)": (final - PLAYBACK) / bare,
        "first click after start, final charts without playback, ms": never - PLAYBACK,
        "first click beside a warm one (aim 3)": (never - PLAYBACK) / (final - PLAYBACK),
        "the same on another day, ms": first - PLAYBACK,
        "first click on another day beside a warm one (aim 3)": (first - PLAYBACK) / (final - PLAYBACK),
    }


def first_click(browser, site: Site) -> float:
    """Milliseconds to the final charts of the first run of a server."""
    page = opened(browser, site, seed=0)
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


def opened(browser, site: Site, seed: int):
    """A lesson page that is ready to run a training nobody has asked for."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
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


async def learners() -> dict:
    """Sixty sessions press Run in the same instant, and the workers do the same trainings with nobody who looks."""
    one, alone = await crowd(LEARNERS), by_workers_alone()
    each = 1000 / LEARNERS
    return {
        f"{LEARNERS} learners press Run, p50, s": one.p50,
        f"{LEARNERS} learners press Run, p95, s": one.p95,
        "the same trainings by the workers alone, s": alone,
        "p95 beside the workers alone (aim 2)": one.p95 / alone,
        "CPU of a run, server, ms": each * one.server,
        "CPU of a run, workers, ms": each * one.workers,
        "server beside workers (aim 0.5)": one.server / one.workers,
        "CPU of a run, this client, ms": each * one.client,
        "CPU of opening a page, server, ms": each * one.opening,
        "bytes of a run to its learner, kB": one.kilobytes,
        f"{LEARNERS} learners press Run, errors": one.errors,
        "server memory (aim 300), MB": one.megabytes,
    }


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
    while True:
        content = one.component(f"{LESSON}:lab").data
        if not content["status"]["live"]:
            break
        await one.trigger(f"{LESSON}:lab", "tick", time.time())
    assert content["run"], f"no run came: {content['status']}"
    return time.perf_counter() - began


def resident(pid: int) -> float:
    """Resident memory of the process, in MB."""
    return psutil.Process(pid).memory_info().rss / 1e6


if __name__ == "__main__":
    main("--json" in sys.argv)
