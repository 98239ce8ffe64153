"""Ask the database, and let nobody wait for one that does not answer."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from typing import Generic, TypeVar

from lessons.classroom import load
from lessons.classroom.aside import aside
from lessons.recipe.bad_input import BadInput

Store = TypeVar("Store")
Found = TypeVar("Found")

LOG = logging.getLogger(__name__)
WAIT = 1.5  # seconds that a click waits at most; an answer takes milliseconds
FIRST_WAIT = 8.0  # the first time: SQLAlchemy is imported, the tables are brought up to date
REST = 30.0  # seconds during which a database that did not answer is not asked again


class NoAnswer(Exception):
    """The database does not answer. What was to be written may be written later, or never."""


class Patience(Generic[Store]):
    """One for a server process. `open` gives the store: it may wait and may raise, for example because of a network.

    A database that cannot be reached, or does not answer in time, is left in peace by everybody on this server. Any
    other fault is its question's own: it is logged, and who asked hears NoAnswer.

    Each question has a thread of its own: the timeouts of drivers and of the network are longer than anybody waits for
    a page, and such a thread must not keep the server from ending.
    """

    def __init__(self, open: Callable[[], Store], wait: float = WAIT, first: float = FIRST_WAIT, rest: float = REST):
        self.open, self.wait, self.first, self.rest = open, wait, first, rest
        self._until = 0.0
        self._answered = False  # with an error, maybe
        self._begun = False

    @property
    def down(self) -> bool:
        """Whether it is being left in peace."""
        return time.monotonic() < self._until

    def ask(self, question: Callable[[Store], Found]) -> Found:
        """What `question` returns or raises, asked of the store. Raises NoAnswer, at once while it is down.

        After NoAnswer the question may still be answered, some time: who asks again must be able to ask twice.
        """
        if self.down:
            raise NoAnswer
        try:
            return self._begin(question).result(self.wait if self._answered else self.first)
        except NotYet as problem:
            self._leave()
            raise NoAnswer from problem

    def warm(self) -> None:
        """Open the store in the background, once, so that the first question finds it open."""
        if not self._begun:
            self._begin(lambda store: None)

    def _begin(self, question: Callable[[Store], Found]) -> Future[Found]:
        self._begun = True

        def work() -> Found:
            load()  # here, for no first paint shall wait for it
            from alembic.util import CommandError
            from sqlalchemy.exc import SQLAlchemyError

            from lessons.classroom.database import unreachable

            try:
                try:
                    store = self.open()
                except (SQLAlchemyError, CommandError, BadInput, OSError) as problem:  # nobody can use it
                    if isinstance(problem, BadInput):
                        LOG.error("unmasked: %s", problem)
                    raise ConnectionError(str(problem)) from problem
                found = question(store)
            except (SQLAlchemyError, OSError) as problem:
                if unreachable(problem):
                    self._leave()
                else:
                    LOG.error("unmasked: a question to the database failed", exc_info=problem)
                raise NoAnswer(str(problem)) from problem
            self._answered, self._until = True, 0.0  # it was slow, and is there after all
            return found

        return aside(work)

    def _leave(self) -> None:
        """Let nobody ask it for a while."""
        self._answered, self._until = True, time.monotonic() + self.rest
