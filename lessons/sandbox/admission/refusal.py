"""The one answer to a text that is not admitted."""


class Refused(ValueError):
    """Pasted text that is not run. `message` is one sentence: what was found, and what is allowed instead."""

    def __init__(self, message: str, line: int | None = None):
        super().__init__(message if line is None else f"line {line}: {message}")
        self.message, self.line = message, line
