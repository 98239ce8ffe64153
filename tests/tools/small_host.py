"""Does it fit on a host with 1 GB? `sudo python -m tests.tools.small_host [--megabytes 1024]`.

A server with one worker in a control group that may have so much memory and no more: every preset of a lesson, then a
room of ten through two questions. What the kernel had to give, and whether it ended anything.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from lessons.classroom import database
from lessons.classroom.room import Rooms
from lessons.course.discovery import LESSONS
from tests.tools.crowd import LESSON, PATIENCE, attend
from tests.tools.load import Session
from tests.tools.site import ROOT, Site, await_health, free_port

GROUPS = Path("/sys/fs/cgroup/memory")  # of version 1
MEGABYTE = 1_048_576
LEARNERS, ROUNDS = 10, 2


@contextmanager
def limited(megabytes: int):
    """A control group, its folder; what runs in it is ended when it is left."""
    group = GROUPS / f"unmasked-{os.getpid()}"
    group.mkdir()
    (group / "memory.limit_in_bytes").write_text(str(megabytes * MEGABYTE))
    try:
        yield group
    finally:
        while processes := (group / "cgroup.procs").read_text().split():
            subprocess.run(["kill", "-KILL", *processes], check=False)
            time.sleep(0.1)
        group.rmdir()


@contextmanager
def served(group: Path, url: str):
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}"]
    inside = ["sh", "-c", 'echo $$ > "$0"/cgroup.procs; exec "$@"', str(group), *command]
    environment = {**os.environ, "UNMASKED_WORKERS": "1", "UNMASKED_DATABASE_URL": url, "UNMASKED_GRAPHS": "none"}
    process = subprocess.Popen(inside, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        await_health(f"http://localhost:{port}/_stcore/health", process)
        yield Site(f"http://localhost:{port}", process, time.perf_counter(), None)
    finally:
        process.terminate()
        process.wait(20)


def used(group: Path) -> dict[str, float]:
    """Megabytes that its processes have for themselves, the most that it ever had, and what the kernel ended."""
    stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    ended = dict(line.split() for line in (group / "memory.oom_control").read_text().splitlines())
    most = int((group / "memory.max_usage_in_bytes").read_text()) / MEGABYTE
    own = int(stat["total_rss"]) / MEGABYTE
    return {"own": round(own), "most, with the cache of files": round(most), "ended": int(ended.get("oom_kill", 0))}


async def lesson(site: Site, slug: str) -> int:
    """Run every preset; how many ran."""
    for preset in LESSONS[slug].presets:
        session = await Session.open(site.url, f"lesson={slug}&preset={preset.name}&mode=present", timeout=PATIENCE)
        await session.click("Run")
        while "epochs in" not in session.component(f"{slug}:lab").data["status"]["words"]:
            await session.trigger(f"{slug}:lab", "tick")
        await session.close()
    return len(LESSONS[slug].presets)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--megabytes", type=int, default=1024)
    given = asked.parse_args()
    with TemporaryDirectory() as folder, limited(given.megabytes) as group:
        url = f"sqlite:///{folder}/rooms.sqlite"
        with served(group, url) as site:
            print("first page:", asyncio.run(opened(site, group)))
            print(f"{asyncio.run(lesson(site, LESSON[0]))} presets:", used(group))
            told = asyncio.run(attend([site], Rooms(database.connect(url)), LEARNERS, ROUNDS))
            print(f"a room of {LEARNERS}:", used(group))
            for name in ("votes and runs lost (aim 0)", "errors (aim 0)"):
                print(name, told[name])


async def opened(site: Site, group: Path) -> dict[str, float]:
    await (await Session.open(site.url, timeout=PATIENCE)).close()
    return used(group)


if __name__ == "__main__":
    main()
