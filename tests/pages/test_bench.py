"""What is done at a bench and what is drawn of it are two things."""

import ast
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.tools.site import ROOT

LAB = ROOT / "pages" / "lab"
DOES = {"bench.py", "brought.py", "state.py", "guesses.py", "link.py", "opened_case.py", "sheet.py"}
DRAWS = sorted([*(path for path in LAB.glob("*.py") if path.name not in DOES), ROOT / "pages" / "lesson_page.py"])
HELD = {"session_state", "query_params"}  # what Streamlit holds for a session


def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


@pytest.mark.parametrize("name", sorted(DOES))
def test_what_is_done_draws_nothing(name):
    found = [node for node in nodes(LAB / name) if isinstance(node, ast.Attribute)]
    assert {node.attr for node in found if isinstance(node.value, ast.Name) and node.value.id == "st"} <= HELD


@pytest.mark.parametrize("path", DRAWS, ids=lambda path: path.name)
def test_what_is_drawn_changes_no_bench_and_keeps_nothing_of_a_learner(path):
    for node in nodes(path):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        assert not any(isinstance(target, ast.Attribute) for target in targets), f"line {node.lineno}"
        assert not (isinstance(node, ast.Attribute) and node.attr == "keep"), f"line {node.lineno}"


def test_a_session_has_one_name_and_two_tabs_have_two():
    script = "import streamlit as st\nfrom pages.server.presence import session\nst.text(session())\n"
    one, other = AppTest.from_string(script).run(), AppTest.from_string(script).run()
    assert one.text[0].value != other.text[0].value
    before = one.text[0].value
    assert one.run().text[0].value == before


def test_nothing_is_known_by_its_place_in_memory():
    """Python gives the id of what is gone to what comes."""
    for path in (ROOT / "pages").rglob("*.py"):
        calls = [node for node in nodes(path) if isinstance(node, ast.Call)]
        assert not [node.lineno for node in calls if isinstance(node.func, ast.Name) and node.func.id == "id"], path
