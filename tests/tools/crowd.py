"""A class in a workshop room, over the messages: joins, votes, runs, and waits for news, as a hundred browsers would.

`python -m tests.tools.crowd` prints how long each took and what the server used. No test: figures are a machine's.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from operator import methodcaller
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import psutil

from lessons.classroom import database
from lessons.classroom.room import Rooms
from lessons.course.discovery import LESSONS
from lessons.tools.rows import Row, shown
from tests.tools.databases import empty
from tests.tools.load import Session, percentiles
from tests.tools.site import Site, serving
from tests.tools.stopwatch import EMPTY

LESSON = "mask_and_loss", "broken"
JOIN_WITHIN, VOTE_WITHIN, RUN_WITHIN = 10.0, 5.0, 5.0  # seconds over which a class does it
PATIENCE = 60.0
SAID = {  # of each figure but the vote, and the most that its p95 may be, in milliseconds
    "open": ("opening the room's page", None),
    "join": ("joining", 1000),
    "poll_to_screen": ("a phase on every screen", 3000),
    "run": ("a run seen", 3000),
}


@dataclass
class Learner:
    """One browser: a session, and the small asking that runs beside it."""

    session: Session
    url: str
    client: httpx.AsyncClient
    asking: asyncio.Task | None = None
    joined: float = 0.0  # seconds that it took
    seen: dict[str, float] = field(default_factory=dict)  # by state: when the page showed it

    @classmethod
    async def join(cls, url: str, code: str, client: httpx.AsyncClient) -> Learner:
        session = await Session.open(url, f"room={code}", timeout=PATIENCE)
        learner = cls(session, url, client)
        learner.joined = await session.click("Join")
        await session.wait_for(lambda page: bool(page.elements("bidi_component")))
        learner.asking = asyncio.create_task(learner.ask())
        return learner

    @property
    def room(self) -> dict:
        return self.session.component("room:watch").data

    async def ask(self) -> None:
        """What the component's script does in a browser."""
        await asyncio.sleep(random.random() * self.room["every"] / 1000)
        while True:
            told = self.room
            with suppress(httpx.TransportError):  # the server has ended the idle connection: asked again
                answer = await self.client.get(f"{self.url}/{told['path'].removeprefix('./')}")
                if answer.is_success and answer.text != told["state"]:
                    await self.session.trigger("room:watch", "news", answer.text)
                    self.seen[self.room["state"]] = time.perf_counter()
            await asyncio.sleep(told["every"] / 1000)

    async def vote(self, question: int, ballot: int, answer: int) -> float:
        """Seconds until the page says that the vote is in."""
        seconds = await self.session.click(f"room:vote:{question}:{ballot}:{answer}")
        if not any("Your vote is in" in shown.proto.body for shown in self.session.elements("markdown")):
            raise AssertionError(f"not acknowledged: {self.session.errors}")
        return seconds

    async def run(self, question: int) -> float:
        """Seconds until the run is there."""
        started = time.perf_counter()
        await self.session.click(f"room:run:{question}")
        while not self.trained():
            await self.session.hear(f"{LESSON[0]}:lab")
        return time.perf_counter() - started

    def trained(self) -> bool:
        return any("epochs in" in shown.data["status"]["words"] for shown in self.session.elements("bidi_component")
                   if "status" in (shown.data or {}))  # fmt: skip

    async def leave(self) -> None:
        self.asking.cancel()
        await self.session.close()


async def spread(learners: Sequence[Learner], within: float, act: Callable[[Learner], Awaitable[float]]) -> list[float]:
    """All do it, at moments spread over `within` seconds."""

    async def later(learner: Learner) -> float:
        await asyncio.sleep(random.random() * within)
        return await act(learner)

    return await asyncio.gather(*map(later, learners))


class Usage:
    """CPU seconds and memory of the servers, without their workers."""

    def __init__(self, sites: Sequence[Site]):
        self.processes = [psutil.Process(site.process.pid) for site in sites]
        self.began, self.cpu = time.perf_counter(), self.seconds()

    def seconds(self) -> float:
        return sum(sum(process.cpu_times()[:2]) for process in self.processes)

    def share(self) -> float:
        """Of one core, since the beginning."""
        return (self.seconds() - self.cpu) / (time.perf_counter() - self.began)

    def megabytes(self) -> float:
        return sum(process.memory_info().rss for process in self.processes) / 1e6


async def bare(learners: int) -> list[float]:
    """Seconds of as many clicks on an empty Streamlit page, spread as the votes are: what a vote stands beside."""
    with TemporaryDirectory() as folder:
        script = Path(folder) / "empty.py"
        script.write_text(EMPTY)
        with serving(script) as site:
            sessions = [await Session.open(site.url, timeout=PATIENCE) for _ in range(learners)]

            async def later(session: Session) -> float:
                await asyncio.sleep(random.random() * VOTE_WITHIN)
                return await session.click("Run")

            seconds = await asyncio.gather(*map(later, sessions))
            for session in sessions:
                await session.close()
    return seconds


async def attend(sites: Sequence[Site], rooms: Rooms, learners: int, rounds: int) -> tuple[list[float], list[Row]]:
    """A class goes through the cycle `rounds` times: the seconds of its votes, and what else it took."""
    code, key = rooms.open()
    async with httpx.AsyncClient(timeout=PATIENCE) as client:

        async def join(number: int) -> Learner:
            await asyncio.sleep(random.random() * JOIN_WITHIN)
            return await Learner.join(sites[number % len(sites)].url, code, client)

        console = await Session.open(sites[0].url, f"room={code}&instructor={key}", timeout=PATIENCE)
        await console.set("console:lesson", LESSONS[LESSON[0]].title)
        await console.set(f"console:preset:{LESSON[0]}", LESSONS[LESSON[0]].preset(LESSON[1]).label)
        crowd = await asyncio.gather(*(join(number) for number in range(learners)))
        told: dict = {"join": [learner.joined for learner in crowd], "vote": [], "run": [], "poll_to_screen": []}
        told["open"] = [learner.session.seconds_to_open for learner in crowd]
        memory, lost = [], 0

        async def move(phase: str) -> None:
            await console.click(f"console:phase:{phase}")
            moved, state = time.perf_counter(), rooms.look(code).state
            async with asyncio.timeout(PATIENCE):
                while not all(state in learner.seen for learner in crowd):
                    await asyncio.sleep(0.02)
            told["poll_to_screen"] += [learner.seen[state] - moved for learner in crowd]

        for question in range(1, rounds + 1):
            await console.click("console:ask")
            await move("vote")
            told["vote"] += await spread(crowd, VOTE_WITHIN, methodcaller("vote", question, 1, question % 3))
            tally = rooms.tally(code, key)
            lost += learners - sum(tally.votes.get(1, {}).values())
            await move("run")
            told["run"] += await spread(crowd, RUN_WITHIN, methodcaller("run", question))
            lost += learners - rooms.tally(code, key).done
            await move("reveal")
            memory.append(round(Usage(sites).megabytes()))
        usage = Usage(sites)
        await asyncio.sleep(10)
        rest = usage.share()
        errors = [error for learner in crowd for error in learner.session.errors]
        for learner in crowd:
            await learner.leave()
        await console.close()
    rows = [
        Row(f"{said}, {of}, ms", 1000 * value, aim=aim if of == "p95" else None)
        for name, (said, aim) in SAID.items()
        for of, value in percentiles(told[name]).items()
    ]
    return told["vote"], [
        *rows,
        Row("votes and runs lost", lost, aim=0),
        Row("errors", len(errors), aim=0),
        Row("a room at rest, share of one core", rest, aim=0.15),
        Row("memory of the server after the first round, MB", memory[0], aim=600),
        Row("memory of the server after the last round, MB", memory[-1], aim=600),
    ]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--learners", type=int, default=100)
    asked.add_argument("--rounds", type=int, default=2)
    asked.add_argument("--replicas", type=int, default=1)
    asked.add_argument("--json", action="store_true", help="print one line of JSON")
    asked.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    given = asked.parse_args()
    with TemporaryDirectory() as folder, ExitStack() as stack:
        url = empty(given.database, Path(folder))
        sites = [stack.enter_context(serving(UNMASKED_DATABASE_URL=url)) for _ in range(given.replicas)]
        time.sleep(20)  # TensorFlow loads
        votes, rows = asyncio.run(attend(sites, Rooms(database.connect(url)), given.learners, given.rounds))
    peer, vote = percentiles(asyncio.run(bare(given.learners)))["p95"], percentiles(votes)["p95"]
    among = f"a bare click of an empty page among {given.learners}"
    shown([Row("a vote acknowledged, p95, ms", 1000 * vote, among, 1000 * peer, 4), *rows], given.json)


if __name__ == "__main__":
    main()
