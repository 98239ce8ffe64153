"""Numbers and failures in a sentence."""


def plural(count: int, what: str) -> str:
    """“1 step”, “2 steps”."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def first_line(failure: BaseException) -> str:
    """Of what an exception says; its name where it says nothing."""
    lines = str(failure).strip().splitlines()
    return lines[0] if lines else type(failure).__name__
