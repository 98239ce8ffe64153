"""What walled processes are asked to do. TensorFlow is imported inside, so naming an order costs a page nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def examine(text: str, function: str | None, options: Mapping[str, Any]) -> dict:
    """What is wrong with a loss."""
    from lessons.doctor.loss.examination import examine

    return examine(text, function, options)


def mend(text: str, function: str | None, options: Mapping[str, Any]) -> list[dict]:
    """Mended versions of a loss, re-examined, the best first."""
    from lessons.doctor.loss.mending import mend

    return mend(text, function, options)


def refused(function: str | None, line: int | None, message: str) -> dict:
    """The answer to a text or an option that is not accepted, or whose examination was ended."""
    return {"function": function, "findings": [], "healthy": None, "refused": {"line": line, "message": message}}
