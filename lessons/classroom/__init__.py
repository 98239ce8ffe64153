"""Learners' progress and rooms, in a database that several server processes share."""

from threading import Lock

_importing = Lock()


def load() -> None:
    """Import SQLAlchemy and what stands on it: a quarter of a second, which no first paint should wait for.

    One thread at a time. Of two that import modules which import each other Python hands one a half-made module.
    """
    with _importing:
        import lessons.classroom.progress
        import lessons.classroom.room  # noqa: F401
