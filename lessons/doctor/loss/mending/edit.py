"""Edits of a text that leave the rest as it is, comments and line breaks too."""

from __future__ import annotations

import itertools
from dataclasses import dataclass


class Impossible(Exception):
    """This text cannot be edited in this way."""


@dataclass(frozen=True)
class Edit:
    """Text put before and after a stretch of the original, which stays unless `put` replaces it."""

    start: int
    end: int
    before: str = ""
    after: str = ""
    put: str | None = None


def apply(text: str, edits: list[Edit]) -> str:
    """The edits in one text: of stretches inside each other the outer one comes first, what is replaced goes.

    Raises Impossible where two would replace the same text.
    """
    edits = list(dict.fromkeys(edits))
    puts = [edit for edit in edits if edit.put is not None]
    edits = [edit for edit in edits if not any(swallowed(edit, put) for put in puts)]
    pieces = []
    for edit in edits:
        pieces.append((edit.start, 1, -edit.end, edit.before))
        pieces.append((edit.end, 0, -edit.start, edit.after))
    removed = sorted((edit for edit in edits if edit.put is not None), key=lambda edit: (edit.start, edit.end))
    for here, following in itertools.pairwise(removed):
        if following.start < here.end:
            raise Impossible
    pieces += [(edit.start, 2, 0, edit.put) for edit in removed]
    parts, place = [], 0
    gone = [(edit.start, edit.end) for edit in removed]
    for offset, _, _, piece in sorted(pieces, key=lambda piece: piece[:3]):
        parts += [kept(text, place, offset, gone), piece]
        place = offset
    return "".join([*parts, kept(text, place, len(text), gone)])


def swallowed(edit: Edit, put: Edit) -> bool:
    """Whether an edit lies inside a stretch that is replaced as a whole."""
    if edit is put or not (put.start <= edit.start and edit.end <= put.end):
        return False
    if edit.start == edit.end:
        return put.start < edit.start < put.end
    return (edit.start, edit.end) != (put.start, put.end) or edit.put is not None


def kept(text: str, start: int, end: int, gone: list[tuple[int, int]]) -> str:
    """A stretch of the text without what is gone."""
    for first, last in gone:
        if first <= start and end <= last and start < end:
            return ""
    return text[start:end]
