"""The cycle of peer instruction, and what a share of right answers asks for."""

import pytest

from lessons.classroom.phase import PHASES, advice


def test_the_cycle():
    assert PHASES == ("waiting", "vote", "discuss", "revote", "run", "reveal")


@pytest.mark.parametrize(
    "phase, right, votes, then",
    [
        ("vote", 0, 10, "revote"),
        ("vote", 29, 100, "revote"),
        ("vote", 30, 100, "discuss"),
        ("discuss", 1, 2, "revote"),
        ("vote", 80, 100, "discuss"),
        ("vote", 81, 100, "run"),
        ("discuss", 10, 10, "run"),
        ("revote", 0, 10, "run"),
    ],
)
def test_advice(phase, right, votes, then):
    told = advice(phase, right, votes)
    assert told.phase == then and told.says.startswith(f"{right} of {votes} right ({right / votes:.0%}): ")


@pytest.mark.parametrize("phase, votes", [("vote", 0), ("run", 10), ("reveal", 10), ("waiting", 10)])
def test_there_is_none_without_votes_or_once_it_runs(phase, votes):
    assert advice(phase, 0, votes) is None
