"""What came from outside is shown as the text that it is, wherever a page shows it."""

import ast
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lessons.course.discovery import LESSONS
from lessons.own_data.brought import Brought
from lessons.recipe.recipe import Pasted
from lessons.server.laboratory import shared
from pages.lab.arrival import PROBLEM
from pages.lab.brought import BROUGHT, OWN
from pages.parts.quotation import JOINER, quoted
from tests.pages.test_pages import WITHIN, lesson_page
from tests.server import test_laboratory
from tests.tools.selection import first
from tests.tools.site import ROOT, plain

LINK, HTML, TURN = "[Log in](//evil.example/x)", "<b onclick=x>b</b>", "\u202egnp.exe"
HOSTILE = f"{LINK} {HTML} {TURN} www.evil.example :red[r] :smile:"
SLUG = next(iter(LESSONS))
BOXES = ("warning", "error", "info", "success", "toast", "exception")
PAGES = sorted((ROOT / "pages").rglob("*.py"))


def harmless(value: str) -> bool:
    """Whether a text for Streamlit holds none of the signs that make a link, markup or another order of letters."""
    return not re.search(r"(?<!\\)\[Log|(?<!\\)<b|\u202e|www\.|(?<!\\):red|:smile:", value)


def test_the_hostile_text_is_one():
    assert not harmless(HOSTILE)
    assert harmless(quoted(HOSTILE)) and plain(quoted(HOSTILE)) == HOSTILE.replace("\u202e", "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("epochs: got “1”", "epochs: got “1”"),
        ("a_b", r"a\_b"),
        ("# head", r"\# head"),
        ("- item", r"\- item"),
        ("1. item", r"1\. item"),
        ("123) item", r"123\) item"),
        ("in 3.5 s (or 4)", "in 3.5 s (or 4)"),
        ("LESSON:PRESET", r"LESSON\:PRESET"),
        (":material/delete:", rf":{JOINER}material/delete:"),
        ("two\n\n# lines\tand  spaces", r"two \# lines and spaces"),
        ("    code", "code"),
        ("https://evil.example", f"https:{JOINER}//evil.example"),
        ("www.evil.example", f"www{JOINER}.evil.example"),
        ("a@evil.example", f"a@{JOINER}evil.example"),
        ("@tf.function", "@tf.function"),
        (":smile:", f":{JOINER}smile:"),
        ("\u2066a\u200fb\u0000c\ufeff", "abc"),
        ("&lt;b&gt;", r"\&lt;b\&gt;"),
        ("שלום", "\u2068שלום\u2069"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("", ""),
    ],
)
def test_signs_that_would_make_something_are_parted_or_escaped(text, shown):
    assert quoted(text) == shown


MADE = [  # what Streamlit's Markdown turns into links and emoji after it has taken the escapes away
    r"(https?:\/\/|www(?=\.))([-.\w]+)([^ \t\r\n]*)",
    r"([-.\w+]+)@([-\w]+(?:\.[-\w]+)+)",
    r":\+1:|:-1:|:[\w-]+:",
    r":material/\w+:",
]
TRAPS = [
    "https://evil.example",
    "HTTP://evil.example",
    "WWW.evil.example",
    "a@evil.example",
    ":+1:",
    ":smile:",
    ":a:b:",
    ":material/x:",
]


@pytest.mark.parametrize("text", TRAPS)
def test_no_link_and_no_emoji_is_made_of_what_is_unescaped(text):
    assert any(re.search(pattern, text, re.IGNORECASE) for pattern in MADE)
    unescaped = quoted(f"got “{text}”").replace("\\", "")
    assert not any(re.search(pattern, unescaped, re.IGNORECASE) for pattern in MADE)


def spoken(path: Path) -> list[ast.Call]:
    """The calls of a file that fill a box of Streamlit's."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    return [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr in BOXES and call.args]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_box_has_words_of_ours_or_is_filled_by_quotation(path):
    """`warn`, `fail` and `tell` quote; whoever calls Streamlit itself has nothing from outside to say."""
    if path.name == "quotation.py":
        return
    for call in spoken(path):
        assert isinstance(call.args[0], ast.Constant), f"line {call.lineno}: {ast.unparse(call)}"


def values(page: AppTest) -> list[str]:
    """All that a page shows as Markdown, the labels of its widgets among it."""
    assert not page.exception
    kinds = ("markdown", "caption", "warning", "error", "info", "toast", "header", "subheader")
    shown = [one.value for kind in kinds for one in page.get(kind) if hasattr(one, "value")]
    labelled = ("toggle", "button", "checkbox", "radio", "expander", "selectbox", "popover")
    return [*shown, *(one.label for kind in labelled for one in page.get(kind) if getattr(one, "label", None))]


def hurt(page: AppTest) -> list[str]:
    return [value for value in values(page) if not harmless(value)]


busy = test_laboratory.busy  # the fixture


@pytest.fixture
def idle(busy, monkeypatch):
    """This server's workers need not start for what no page trains here."""
    monkeypatch.setattr(shared(), "executor", busy.executor)


def page_of(name: str, **query: str) -> AppTest:
    """The app itself, or one of its pages: AppTest does not follow st.navigation to those that are functions."""
    given = "{}" if name == "clinic_page" else ""
    script = f"from pages import {name}\n{name}.render({given})\n"
    page = AppTest.from_file(str(ROOT / "app.py")) if name == "app" else AppTest.from_string(script)
    page.default_timeout = WITHIN
    for key, value in query.items():
        page.query_params[key] = value
    return page.run()


ADDRESSES = [
    ("app", {"page": HOSTILE}),
    ("app", {"lesson": HOSTILE}),
    ("app", {"learner": HOSTILE}),
    ("folklore_page", {"claim": HOSTILE}),
    ("plan_page", {"steps": HOSTILE}),
    ("plan_page", {"steps": f"{SLUG}:{HOSTILE}"}),
    *(
        ("clinic_page", {name: HOSTILE})
        for name in ("example", "task", "activation", "shape", "label_shape", "padding")
    ),
    ("clinic_page", {HOSTILE: "1"}),
]


@pytest.mark.parametrize(
    ("name", "query"), ADDRESSES, ids=lambda given: given if isinstance(given, str) else next(iter(given))
)
def test_an_address_puts_nothing_but_text_on_a_page(idle, name, query):
    page = page_of(name, **query)
    assert hurt(page) == []
    assert len(page.warning) >= 1, "nothing was told"


NAMES = [
    "preset",
    "epochs",
    "mask",
    "loss",
    "mode",
    "hide",
    "map_x",
    "map_size",
    "map_seeds",
    "pin.preset",
    "pin.epochs",
    HOSTILE,
]


@pytest.mark.parametrize("name", first(4, NAMES))
def test_a_lesson_s_address_puts_nothing_but_text_on_it(idle, name):
    page = lesson_page(SLUG, **{name: HOSTILE if name != HOSTILE else "1"})
    assert hurt(page) == [] and len(page.warning) >= 1


def test_what_is_said_of_a_file_is_text(idle):
    page = lesson_page(SLUG)
    page.session_state[PROBLEM] = f"{HOSTILE}, line 1: {HOSTILE}"
    page.run()
    assert hurt(page) == [] and "evil" in "".join(values(page))


def test_the_names_in_a_file_are_text(idle):
    header = ["id", "time", f"{LINK} www.evil.example", f"{HTML} :red[r]", "label"]
    rows = [f"{HTML}{number},{step},1,2,1" for number in range(3) for step in (0, 1)]
    page = lesson_page(SLUG)
    page.session_state[OWN] = Brought.parse("\n".join([",".join(header), *rows]).encode(), f"{HTML} {LINK}.csv")
    page.session_state[f"{SLUG}:own_read"] = True  # opened
    page.run()
    assert hurt(page) == [] and "evil" in "".join(values(page))


def test_the_name_of_a_brought_loss_is_text(idle):
    page = lesson_page(SLUG)
    page.session_state[BROUGHT] = Pasted("def loss(y, p):\n    return y - p\n", HOSTILE)
    page.run()
    assert hurt(page) == [] and "evil" in "".join(values(page))
