"""By how much an attacker slows a neighbour's run: `python -m tests.tools.neighbours`, six minutes.

An attacker has the walled pool of a server look at one hostile model after the other, as fast as it takes them; a
neighbour runs a warm preset of a lesson again and again. Rounds with and without the attacker take turns, so that what
else this machine does falls on both. All texts that are refused are one attack, in turn.
"""

from __future__ import annotations

import argparse
import statistics
import threading
import time
from collections.abc import Sequence
from concurrent.futures import wait

from lessons.course.discovery import LESSONS
from lessons.recipe.recipe import Recipe
from lessons.sandbox.walled_pool import WARM, WalledPool
from lessons.server import tasks, walled_tasks
from lessons.server.laboratory import structure
from lessons.workers.capacity import default_size
from lessons.workers.pool import WorkerPool
from tests.tools.attacks import LIMITED
from tests.tools.model_attacks import MODEL_ATTACKS

PRESET = LESSONS["mask_and_loss"].preset("broken").settings
MOST = 1.5  # times as long as alone: the word


class Attacker(threading.Thread):
    """Asks for one text after the other until told to stop."""

    def __init__(self, pool: WalledPool, texts: Sequence[str]):
        super().__init__(daemon=True)
        self.pool, self.texts, self.over, self.times = pool, texts, threading.Event(), 0

    def run(self) -> None:
        while not self.over.is_set():
            job = self.pool.submit(walled_tasks.inspect_model, self.texts[self.times % len(self.texts)])
            self.times += 1
            while not job.done() and not self.over.is_set():
                wait([job], 0.05)
            job.stop()


def runs(workers: WorkerPool, seconds: float, seeds: list[int]) -> list[float]:
    """How long each run of the neighbour took, one after the other, for so many seconds. No two have the same seed."""
    took, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        seeds[0] += 1
        began = time.monotonic()
        workers.submit(tasks.train, Recipe(PRESET.with_changes({"seed": seeds[0]}))).result()
        took.append(time.monotonic() - began)
    return took


def measured(workers: WorkerPool, walled: WalledPool, texts: Sequence[str], rounds: int, seconds: float) -> tuple:
    """(median seconds alone, median beside the attacker, how often it asked)."""
    alone: list[float] = []
    beside: list[float] = []
    seeds, asked = [0], 0
    runs(workers, seconds, seeds)
    for _ in range(rounds):
        alone += runs(workers, seconds, seeds)
        attacker = Attacker(walled, texts)
        attacker.start()
        beside += runs(workers, seconds, seeds)
        attacker.over.set()
        attacker.join()
        asked += attacker.times
    return statistics.median(alone), statistics.median(beside), asked


def attacks() -> dict[str, list[str]]:
    """By name; all that are refused are one."""
    found = {name: [text] for name, text, fate in MODEL_ATTACKS if fate == LIMITED}
    return found | {"what is refused": [text for _, text, fate in MODEL_ATTACKS if fate != LIMITED]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each round")
    parser.add_argument("--only", nargs="*", help="names of attacks; all, where none is named")
    given = parser.parse_args()
    workers = WorkerPool(affinity=structure)
    walled = WalledPool(max(1, default_size() // 2), warm=WARM)
    walled.start()
    ratios = {}
    for name, texts in attacks().items():
        if given.only and name not in given.only:
            continue
        alone, beside, asked = measured(workers, walled, texts, given.rounds, given.seconds)
        ratios[name] = beside / alone
        took = f"{1000 * alone:5.0f} ms alone, {1000 * beside:5.0f} beside; asked {asked:3}"
        print(f"{ratios[name]:5.2f}  {took}  {name}", flush=True)
    over = {name: round(ratio, 2) for name, ratio in ratios.items() if ratio > MOST}
    middle, most = statistics.median(ratios.values()), max(ratios.values())
    print(f"median {middle:.2f}, most {most:.2f}; over {MOST}: {over or 'none'}")
    walled.shutdown(wait=False, cancel_futures=True)
    workers.shutdown(wait=False, cancel_futures=True)


if __name__ == "__main__":
    main()
