"""The model behind `preflight --learners`: against what can be computed by hand, and against a simulation."""

import heapq

import numpy as np
import pytest

from lessons.tools.preflight.queueing import P95, Demands, Machine, burst, fitted, in_time, steady

DEMANDS = Demands(server=0.02, worker=0.1)


def simulated(learners: int, pause: float, demands: Demands, workers: int, seed: int = 0) -> float:
    """Seconds that a run takes where thinking and both services are exponential and every station has its own cores."""
    rng = np.random.default_rng(seed)
    free = {"server": [0.0], "worker": [0.0] * workers}
    asks = [(rng.exponential(pause), number, 0.0, "server") for number in range(learners)]
    heapq.heapify(asks)
    lasted = list[float]()
    while len(lasted) < 20_000:
        now, number, began, station = heapq.heappop(asks)
        began = now if station == "server" else began
        start = max(now, heapq.heappop(free[station]))
        ends = start + rng.exponential(getattr(demands, station))
        heapq.heappush(free[station], ends)
        if station == "server":
            heapq.heappush(asks, (ends, number, began, "worker"))
        else:
            lasted.append(ends - began)
            heapq.heappush(asks, (ends + rng.exponential(pause), number, 0.0, "server"))
    return float(np.mean(lasted[2000:]))


def test_one_learner_waits_for_nobody():
    lasts, rate = steady(1, 10.0, DEMANDS, Machine(2, 8))
    assert lasts == pytest.approx(0.12) and rate == pytest.approx(1 / 10.12)
    assert burst(1, 5.0, first=0.3) == 0.3


@pytest.mark.parametrize(("workers", "what"), [(2, "the workers"), (16, "the server process")])
def test_many_get_what_the_busiest_part_gives(workers, what):
    machine = Machine(workers, cores=32)
    assert machine.gives_way(DEMANDS) == what
    _, rate = steady(3000, 1.0, DEMANDS, machine)
    assert rate == pytest.approx(machine.rate(DEMANDS), rel=0.02)
    assert rate <= machine.rate(DEMANDS)


def test_cores_are_shared_by_all_that_computes():
    machine = Machine(workers=4, cores=1)
    assert machine.gives_way(DEMANDS) == "the cores" and machine.rate(DEMANDS) == pytest.approx(1 / 0.12)
    _, rate = steady(3000, 1.0, DEMANDS, machine)
    assert rate <= machine.rate(DEMANDS) * 1.01


@pytest.mark.parametrize("learners", [5, 40, 100])
@pytest.mark.parametrize("workers", [1, 3])
def test_a_run_takes_what_a_simulation_says(learners, workers):
    lasts, _ = steady(learners, 3.0, DEMANDS, Machine(workers, cores=16))
    assert lasts == pytest.approx(simulated(learners, 3.0, DEMANDS, workers), rel=0.25)


def test_so_many_are_served_in_time():
    for seconds, demand in ((5.0, 0.15), (5.0, 0.07), (0.01, 1.0)):
        most = in_time(seconds, demand)
        assert burst(most, 1 / demand) <= seconds + 1e-9 < burst(most + 1, 1 / demand)


def test_a_line_is_fitted_through_crowds():
    fit = fitted([20, 60, 100], 4.0, [1 + 1.5 * P95 * (count - 1) / 4.0 for count in (20, 60, 100)])
    assert (fit.first, fit.slower) == pytest.approx((1.0, 1.5))
    assert fit.predicts(200, 4.0) == pytest.approx(1 + 1.5 * P95 * 199 / 4.0)
