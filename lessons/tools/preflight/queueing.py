"""How long a class waits for its runs: a closed queueing network of learners, one server process and its workers.

A learner thinks, presses Run, and waits: for the server, whose Python computes one thing at a time, and for one of the
workers; all of them share the cores. What a run asks of each is its demand, in CPU seconds. The bounds are those of
operational analysis and the recursion is mean value analysis, with Seidmann's approximation for a station of several
servers: Lazowska, Zahorjan, Graham and Sevcik, Quantitative System Performance (1984), chapters 5 and 6.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

P95 = 0.95  # of a crowd that is served at a steady rate, as many have been served when this share of the time is over


@dataclass(frozen=True)
class Demands:
    """CPU seconds of one run."""

    server: float
    worker: float
    other: float = 0.0  # of what else computes on the machine meanwhile, such as the program that plays the learners

    def on(self, speed: float) -> "Demands":
        """The same on a machine where everything takes `speed` times as long."""
        return Demands(self.server * speed, self.worker * speed, self.other * speed)


@dataclass(frozen=True)
class Machine:
    """One server process with its workers."""

    workers: int
    cores: int

    def rate(self, demands: Demands) -> float:
        """Runs per second at most: whatever is busy all the time first sets it."""
        return 1 / max(self.loads(demands).values())

    def loads(self, demands: Demands) -> dict[str, float]:
        """Seconds that a run keeps each part busy; the largest gives way first."""
        return {
            "the server process": demands.server,
            "the workers": demands.worker / min(self.workers, self.cores),
            "the cores": (demands.server + demands.worker + demands.other) / self.cores,
        }

    def gives_way(self, demands: Demands) -> str:
        """What sets the rate."""
        loads = self.loads(demands)
        return max(loads, key=lambda part: loads[part])


def burst(learners: int, rate: float, first: float = 0.0) -> float:
    """Seconds until 95 of 100 have their run when all press at once. `first`: of one who is alone."""
    return first + P95 * max(0, learners - 1) / rate


def in_time(seconds: float, demand: float) -> int:
    """How many a station of this demand serves so that 95 of 100 are done by then; one at least."""
    return 1 + math.floor(seconds / (P95 * demand))


def steady(learners: int, pause: float, demands: Demands, machine: Machine) -> tuple[float, float]:
    """Seconds that a run takes, and runs per second, where each learner pauses so long between two.

    Mean values. The time on the cores is shared out to the stations as they need it.
    """
    loads = machine.loads(demands)
    crowding = max(loads.values()) / max(loads["the server process"], loads["the workers"])
    several = min(machine.workers, machine.cores)
    queues = [demands.server * crowding, demands.worker * crowding / several]
    delay = demands.worker * crowding * (several - 1) / several  # Seidmann: the rest of a multiple server
    waiting, rate, lasts = [0.0, 0.0], 0.0, 0.0
    for count in range(1, learners + 1):
        times = [demand * (1 + queue) for demand, queue in zip(queues, waiting, strict=True)]
        lasts = sum(times) + delay
        rate = count / (pause + lasts)
        waiting = [rate * time for time in times]
    return lasts, rate


@dataclass(frozen=True)
class Fit:
    """A straight line through measured bursts: seconds of the first, and how much slower than the bound they are."""

    first: float
    slower: float

    def predicts(self, learners: int, rate: float) -> float:
        return self.first + self.slower * burst(learners, rate)


def fitted(learners: Sequence[int], rate: float, seconds: Sequence[float]) -> Fit:
    """By least squares, from the p95 of several crowds (crowd,); two at least."""
    bounds = [burst(count, rate) for count in learners]
    slower, first = np.polyfit(bounds, seconds, 1)
    return Fit(float(first), float(slower))
