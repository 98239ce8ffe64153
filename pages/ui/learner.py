"""What is kept of the learner of this session."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

STEPS = "learner:steps"  # session key


@dataclass(frozen=True)
class Step:
    """One thing that a learner did."""

    kind: str
    slug: str  # of the lesson
    name: str  # of the exercise
    told: Mapping[str, Any] = field(default_factory=dict)
    at: float = field(default_factory=time.time)


def keep(kind: str, slug: str, name: str, told: Mapping[str, Any]) -> None:
    """Keep a step for this session."""
    st.session_state.setdefault(STEPS, []).append(Step(kind, slug, name, dict(told)))


def kept(slug: str) -> list[Step]:
    """What this learner did in a lesson, in that order."""
    return [step for step in st.session_state.get(STEPS, ()) if step.slug == slug]
