"""Before a class: whether everything works on this machine, and whether it is enough for so many learners.

Every check does the thing itself: it starts a server, trains in a worker, opens a room in the database and deletes it.
It leaves nothing behind but the database's tables and SQLite's secret, which the app would make too.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import asdict

from lessons.recipe.bad_input import BadInput
from lessons.recipe.numeral import is_whole
from lessons.recipe.words import first_line
from lessons.tools.preflight import capacity, machine, network, processes, storage
from lessons.tools.preflight.check import FAILED, Check

DEFAULT_PORT = 8501
MOST = 100_000  # learners, in as many rooms as they like
LEARNERS = 30  # a class, where nobody says how many


def learners(given: str) -> int:
    return whole("--learners", given, MOST)


def port_of(given: str | None) -> int:
    """The port asked for, else the one that Streamlit would take."""
    if given is not None:
        return whole("--port", given, 65535)
    named = os.environ.get("STREAMLIT_SERVER_PORT")
    return whole("STREAMLIT_SERVER_PORT", named, 65535) if named else int(network.configured("port", DEFAULT_PORT))


def whole(name: str, given: str, most: int) -> int:
    """Raises BadInput."""
    if not is_whole(given, 1, most):
        raise BadInput(f"{name}: got “{given[:40]}”; takes a whole number from 1 to {most}.")
    return int(given)


def checks(count: int, port: int) -> Iterator[Check]:
    """All of them, each as soon as it is done; memory last, for it needs what the others have measured."""
    yield machine.versions()
    yield machine.disk()
    yield from network.network(port)
    found = []
    for name, check in (("server", processes.server), ("worker", processes.worker), ("database", storage.stored)):
        found.append(guarded(name, check))
        yield found[-1]
    yield capacity.capacity(capacity.needs(count, found), found)


def guarded(name: str, check: Callable[[], Check]) -> Check:
    """A check that ends in an error has failed; the others go on."""
    try:
        return check()
    except Exception as failure:
        return Check(name, FAILED, f"It ended with {type(failure).__name__}: {first_line(failure)}")


def report(found: list[Check], count: int) -> dict:
    """All of it, for JSON."""
    return {
        "ok": all(check.verdict != FAILED for check in found),
        "checks": [asdict(check) for check in found],
        "needs": asdict(capacity.needs(count, found)),
    }
