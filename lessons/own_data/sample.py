"""A file to try and to edit: sequences of different lengths, gaps in time, missing labels; the same every time."""

from functools import cache

import numpy as np

NAME = "sample.csv"


@cache
def sample() -> bytes:
    """CSV in UTF-8.

    The label depends on the water of this day and the light of the day before, as a lesson's own does.
    """
    rng = np.random.default_rng(5)
    lines = ["sequence,time,water,light,label"]
    for plant in range(1, 37):
        days = int(rng.integers(5, 17))
        water, light = rng.normal(size=(2, days)).round(3)
        growth = 0.8 * water + 0.6 * np.concatenate([[0.0], light[:-1]])
        skipped, unknown = rng.random((2, days)) < [[0.05], [0.1]]
        for day in range(days):
            if not skipped[day] or day in (0, days - 1):
                label = "" if unknown[day] else f"{growth[day]:.3f}"
                lines.append(f"plant {plant},{day + 1},{water[day]},{light[day]},{label}")
    return "\n".join([*lines, ""]).encode()
