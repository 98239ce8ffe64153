"""How often one visitor may do what costs others something."""

import pytest

from lessons.classroom import pace
from lessons.classroom.refusal import TooOften


@pytest.mark.parametrize("action", pace.PACES)
def test_one_too_many_is_refused_with_the_time_to_wait(action):
    most = pace.paces(action)[0].amount
    for _ in range(most):
        pace.spend(action, "Ada")
    for attempt in (pace.spend, pace.check):
        with pytest.raises(TooOften, match=rf"^{action}: {most} a minute at most; go on in \d+ s\.$"):
            attempt(action, "Ada")
    pace.spend(action, "Grace")  # others go on


def test_what_is_refused_is_not_counted(monkeypatch):
    monkeypatch.setitem(pace.PACES, "blink", "1 per second")
    pace.spend("blink", "Ada")
    until = pace.limiter().get_window_stats(pace.paces("blink")[0], "blink", "Ada").reset_time
    for _ in range(5):
        with pytest.raises(TooOften):
            pace.spend("blink", "Ada")
    assert pace.limiter().get_window_stats(pace.paces("blink")[0], "blink", "Ada").reset_time == until
