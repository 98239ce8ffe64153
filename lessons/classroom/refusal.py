"""Why a room refuses something, each in one clear sentence."""

from lessons.recipe.bad_input import BadInput


class NoRoom(BadInput):
    """There is no such room, or not any more."""


class NotAllowed(BadInput):
    """The key does not fit, the ballot is closed, or the member was removed."""


class Away(BadInput):
    """The database does not answer."""

    def __init__(self, fault: BaseException):
        super().__init__(f"The database of this server does not answer ({type(fault).__name__}); try again in a while.")


class TooOften(BadInput):
    """Somebody has done this too often; the sentence says when it goes on."""
