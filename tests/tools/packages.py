"""Programs of the system that tests drive, installed where this user may."""

from __future__ import annotations

import os
import shutil
import subprocess


def install(*names: str) -> bool:
    """Debian's and Ubuntu's packages. False where there is no apt-get, or only a password would help."""
    root = as_root()
    if root is None or not shutil.which("apt-get"):
        return False
    apt = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"]
    attempt(*apt, "update")
    return attempt(*apt, "install", "-y", "--no-install-recommends", *names)


def as_root() -> list[str] | None:
    """What goes before a command that needs root; None where only a password would help."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
        return ["sudo", "-n"]
    return None


def attempt(*command: str) -> bool:
    print("+", *command, flush=True)
    return subprocess.run(command, stdin=subprocess.DEVNULL).returncode == 0
