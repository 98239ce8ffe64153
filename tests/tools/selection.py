"""Which cases of a parametrised test run in `make test`; the rest waits for `make verify`."""

from collections.abc import Sequence

import pytest


def first(count: int, cases: Sequence) -> list:
    """Put those first that differ most."""
    rest = [case if isinstance(case, tuple) else (case,) for case in cases[count:]]
    return [*cases[:count], *(pytest.param(*case, marks=pytest.mark.verify) for case in rest)]
