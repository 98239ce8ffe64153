"""Text of others inside our Markdown."""

SIGNS = frozenset(r"\`*_[]$~:<>|#-+")


def quoted(text: str) -> str:
    """Text as it is: Markdown's signs are escaped."""
    return "".join(f"\\{sign}" if sign in SIGNS else sign for sign in text)
