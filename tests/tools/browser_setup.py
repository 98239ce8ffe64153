"""The browser that the tests drive: `find()` says where it is, `python -m tests.tools.browser_setup` installs one."""

import functools
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.tools import packages

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PLACES = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
HOW = "python -m playwright install chromium, or Chromium or Google Chrome from your system's packages"


@functools.cache
def find() -> str | None:
    """Path of a Chromium or Chrome: the system's, or else the one Playwright downloaded; None without one."""
    installed = (shutil.which(name) for name in (*NAMES, *PLACES))
    return next(filter(None, installed), None) or playwrights_own()


def playwrights_own() -> str | None:
    if not importlib.util.find_spec("playwright"):
        return None
    # In a process of its own: Playwright's driver cannot run twice in one.
    ask = "from playwright.sync_api import sync_playwright as p\nwith p() as of: print(of.chromium.executable_path)"
    answer = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True)
    path = answer.stdout.strip()
    return path if Path(path).is_file() else None


def install() -> None:
    """Debian's and Ubuntu's package where we may install it, or else Playwright's download."""
    if not packages.install("chromium", "fonts-liberation"):
        packages.attempt(sys.executable, "-m", "playwright", "install", "chromium")


def main() -> int:
    if find():
        return 0
    print("No Chromium or Chrome found: installing one for the tests.", flush=True)
    install()
    find.cache_clear()
    if find():
        return 0
    print(f"No browser for the tests that need one. To get one: {HOW}.", file=sys.stderr)
    # CI must not call a run without them a success.
    return 1 if os.environ.get("CI") else 0


if __name__ == "__main__":
    sys.exit(main())
