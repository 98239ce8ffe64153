"""Pages to print, from the templates beside this file. Whatever is put into them is escaped."""

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

TEMPLATES = Path(__file__).with_name("templates")


def prose(text: str) -> Markup:
    """The little Markdown that lessons use for such texts, as HTML; all else as it stands."""
    marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text)))
    return Markup(re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", marked))


PAPER = Environment(
    loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
PAPER.filters["prose"] = prose


def text(name: str) -> str:
    """A file of the templates as it stands."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def rendered(template: str, **values: object) -> str:
    """Raises jinja2.UndefinedError for what the template names and is not given."""
    return PAPER.get_template(template).render(values)
