"""Pages to print, from the templates beside this file. Whatever is put into them is escaped."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).with_name("templates")


def prose(text: str) -> Markup:
    """The little Markdown that lessons use for such texts, as HTML; all else as it stands."""
    marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text)))
    return Markup(re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", marked))


@cache
def environment() -> Environment:
    """Of all pages. Jinja is loaded for the first: a server's first page does not wait for it."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(TEMPLATES)
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters["prose"] = prose
    return made


def text(name: str) -> str:
    """A file of the templates as it stands."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def rendered(template: str, **values: object) -> str:
    """Raises jinja2.UndefinedError for what the template names and is not given."""
    return environment().get_template(template).render(values)
