"""Whether code from strangers may run where the system lacks a wall: the operator says so."""

import os

FEWER_WALLS = "UNMASKED_FEWER_WALLS"


def fewer_walls_allowed() -> bool:
    """Whether the operator lets strangers' code run without Landlock or seccomp. Raises ValueError."""
    said = os.environ.get(FEWER_WALLS, "")
    if said not in ("", "0", "1"):
        raise ValueError(f"{FEWER_WALLS}: got “{said[:40]}”; takes 1, or 0.")
    return said == "1"
