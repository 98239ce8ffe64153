"""Tables for tests, from the lines of a file."""

from lessons.own_data.brought import Brought
from lessons.own_data.sample import sample
from lessons.recipe.table import Table


def table_of(*lines: str, name: str = "mine.csv", **given) -> Table:
    """Of a CSV file with these lines; `given`: roles that are said."""
    return Brought.parse("\n".join(lines).encode(), name, given).table


def sample_table(name: str = "sample.csv") -> Table:
    return Brought.parse(sample(), name).table
