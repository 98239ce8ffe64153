"""What a check found, and the words that several of them use."""

from dataclasses import dataclass, field
from typing import Any

OK, WARNING, FAILED = "ok", "warning", "failed"


@dataclass(frozen=True)
class Check:
    """One thing that was tried. `do`: what to do about it, where something is to be done."""

    name: str
    verdict: str
    says: str
    do: str = ""
    measured: dict[str, Any] = field(default_factory=dict)


def size(bytes_: float) -> str:
    return f"{bytes_ / 1e9:.1f} GB" if bytes_ >= 1e9 else f"{bytes_ / 1e6:.3g} MB"
