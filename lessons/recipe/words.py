"""Numbers and failures in a sentence."""


def plural(count: int, what: str) -> str:
    """“1 step”, “2 steps”, “2 classes”."""
    return f"{count} {what}" if count == 1 else f"{count} {what}{'es' if what.endswith('s') else 's'}"


def sentence(said: object) -> str:
    """Words as a sentence: a capital in front, a full stop behind."""
    words = str(said).rstrip(".")
    return f"{words[:1].upper()}{words[1:]}."


def shortened(text: str, most: int = 40) -> str:
    """At most so many characters of a text."""
    return text if len(text) <= most else f"{text[: most - 3]}…"


def first_line(failure: BaseException) -> str:
    """Of what an exception says; its name where it says nothing."""
    lines = str(failure).strip().splitlines()
    return lines[0] if lines else type(failure).__name__
