"""The cycle of peer instruction: vote, discuss, vote again, run, reveal (Mazur, Peer Instruction, 1997)."""

from dataclasses import dataclass
from typing import Literal, get_args

Phase = Literal["waiting", "vote", "discuss", "revote", "run", "reveal"]
PHASES: tuple[Phase, ...] = get_args(Phase)
BALLOTS: dict[Phase, int] = {"vote": 1, "revote": 2}
CLOSED: dict[Phase, Phase] = {"vote": "discuss", "revote": "run"}  # where a vote goes whose time is over
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


def advice(phase: Phase, right: int, votes: int, runs: bool = True) -> Advice | None:
    """What to do after a vote; None before anybody has voted, and once it runs. `runs`: whether something is to be."""
    if not votes or phase not in ("vote", "discuss", "revote"):
        return None
    share = right / votes
    score = f"{right} of {votes} right ({share:.0%})"
    if phase == "revote" or share > GO_ON:
        return Advice("run" if runs else "reveal", f"{score}: go on, {'run it and ' * runs}reveal.")
    if share < TEACH_AGAIN:
        return Advice("revote", f"{score}: too few to convince each other. Explain it again, then let them vote again.")
    return Advice("discuss" if phase == "vote" else "revote", f"{score}: let them discuss in pairs, then vote again.")
