"""The cycle of peer instruction: vote, discuss, vote again, run, reveal (Mazur, Peer Instruction, 1997)."""

from dataclasses import dataclass
from typing import Literal, get_args

Phase = Literal["waiting", "vote", "discuss", "revote", "run", "reveal"]
PHASES: tuple[Phase, ...] = get_args(Phase)
BALLOTS: dict[Phase, int] = {"vote": 1, "revote": 2}
NAMES: dict[Phase, str] = {
    "waiting": "Waiting",
    "vote": "Vote",
    "discuss": "Discuss",
    "revote": "Vote again",
    "run": "Run",
    "reveal": "Reveal",
}
SHOWN: Phase = "reveal"  # before it no learner sees how others voted

# Crouch and Mazur, Am. J. Phys. 69 (2001) 970: discussion helps most between these shares of right answers.
TEACH_AGAIN, GO_ON = 0.3, 0.8


@dataclass(frozen=True)
class Advice:
    """What a share of right answers asks for."""

    phase: Phase  # where to go next
    says: str


def next_phase(phase: Phase) -> Phase:
    """The one after it; after the last a new question waits."""
    return PHASES[(PHASES.index(phase) + 1) % len(PHASES)]


def advice(right: int, votes: int) -> Advice | None:
    """What to do after a vote; None before anybody has voted."""
    if not votes:
        return None
    share = right / votes
    told = f"{right} of {votes} right ({share:.0%})"
    if share < TEACH_AGAIN:
        return Advice("vote", f"{told}: too few to convince each other. Explain it again, then vote again.")
    if share <= GO_ON:
        return Advice("discuss", f"{told}: let them discuss in pairs, then vote again.")
    return Advice("run", f"{told}: go on, run it and reveal.")
