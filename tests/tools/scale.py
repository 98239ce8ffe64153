"""What one server carries: bursts of 20, 60 and 100 learners, a model fitted on them, and 200 predicted and measured.

`python -m tests.tools.scale` prints the table of docs/scale.md. No test: figures are a machine's.
"""

from __future__ import annotations

import argparse
import asyncio
import json

from lessons.tools.preflight.memory import cores_here
from lessons.tools.preflight.queueing import Demands, Machine, fitted, steady
from tests.tools.stopwatch import Crowd, crowd

FITTED, PREDICTED = (20, 60, 100), 200
PAUSE = 30.0  # seconds that a learner looks at a run before the next


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--json", action="store_true", help="print one line of JSON")
    given = asked.parse_args()
    measured = [asyncio.run(crowd(count)) for count in (*FITTED, PREDICTED)]
    figures = told(measured)
    if given.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:64} {value:.3g}" if isinstance(value, float | int) else f"{name:64} {value}")


def told(measured: list[Crowd]) -> dict:
    """The table: each crowd, the model, and how well it predicted the last of them."""
    known, last = measured[:-1], measured[-1]
    total = sum(one.learners for one in known)
    demands = Demands(*(sum(getattr(one, part) for one in known) / total for part in ("server", "workers", "client")))
    machine = Machine(last.processes, cores_here())
    rate = machine.rate(demands)
    fit = fitted([one.learners for one in known], rate, [one.p95 for one in known])
    guess = fit.predicts(last.learners, rate)
    lasts, runs = steady(last.learners, PAUSE, demands, machine)
    figures: dict = {}
    for one in measured:
        figures |= {
            f"{one.learners} at once, p50, s": one.p50,
            f"{one.learners} at once, p95, s": one.p95,
            f"{one.learners} at once, CPU of a run: server, workers, client, ms": [
                round(1000 * part / one.learners) for part in (one.server, one.workers, one.client)
            ],
            f"{one.learners} at once, memory of the server, MB": one.megabytes,
            f"{one.learners} at once, errors": one.errors,
        }
    return figures | {
        "model: runs a second at most": rate,
        "model: what gives way first": machine.gives_way(demands),
        "model: a run alone, s": fit.first,
        "model: slower than its bound, times": fit.slower,
        f"predicted for {last.learners} at once, p95, s": guess,
        "measured": last.p95,
        "predicted beside measured": guess / last.p95,
        f"{last.learners} learners who press every {PAUSE:.0f} s: a run takes, s": lasts,
        "and so many runs a second": runs,
    }


if __name__ == "__main__":
    main()
