"""The files that pages show or send to browsers, beside Python's own. All that ships the app ships them."""

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SCORECARD, STYLE = "docs/scorecard.md", "pages/server/style.css"
SCRIPTS = ("canvas.js", "chart.js", "panel.js", "mount.js")  # one module in the browser: each needs those before it
COMPONENTS = tuple(f"pages/parts/charts/{name}" for name in ("chart.html", "lab.html", "charts.css", *SCRIPTS))
FILES = (SCORECARD, STYLE, *COMPONENTS)


def text(name: str) -> str:
    """Of one of FILES. Raises ValueError for any other: a server that starts would not have looked for it."""
    if name not in FILES:
        raise ValueError(f"{name} is not in FILES of {__name__}")
    return (ROOT / name).read_text(encoding="utf-8")


def require() -> None:
    """End the start where one of FILES is not there. Not in the server's lifespan: what ends there has a traceback."""
    if missing := [name for name in FILES if not (ROOT / name).is_file()]:
        sys.exit(f"unmasked: {', '.join(missing)}: not there. The app shows it: install all of the folder.")
