"""`make lock`: the exact versions that requirements.txt and requirements-cluster.txt brought into .venv.

So the image gets what the tests ran with. It asks no index: what needs what is read off the packages themselves.
"""

import re
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent.parent
LOCK = ROOT / "requirements.lock"
WISHED = ("requirements.txt", "requirements-cluster.txt")
PYTHON = re.search(r"^FROM python:(\d+\.\d+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)[1]
HEAD = f"# Written by `make lock`, for Python {PYTHON} on Linux x86-64: these are the versions that the image gets.\n"
IMAGE = {
    **default_environment(),
    "python_version": PYTHON,
    "python_full_version": f"{PYTHON}.0",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "os_name": "posix",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
}


def read(path: Path) -> list[Requirement]:
    """The requirements that stand in a file, one a line; `-r` is not followed."""
    lines = (line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


def wished() -> list[Requirement]:
    """What the image asks for by name."""
    return [wish for name in WISHED for wish in read(ROOT / name) if applies(wish)]


def applies(wish: Requirement, extras: Iterable[str] = ()) -> bool:
    """Whether a requirement is meant for the image, of a package that was asked for with these extras."""
    return wish.marker is None or any(wish.marker.evaluate({**IMAGE, "extra": extra}) for extra in ("", *extras))


def asked_by(wish: Requirement) -> list[Requirement]:
    """What a package in .venv asks for in turn. Raises PackageNotFoundError where it is not there."""
    needs = map(Requirement, distribution(wish.name).requires or ())
    return [need for need in needs if applies(need, wish.extras)]


def locked() -> dict[str, str]:
    """Name → version of all that the image needs, as .venv has it."""
    found, seen, asked = {}, set(), wished()
    while asked:
        wish = asked.pop()
        name = canonicalize_name(wish.name)
        if (name, frozenset(wish.extras)) not in seen:
            seen.add((name, frozenset(wish.extras)))
            found[name] = distribution(name).version
            asked += asked_by(wish)
    return dict(sorted(found.items()))


if __name__ == "__main__":
    try:
        LOCK.write_text(HEAD + "".join(f"{name}=={version}\n" for name, version in locked().items()), encoding="utf-8")
    except PackageNotFoundError as missing:
        sys.exit(f"The image needs {missing.name}, not in .venv: write the lock on Linux x86-64, Python {PYTHON}.")
