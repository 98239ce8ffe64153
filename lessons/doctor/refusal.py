"""The answer to a loss that is not examined."""


def refused(function: str | None, line: int | None, message: str) -> dict:
    """The answer to a text or an option that is not accepted, or whose examination was ended."""
    return {"function": function, "findings": [], "healthy": None, "refused": {"line": line, "message": message}}
