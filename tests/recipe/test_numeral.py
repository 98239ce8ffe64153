"""One idea of what a number is, in every place where a person can write one."""

import math

import pytest

from lessons import claims
from lessons.doctor.usage import Usage
from lessons.families.recurrent import Recurrent
from lessons.recipe import numeral
from lessons.recipe.bad_input import BadInput
from lessons.runs.grid import size
from lessons.tools import preflight
from lessons.workers.capacity import default_size

NUMBERS = {
    "0": 0, "12": 12, "007": 7, "-0.5": -0.5, "+3": 3, ".5": 0.5, "2.": 2, "1e-7": 1e-7, "1E9": 1e9, "2.5e+1": 25,
    " 4 ": 4,
}  # fmt: skip
NONE = [
    "", " ", ".", "e5", "-", "1e", "1_0", "1__0", "1_0.5", "1e1_0", "１０", "٣", "1.٣", "−1", "nan", "-nan", "NaN",
    "inf", "-inf", "Infinity", "0x10", "1,5", "1 0", "- 1", "--1", "1e5.5", "1j", "½", "²", "True", "1\n2", "1\0",
]  # fmt: skip
PYTHON_READS = ["1_0", "１０", "٣", "1e1_0", "1_0.5"]  # what `float` takes for a number


@pytest.mark.parametrize("text", NUMBERS)
def test_a_number_is_read_as_people_write_it(text):
    assert numeral.number(text) == NUMBERS[text]


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_number_is_refused(text):
    with pytest.raises(ValueError):
        numeral.number(text)


@pytest.mark.parametrize("text", ["1e400", "-1e400", "1e999999999", "9" * 5000])
def test_what_a_float_cannot_hold_is_infinite_and_refused_by_every_range(text):
    assert math.isinf(numeral.number(text))
    for name in ("epochs", "epsilon"):
        with pytest.raises(BadInput):
            Recurrent().with_changes({name: text})


def epochs(text: str) -> int:
    return Recurrent().with_changes({"epochs": text}).epochs


@pytest.mark.parametrize(("text", "value"), [("1e3", 1000), ("+20", 20), ("20.0", 20), (" 20", 20), ("2e1", 20)])
def test_a_field_of_whole_numbers_takes_any_way_of_writing_one(text, value):
    """A plus in an address is a space by the time that it is read."""
    assert epochs(text) == value and isinstance(epochs(text), int)


READERS = {
    "a field": epochs,
    "epsilon": lambda text: Recurrent().with_changes({"epsilon": text}),
    "the size of a map": size,
    "a shape": lambda text: Usage.parse({"shape": f"B,{text}"}),
    "the mark of padding": lambda text: Usage.parse({"padding": text}),
    "a claim": claims.find,
    "learners": preflight.learners,
    "a port": preflight.port_of,
}


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_takes_a_number(reader):
    READERS[reader]("1")


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("text", PYTHON_READS)
def test_every_reader_refuses_what_only_python_takes_for_a_number(reader, text):
    with pytest.raises(BadInput):
        READERS[reader](text)


@pytest.mark.parametrize("text", [*PYTHON_READS, "9" * 5000, "-1", "1.0", "1e1", "+1"])
def test_who_counts_takes_digits_alone(text, monkeypatch):
    for reader in ("the size of a map", "a shape", "a claim", "learners", "a port"):
        with pytest.raises(BadInput):
            READERS[reader](text)
    monkeypatch.setenv("UNMASKED_WORKERS", text)
    with pytest.raises(ValueError, match="takes a whole number from 1 to 64"):
        default_size()


def test_numbers_that_are_no_text_are_taken_as_they_are():
    assert Recurrent(epochs=20.0, epsilon=1).epochs == 20
    assert Usage.parse({"padding": -1}).padding == -1
    for given in (True, b"20", [20], 1j, 10**400, math.nan, math.inf):
        with pytest.raises(BadInput):
            Recurrent(epochs=given)
        if not (isinstance(given, float) and math.isnan(given)):  # there it marks padding
            with pytest.raises(BadInput):
                Usage.parse({"padding": given})
