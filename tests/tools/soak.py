"""Half an hour of open, run, leave by one browser: `python -m tests.tools.soak [--minutes 30]`.

Real pages and real runs, each with a seed that nobody has asked for. The server's memory of finished runs is filled
before, so that what grows afterwards is no memory of ours that has a limit.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from tempfile import TemporaryDirectory

import psutil

from lessons.server.laboratory import KEPT_BYTES
from lessons.tools.rows import Row, shown
from tests.tools.load import Session
from tests.tools.screen import open_lesson, run
from tests.tools.site import Site, browsing, serving
from tests.tools.stopwatch import LESSON, press

LESSONS = LESSON, "divided_by", "attention_mask", "useless_alone"  # of three families
EPOCHS = 40
RUN_BYTES = 150e3  # that such a run is remembered with, at least
TOGETHER = 4  # learners who fill it
MEGABYTE = 1e6
EVERY = 60.0  # seconds from one look at the memory to the next


@dataclass(frozen=True)
class Look:
    """The memory that processes have for themselves alone, in MB, and how many visits there were by then."""

    visits: int
    server: float
    workers: tuple[float, ...]  # by process, the fork server first

    @classmethod
    def at(cls, site: Site, visits: int) -> Look:
        server = psutil.Process(site.process.pid)
        workers = sorted(server.children(recursive=True), key=lambda process: process.pid)
        return cls(visits, own(server), tuple(map(own, workers)))

    @property
    def words(self) -> str:
        workers = " ".join(f"{one:6.1f}" for one in self.workers)
        return f"{self.visits:6} visits   server {self.server:6.1f} MB   workers {workers}"


def own(process: psutil.Process) -> float:
    return process.memory_full_info().uss / MEGABYTE


async def fill(site: Site, seeds: Iterator[int], runs: int) -> None:
    """So many runs before the first visit."""

    async def learner() -> None:
        for _ in range(runs // TOGETHER):
            asked = f"lesson={LESSON}&mode=present&epochs={EPOCHS}&seed={next(seeds)}"
            session = await Session.open(site.url, asked, timeout=60)
            await press(session)
            await session.close()

    await asyncio.gather(*(learner() for _ in range(TOGETHER)))


def visit(browser, site: Site, slug: str, seed: int) -> None:
    """Open the lesson in a tab of its own, run it to the end, leave."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    open_lesson(page, site, slug, epochs=str(EPOCHS), seed=str(seed))
    run(page)
    page.close()


def soak(minutes: float, runs: int) -> list[Look]:
    """What was seen every minute."""
    seeds = count(1)
    with TemporaryDirectory() as graphs, serving(UNMASKED_GRAPHS=graphs) as site:
        asyncio.run(fill(site, seeds, runs))  # before Playwright, which has a loop of its own
        with browsing() as browser:
            return stay(browser, site, seeds, minutes)


def stay(browser, site: Site, seeds: Iterator[int], minutes: float) -> list[Look]:
    """Visit after visit; what was seen every minute."""
    looks: list[Look] = []
    visits, passed, began = 0, 0.0, time.monotonic()
    while passed < 60 * minutes:
        visits += 1
        visit(browser, site, LESSONS[visits % len(LESSONS)], next(seeds))
        passed = time.monotonic() - began
        if passed >= EVERY * len(looks):
            looks.append(Look.at(site, visits))
            print(f"{passed / 60:5.1f} min {looks[-1].words}", flush=True)
    return looks


def rows(looks: list[Look]) -> Iterator[Row]:
    """The last five minutes beside five after the first ten, by when every worker has its graphs."""
    early, late = looks[10:15], looks[-5:]
    for name, of in (("server", lambda look: look.server), ("workers", lambda look: sum(look.workers))):
        before, after = (statistics.median(map(of, part)) for part in (early, late))
        yield Row(f"memory of the {name}, last five minutes, MB", after, "minutes 11 to 15", before, 1.05)
    yield Row("visits", looks[-1].visits)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--minutes", type=float, default=30, help="20 or more")
    asked.add_argument("--runs", type=int, default=int(KEPT_BYTES / RUN_BYTES),
                       help="before the first visit; left out, so many that the server forgets the oldest")  # fmt: skip
    given = asked.parse_args()
    shown(rows(soak(given.minutes, given.runs)), False)


if __name__ == "__main__":
    main()
