"""A case as a text: there and back, and what is none."""

import base64
import json
import random
import string
import zlib

import pytest

from lessons.course.case import KIND, MOST_LINK, Case
from lessons.course.model_examples import EXAMPLES
from lessons.recipe.bad_input import BadInput

CASE = Case(EXAMPLES["Flatten"], "def loss(y_true, y_pred): ...", "loss", {"epochs": "20"})


def test_there_and_back_as_a_file_and_as_a_link():
    assert Case.read(CASE.to_text()) == CASE and Case.read(Case().to_text()) == Case()
    part = CASE.to_link()
    data = base64.urlsafe_b64decode(part.removeprefix("case=") + "==")
    assert Case.read(zlib.decompress(data, -15).decode()) == CASE


def test_every_example_fits_into_a_link_and_a_long_text_into_none():
    assert all(len(Case(text).to_link()) < MOST_LINK / 4 for text in EXAMPLES.values())
    letters = random.Random(0).choices(string.printable, k=30_000)
    assert Case("".join(letters)).to_link() is None


@pytest.mark.parametrize(
    "text",
    [
        "", "no JSON", "[]", "{}", '{"unmasked case": 2}', json.dumps({KIND: 1, "model": 3}),
        json.dumps({KIND: 1, "settings": {"epochs": 3}}), json.dumps({KIND: 1, "settings": []}),
        json.dumps({KIND: 1, "loss": "x" * 50_000}), "[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_case_is_one_sentence(text):
    with pytest.raises(BadInput, match="^case: ") as told:
        Case.read(text)
    assert "\n" not in str(told.value) and len(str(told.value)) < 200
