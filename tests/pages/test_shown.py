"""What the app shows ships with it: a start without one of its files ends in one sentence."""

import shutil
import subprocess
import sys

import pytest

from pages.server import shown
from tests.tools.patience import patient
from tests.tools.site import ROOT, free_port

WITHIN = patient(120)  # seconds; a start takes two or three


def test_all_that_is_shown_is_there():
    shown.require()
    assert all(shown.text(name) for name in shown.FILES)


def test_pages_read_no_other_file():
    """One that is not in the list would be missed by an image and by the start."""
    with pytest.raises(ValueError, match=r"README\.md is not in FILES"):
        shown.text("README.md")
    readers = {path.name for path in (ROOT / "pages").rglob("*.py") if "read_text(" in path.read_text(encoding="utf-8")}
    assert readers == {"shown.py", "lifespan.py"}, "lifespan.py reads Streamlit's own page"


def test_a_start_without_a_file_is_one_sentence(tmp_path):
    for folder in ("pages", "lessons"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / ".streamlit").mkdir()
    for file in ("app.py", ".streamlit/config.toml"):
        shutil.copy(ROOT / file, tmp_path / file)
    command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={free_port()}"]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=WITHIN, check=False)
    assert told.returncode == 1
    assert "unmasked: docs/scorecard.md: not there" in told.stderr + told.stdout
    assert "Traceback" not in told.stderr + told.stdout
