"""What a number is wherever a person writes one: in an address, a CSV, an option, a variable of the server.

Python's own `float` and `int` read more than that: 1_0 as 10, digits of any script, the words nan and infinity.
"""

import re

NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
WHOLE = re.compile(r"[0-9]{1,15}")


def number(text: str) -> float:
    """12, -0.5, +3, .5, 2., 1e-7, with spaces around or not; infinite where a float cannot be so large.

    Raises ValueError for any other text.
    """
    if not NUMBER.fullmatch(text := text.strip()):
        raise ValueError(f"no number: {text!r}")
    return float(text)


def is_whole(text: str, least: int, most: int) -> bool:
    """Whether it says how many of something, by digits alone, and that is from `least` to `most`. `int` reads it."""
    return bool(WHOLE.fullmatch(text.strip())) and least <= int(text) <= most
