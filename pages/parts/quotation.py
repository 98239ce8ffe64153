"""Text of others inside our Markdown: of an address, a file, a form, a pasted loss, an exception."""

import re
import unicodedata
from functools import lru_cache

import streamlit as st

SIGNS = re.compile(r"[\\`*_\[\]$~<>|#+!&-]|:(?=\w)")  # of Markdown
NUMBERED = re.compile(r"^([0-9]+)([.)])(?= |$)")  # what begins a list
JOINER = "\u2060"  # of no width
# Links and emoji are made of a text whose signs are unescaped already: only another sign between helps.
PARTED = re.compile(r"(?<=:)(?=//|[\w/+-]+:)|(?<=www)(?=\.)|(?<=[\w.+-]@)(?=\w)", re.IGNORECASE)
TO_THE_LEFT = ("R", "AL")  # Unicode's classes of letters that are written from right to left
ISOLATED = "\u2068{}\u2069"  # they turn nothing but the text that they stand in


@lru_cache(maxsize=4096)  # the same words stand on every learner's page
def quoted(text: str) -> str:
    """Text as it is, in one line: no sign in it becomes a link, a picture, a heading, a list, a colour or an emoji.

    Characters that cannot be seen, such as those that turn the order of letters, are left out.
    """
    seen = "".join(sign for sign in " ".join(text.split()) if visible(sign))
    escaped = SIGNS.sub(r"\\\g<0>", PARTED.sub(JOINER, seen))
    escaped = NUMBERED.sub(r"\1\\\2", escaped)
    turned = any(unicodedata.bidirectional(sign) in TO_THE_LEFT for sign in seen)
    return ISOLATED.format(escaped) if turned else escaped


def visible(sign: str) -> bool:
    """Controls and marks of direction are not; joiners, which some scripts need, count as what they join."""
    return unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Co", "Cn") or sign in "\u200c\u200d"


def warn(said: object, place=st) -> None:
    """A warning whose words may hold what came from outside."""
    place.warning(quoted(str(said)))


def fail(said: object, place=st) -> None:
    """The same where something could not be done."""
    place.error(quoted(str(said)))


def tell(said: object, place=st, icon: str | None = None) -> None:
    """The same where it is no fault."""
    place.info(quoted(str(said)), icon=icon)
