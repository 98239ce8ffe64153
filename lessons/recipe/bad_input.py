"""What is raised for something that a person typed and that cannot be used."""


class BadInput(ValueError):
    """Something a person typed cannot be used. `str()` is one sentence: what was given, what is accepted."""
