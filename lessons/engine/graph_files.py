"""A folder of traced graphs, so that a worker need not trace what some worker of this machine has traced before.

A stored graph is code. So a file is taken only where it and its folder belong to this user alone, and where its first
bytes are its HMAC under a key that is in the folder too: processes for code from strangers can read neither. In all
other cases, and wherever reading fails, there is no graph, and it is traced anew.
"""

import hashlib
import hmac
import json
import os
import platform
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

PLACE = "UNMASKED_GRAPHS"  # variable: the folder; “none”: nothing is kept
KEY = "key"
KEY_BYTES = 32
MOST = 400  # files, of some 60 kB each; the ones that were not used for longest go
ROOT = Path(__file__).parent.parent  # what of ours a graph comes from: all of lessons/
SAID = ("TF_", "XLA_", "KERAS_")  # how variables of the environment begin that TensorFlow heeds


class GraphFiles:
    """Files in one folder, by the name of a graph. Raises OSError where the folder cannot be had for us alone."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not ours(os.lstat(folder), stat.S_ISDIR):
            raise PermissionError(f"{folder} is open to others")
        self.key = self._key()

    def read(self, name: str) -> bytes | None:
        """What was written under this name; None where there is nothing that can be trusted."""
        file = self.folder / name
        with suppress(OSError):
            content = read_ours(file)
            code, content = content[:KEY_BYTES], content[KEY_BYTES:]
            if hmac.compare_digest(code, self._code(name, content)):
                os.utime(file)  # used now
                return content
        return None

    def write(self, name: str, content: bytes) -> None:
        """Keep it, whole or not at all. A full disk is no reason to fail."""
        with suppress(OSError):
            self._place(name, self._code(name, content) + content, os.replace)
            self._prune()

    def _code(self, name: str, content: bytes) -> bytes:
        return hmac.digest(self.key, name.encode() + b"\0" + content, "sha256")

    def _key(self) -> bytes:
        """Of this folder; made by whoever comes first."""
        if not (self.folder / KEY).exists():
            with suppress(FileExistsError):
                self._place(KEY, secrets.token_bytes(KEY_BYTES), os.link)
        key = read_ours(self.folder / KEY)
        if len(key) != KEY_BYTES:
            raise PermissionError(f"{self.folder / KEY} is no key")
        return key

    def _place(self, name: str, content: bytes, moved) -> None:
        descriptor, draft = tempfile.mkstemp(dir=self.folder, prefix=".")  # for this user only
        try:
            with os.fdopen(descriptor, "wb") as out:
                out.write(content)
            moved(draft, self.folder / name)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(draft)

    def _prune(self) -> None:
        kept = sorted(
            (file for file in self.folder.iterdir() if file.name != KEY), key=lambda file: file.stat().st_mtime
        )
        for file in kept[:-MOST]:
            file.unlink(missing_ok=True)


def read_ours(file: Path) -> bytes:
    """The content of a file that belongs to this user alone. Raises PermissionError for another, or another OSError."""
    with open(os.open(file, os.O_RDONLY | os.O_NOFOLLOW), "rb") as opened:
        if not ours(os.fstat(opened.fileno()), stat.S_ISREG):
            raise PermissionError(f"{file} is open to others")
        return opened.read()


def ours(found: os.stat_result, kind) -> bool:
    """Whether it is of this kind and this user's, and of nobody else."""
    return kind(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def opened() -> GraphFiles | None:
    """The folder that the environment names, else one among this user's caches; None where it cannot be used."""
    place = os.environ.get(PLACE, "").strip()
    if place.lower() == "none" or not (hasattr(os, "geteuid") and hasattr(os, "O_NOFOLLOW")):
        return None
    try:
        caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return GraphFiles(Path(place) if place else Path(caches) / "unmasked" / "graphs")
    except (OSError, RuntimeError):  # the latter: nobody knows the home
        return None


def name_of(structure: object, *versions: str) -> str:
    """The name of the graph of a structure: another wherever anything that it was made from is another.

    `versions`: of the packages that trace and train it.
    """
    return hashlib.sha256(json.dumps([repr(structure), *versions, *surroundings()]).encode()).hexdigest()


@cache
def surroundings() -> tuple[str, ...]:
    """All that makes a graph what it is beside its structure: our source, Python, processor, environment."""
    source = hashlib.sha256()
    for file in sorted(ROOT.rglob("*.py")):
        source.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes() + b"\0")
    said = sorted(f"{name}={value}" for name, value in os.environ.items() if name.startswith(SAID))
    return source.hexdigest(), platform.python_version(), platform.platform(), *processor(), *said


def processor() -> Iterator[str]:
    """What the processor can do, as far as the system tells."""
    yield platform.machine()
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        yield next((line for line in lines if line.startswith(("flags", "Features"))), "")
