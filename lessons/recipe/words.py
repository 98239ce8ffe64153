"""Numbers in a sentence."""


def plural(count: int, what: str) -> str:
    """“1 step”, “2 steps”."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
