"""The machine: Python, its packages, the disk."""

import importlib.metadata
import shutil
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from lessons.tools.preflight.check import FAILED, OK, WARNING, Check, size
from lessons.workers.pool import ROOT

FITS = (3, 11), (3, 13)  # Python; TensorFlow and Streamlit have releases for these
DISK_LOW, DISK_FULL = 1e9, 0.2e9  # bytes free


def versions() -> Check:
    """Python, and the packages that requirements.txt asks for on this system."""
    python = ".".join(map(str, sys.version_info[:3]))
    found, wrong = {"python": python}, []
    if not FITS[0] <= sys.version_info[:2] <= FITS[1]:
        wrong.append(f"Python {python} instead of 3.11 to 3.13")
    for name, wanted in required():
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{name} is missing")
            continue
        if not wanted.contains(found[name], prereleases=True):
            wrong.append(f"{name} {found[name]} instead of {wanted}")
    if wrong:
        do = "In this folder: python -m pip install -r requirements.txt, or make run."
        return Check("versions", FAILED, f"{'; '.join(wrong)}.", do, found)
    return Check("versions", OK, f"Python {python} and {len(found) - 1} packages are as required.", measured=found)


def required() -> Iterator[tuple[str, Any]]:
    """(name, versions) of each line of requirements.txt that is meant for this system."""
    from packaging.requirements import Requirement  # comes with Streamlit

    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        line = line.partition("#")[0].strip()
        if line:
            wanted = Requirement(line)
            if wanted.marker is None or wanted.marker.evaluate():
                yield wanted.name, wanted.specifier


def disk() -> Check:
    """Where temporary files go, and where the app is."""
    free = min(shutil.disk_usage(place).free for place in (tempfile.gettempdir(), ROOT))
    verdict = OK if free >= DISK_LOW else WARNING if free >= DISK_FULL else FAILED
    do = "" if verdict == OK else "Make room: the database and temporary files need some."
    return Check("disk", verdict, f"{size(free)} are free.", do, {"free": free})
