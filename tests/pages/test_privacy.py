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
pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are looked at in /proc")


def family(pid: int) -> list[int]:
    """A process and all that it has started."""
    children = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # gone
            continue
        if int(fields[1]) == pid:
            children.append(int(stat.parent.name))
    return [pid, *(one for child in children for one in family(child))]


def regular(pid: int, below: Path) -> set[str]:
    """The files below a folder that a process has open, those without a name among them."""
    found = set()
    for link in Path(f"/proc/{pid}/fd").glob("*"):
        try:
            found.add(os.readlink(link))
        except OSError:
            continue
    return {path for path in found if path.startswith(str(below))}


class Watch(threading.Thread):
    """Looks again and again which files below a folder are there or open; pages and databases of the app are none."""

    def __init__(self, pid: int, below: Path):
        super().__init__(daemon=True)
        self.pid, self.below, self.seen, self.ended = pid, below, set(), threading.Event()

    def run(self) -> None:
        while not self.ended.wait(0.002):
            self.seen |= regular(self.pid, self.below) | {str(path) for path in self.below.rglob("*") if path.is_file()}


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
            one.goto(f"{site.url}/?page=your_case")
            await_(lambda one=one: one.locator("input[type=file]").count() == 1, "the uploader")
        before = {str(path) for path in temporary.rglob("*")}
        watch = Watch(site.process.pid, temporary)
        watch.start()
        page.locator("input[type=file]").set_input_files(large(tmp_path / f"{MARK}.csv"))
        await_(lambda: (panel(page) or {}).get("picture"), "the picture of the data")
        page.locator(".st-key-your_case-run button").first.click()
        await_(lambda: (panel(page) or {}).get("curve"), "a run")
        watch.ended.set()
        watch.join(PATIENCE)
        written = {path for path in watch.seen - before if not Path(path).name.startswith(("unmasked", "sqlite"))}
        assert written == set(), "nothing was written for it"
        assert MARK not in log.read_text() and "Traceback" not in log.read_text()
        assert MARK not in page.url and MARK not in other.content()
        for file in temporary.rglob("*"):
            assert not file.is_file() or MARK.encode() not in file.read_bytes()
        page.close(), other.close()
