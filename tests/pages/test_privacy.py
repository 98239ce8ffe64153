"""What becomes of a learner's file on the server: nothing of it is on its disk, in its log, or in another session."""

import os
import threading
from pathlib import Path

import numpy as np
import pytest

from tests.tools.patience import PATIENCE
from tests.tools.screen import await_, panel
from tests.tools.site import serving

MARK = "confidential-7f3a"
PROBE = b"blat"
pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are looked at in /proc")


def held(pid: int, below: Path) -> dict[Path, int]:
    """The files below a folder, those without a name among them that a process has open: their sizes in bytes."""
    found = {}
    for seen in [*Path(f"/proc/{pid}/fd").glob("*"), *below.rglob("*")]:
        try:
            path = Path(os.readlink(seen)) if seen.is_symlink() else seen
            if path.is_relative_to(below) and seen.is_file():
                found[path] = seen.stat().st_size
        except OSError:  # gone
            continue
    return found


class Watch(threading.Thread):
    """Looks again and again how much the files below a folder hold; pages and databases of the app are none."""

    def __init__(self, pid: int, below: Path):
        super().__init__(daemon=True)
        self.pid, self.below, self.most, self.ended = pid, below, {}, threading.Event()

    def run(self) -> None:
        while not self.ended.wait(0.002):
            for path, size in held(self.pid, self.below).items():
                self.most[path] = max(size, self.most.get(path, 0))


def large(path: Path) -> Path:
    """A file of more than 5 MB, with a mark in a name, in texts and in its own name."""
    rng = np.random.default_rng(0)
    rows = [f"{k // 50},{k % 50},{rng.normal():.15f},{MARK}-{k % 3},{rng.normal():.15f}" for k in range(90_000)]
    path.write_text("\n".join([f"sequence,time,x,{MARK},label", *rows]))
    assert path.stat().st_size > 5 * 2**20
    return path


def test_nothing_of_a_file_reaches_the_disk_a_log_a_link_or_another_session(visitor, tmp_path):
    temporary, log = tmp_path / "temporary", tmp_path / "log.txt"
    temporary.mkdir()
    with serving(log=log, ahead=False, TMPDIR=str(temporary)) as site:
        page, other = visitor.new_page(), visitor.new_page()
        for one in (page, other):
            one.goto(f"{site.url}/?page=your_case&epochs=2")
            await_(lambda one=one: one.locator("input[type=file]").count() == 1, "the uploader")
        before = set(temporary.rglob("*"))
        watch = Watch(site.process.pid, temporary)
        watch.start()
        page.locator("input[type=file]").set_input_files(large(tmp_path / f"{MARK}.csv"))
        await_(lambda: (panel(page) or {}).get("picture"), "the picture of the data")
        page.locator(".st-key-your_case-run button").first.click()
        await_(lambda: (panel(page) or {}).get("curve"), "a run")
        watch.ended.set()
        watch.join(PATIENCE)
        # A process that has just started tries its temporary folder by four bytes (`tempfile`): no mark fits in them.
        written = {
            path
            for path, size in watch.most.items()
            if size > len(PROBE) and path not in before and not path.name.startswith(("unmasked", "sqlite"))
        }
        assert written == set(), "nothing was written for it"
        assert MARK not in log.read_text() and "Traceback" not in log.read_text()
        assert MARK not in page.url and MARK not in other.content()
        for file in temporary.rglob("*"):
            assert not file.is_file() or MARK.encode() not in file.read_bytes()
        page.close(), other.close()
