"""A system without Landlock or without seccomp: strangers' code is refused unless the operator allows it."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from lessons.sandbox import confinement, seccomp
from lessons.sandbox.fewer_walls import FEWER_WALLS, fewer_walls_allowed
from tests.tools.patience import patient
from tests.tools.selection import first

ROOT = Path(__file__).parent.parent.parent
PATIENT = patient(180)
HEALTHY = "def loss(y_true, y_pred):\n    return tf.reduce_mean(tf.square(y_true - y_pred), axis=-1)\n"
WALLS = {"landlock": "Landlock", "seccomp": "seccomp"}

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux")
    or platform.machine() not in seccomp.ARCHITECTURES
    or bool(confinement.lacking()),
    reason="a wall can be taken away where there are both",
)


def without(wall: str, *arguments: str, allowed: str = "") -> subprocess.CompletedProcess:
    """Python with these arguments on a kernel that lacks this wall."""
    return subprocess.run(
        [sys.executable, "-m", "tests.tools.poor_kernel", wall, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), FEWER_WALLS: allowed},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENT,
    )


REFUSES = """
from lessons.server import walled_tasks
from lessons.sandbox.walled_pool import WalledPool
from lessons.workers.job import OutOfOrder
if __name__ == "__main__":
    walled_pool = WalledPool(1, spares=0)
    job = walled_pool.submit(walled_tasks.examine, "", None, {})
    assert isinstance(job.exception(0), OutOfOrder) and str(job.exception()) == walled_pool.trouble
    assert not walled_pool.workers and not walled_pool.ready() and not walled_pool.walls
    print(walled_pool.trouble)
"""


@pytest.mark.parametrize("wall", WALLS)
def test_without_a_wall_the_walled_pool_does_nothing_and_says_why(wall):
    done = without(wall, "-c", REFUSES)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        f"what strangers bring is not run or read here, because this system has no {WALLS[wall]}; "
        "where only its owner can reach the server, UNMASKED_FEWER_WALLS=1 lets it run\n"
    )


@pytest.mark.verify
@pytest.mark.parametrize("wall", WALLS)
def test_a_process_that_lacks_a_wall_takes_no_job_either(wall):
    """The server asks the kernel; the process has tried."""
    done = without(wall, "-m", "lessons.sandbox.walled_worker", "", "5", "1e9", "0", str(ROOT / "lessons"))
    assert (done.returncode, done.stdout) == (1, ""), done.stderr


PAGE = """
import json, sys
from streamlit.testing.v1 import AppTest
if __name__ == "__main__":
    page = AppTest.from_string("from pages.clinic_page import render\\nrender({})\\n", default_timeout=120)
    seen = []
    for press in (False, True):
        if press:
            page.button(key="clinic:examine").click()
        page.run()
        page.run()
        assert not page.exception, page.exception[0].value
        told = [one.value for one in (*page.warning, *page.error)]
        text = [one.value for one in (*page.markdown, *page.caption)]
        seen.append({"told": told, "text": text, "lists": len(page.selectbox), "texts": len(page.text_area)})
    print(json.dumps(seen))
"""


def test_the_clinic_says_so_in_one_sentence_and_the_page_is_whole():
    done = without("landlock", "-c", PAGE)
    assert done.returncode == 0, done.stderr[-2000:]
    for seen in json.loads(done.stdout.splitlines()[-1]):
        (told,) = seen["told"]
        assert told.startswith("What strangers bring is not run or read here, because this system has no Landlock; ")
        assert told.endswith(".") and seen["lists"] >= 6 and seen["texts"] == 1
        assert not any("warming up" in text or "still being started" in text for text in seen["text"])


WORKS = """
from lessons.server import walled_tasks
from lessons.sandbox.walled_pool import WARM, Limits, WalledPool
from lessons.recipe.recipe import Pasted, Recipe
from lessons.families.recurrent import Recurrent
from tests.sandbox.test_fewer_walls import HEALTHY
if __name__ == "__main__":
    walled_pool = WalledPool(1, spares=0, warm=WARM, limits=Limits(waiting=120))
    assert walled_pool.submit(walled_tasks.examine, HEALTHY, None, {}).result(150)["healthy"]
    bad = HEALTHY.replace("tf.square(", "tf.sqrt(")
    assert walled_pool.submit(walled_tasks.examine, bad, None, {}).result(150)["findings"]
    assert isinstance(walled_pool.submit(walled_tasks.mend, bad, None, {}).result(150), list)
    job = walled_pool.submit(walled_tasks.train, Recipe(Recurrent(epochs=3), pasted=Pasted(HEALTHY)))
    job.result(150)
    assert [item["kind"] for item in job.items][::len(job.items) - 1] == ["Opening", "Closing"]
    print(" | ".join(walled_pool.walls))
    walled_pool.shutdown()
"""


@pytest.mark.verify
@pytest.mark.parametrize("wall", first(1, [*WALLS]))
def test_with_leave_it_works_with_the_walls_that_there_are(wall):
    done = without(wall, "-c", WORKS, allowed="1")
    assert done.returncode == 0, done.stderr[-2000:]
    assert WALLS[wall] not in done.stdout
    assert all(name in done.stdout for name in (*WALLS.values(), "no file grows") if name != WALLS[wall])


def test_the_setting_takes_1_or_0(monkeypatch):
    for said, means in (("1", True), ("0", False), ("", False)):
        monkeypatch.setenv(FEWER_WALLS, said)
        assert fewer_walls_allowed() is means
    monkeypatch.setenv(FEWER_WALLS, "yes")
    with pytest.raises(ValueError, match="^UNMASKED_FEWER_WALLS: got “yes”; takes 1, or 0.$"):
        fewer_walls_allowed()
