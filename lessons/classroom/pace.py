"""How often one visitor may do what costs others something: join, vote, guess a code, ask the clinic.

Kept in the memory of one server process, for a burst is a matter of seconds: it is no part of a room.
"""

import math
import time
from functools import cache

from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from lessons.classroom.refusal import TooOften

PACES = {
    "join": "5 per minute; 20 per hour",
    "open": "5 per minute; 30 per hour",
    "publish": "10 per minute; 60 per hour",
    "vote": "20 per minute",
    "wrong code": "5 per minute; 20 per hour",  # of a session, and there are 31 ** 7 codes
    # Of an address, which a whole school may share: two classes of 60, each learner as often as a session may. At this
    # pace it takes 32 days to have tried one code in a thousand.
    "wrong code here": "600 per minute",
    "clinic": "30 per minute",
}


@cache
def limiter() -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(MemoryStorage())


@cache
def paces(action: str) -> tuple[RateLimitItem, ...]:
    return tuple(parse_many(PACES[action]))


def spend(action: str, who: str) -> None:
    """Count one `action` of `who`. Raises TooOften, and counts nothing, where that is one too many."""
    check(action, who)
    for pace in paces(action):
        limiter().hit(pace, action, who)


def check(action: str, who: str) -> None:
    """Raises TooOften where `who` may not do it now. Nothing is counted."""
    for pace in paces(action):
        if not limiter().test(pace, action, who):
            left = limiter().get_window_stats(pace, action, who).reset_time - time.time()
            raise TooOften(f"{action}: {pace.amount} {within(pace)} at most; go on in {max(1, math.ceil(left))} s.")


def within(pace: RateLimitItem) -> str:
    return f"in {pace.multiples} {pace.GRANULARITY.name}s" if pace.multiples > 1 else f"a {pace.GRANULARITY.name}"
