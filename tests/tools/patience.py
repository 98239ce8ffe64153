"""How long tests wait for what is to happen: as much longer as this machine is slower than usual."""

import time

USUAL = 0.2  # seconds that the sum below takes on a machine that is not busy


def slowness() -> float:
    """How many times slower than usual this machine is now; 1 where it is not."""
    began = time.perf_counter()
    sum(range(10_000_000))
    return max(1.0, (time.perf_counter() - began) / USUAL)


SLOWNESS = slowness()


def patient(seconds: float) -> float:
    """What takes at most so many seconds when other tests have the cores, in seconds on this machine now."""
    return seconds * SLOWNESS


PATIENCE = patient(60)
