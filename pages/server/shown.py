"""The files that pages show or send to browsers, beside Python's own. All that ships the app ships them.

A component is a folder of pages/parts/ with its html, css and js.
"""

import sys
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).parent.parent.parent
SCORECARD, STYLE = "docs/scorecard.md", "pages/server/style.css"
ALONE = "pages/parts/alone.js"  # every component has it
PARTS = {  # of each component; scripts are one module in the browser: each needs those before it
    "charts": (
        "chart.html",
        "lab.html",
        "charts.css",
        "packed.js",
        "canvas.js",
        "chart.js",
        "marks.js",
        "panel.js",
        "mount.js",
    ),
    "watch": ("watch.js",),
    "cookie": ("cookie.js",),
    "scroll": ("scroll.js",),
}
FILES = (SCORECARD, STYLE, ALONE, *(f"pages/parts/{name}/{part}" for name, parts in PARTS.items() for part in parts))


def text(name: str) -> str:
    """Of one of FILES. Raises ValueError for any other: a server that starts would not have looked for it."""
    if name not in FILES:
        raise ValueError(f"{name} is not in FILES of {__name__}")
    return (ROOT / name).read_text(encoding="utf-8")


def component(folder: str, name: str = ""):
    """The component of a folder; one with several pages has a `name` for each, which is that of its html."""
    texts = {part: text(f"pages/parts/{folder}/{part}") for part in PARTS[folder]}
    css, js = ("\n".join(texts[part] for part in texts if part.endswith(kind)) for kind in (".css", ".js"))
    html = texts[f"{name}.html"] if name else None
    title = f"unmasked.{name or folder}"
    return st.components.v2.component(title, html=html, css=css or None, js=text(ALONE) + js, isolate_styles=not css)


def require() -> None:
    """End the start where one of FILES is not there. Not in the server's lifespan: what ends there has a traceback."""
    if missing := [name for name in FILES if not (ROOT / name).is_file()]:
        sys.exit(f"unmasked: {', '.join(missing)}: not there. The app shows it: install all of the folder.")
