"""The folklore page: nothing is judged before it is measured, and what is measured is shown with its versions."""

import time
from importlib.metadata import version

import pytest
from streamlit.testing.v1 import AppTest

from lessons.claims import CLAIMS, DEPENDS, FAILS, HOLDS, Outcome
from lessons.server import laboratory
from lessons.server.verification import Verification
from pages import folklore_page
from tests.tools.patience import patient
from tests.tools.site import ROOT

WITHIN = patient(90)  # seconds: the first claim waits for TensorFlow
SCRIPT = "from pages.folklore_page import render\nrender()\n"


class Nowhere:
    """An executor that never begins."""

    def submit(self, *_):
        raise RuntimeError("nothing is measured here")


@pytest.fixture
def idle(monkeypatch) -> Verification:
    """A server on which nothing has been measured."""
    verification = Verification(Nowhere())
    monkeypatch.setattr(folklore_page, "shared", lambda: verification)
    return verification


def opened(**query: str) -> AppTest:
    page = AppTest.from_string(SCRIPT, default_timeout=WITHIN)
    for name, value in query.items():
        page.query_params[name] = value
    page.run()
    assert not page.exception
    return page


def told(page: AppTest) -> str:
    return "\n".join(one.value for one in page.markdown)


def verdict(word: str, on: str | None = None) -> Outcome:
    return Outcome(26, {"x": None}, "It is 1.", word, on, {"a": True}, 0.1, {"keras": "9.8.7"})


def test_before_anything_is_measured_no_verdict_is_shown(idle):
    page = opened()
    shown = told(page)
    for claim in CLAIMS.values():
        assert folklore_page.quoted(claim.text) in shown
    assert shown.count(folklore_page.MARKS[folklore_page.UNMEASURED]) == len(CLAIMS) + 1  # and the tally
    for word in (HOLDS, FAILS, DEPENDS):
        assert folklore_page.MARKS[word] not in shown


def test_filters(idle):
    idle.outcomes[26] = verdict(HOLDS)
    page = opened()
    page.button_group(key="folklore:answers").set_value(["D"])
    page.run()
    of_answer = [f"folklore:verify:{claim.id}" for claim in CLAIMS.values() if claim.answer == "D"]
    keys = [button.key for button in page.button if button.key.startswith("folklore:verify:")]
    assert keys == ["folklore:verify:26", *(key for key in of_answer if not key.endswith(":26"))], "by verdict"
    page.button_group(key="folklore:order").set_value("answer")
    page.run()
    assert [button.key for button in page.button if button.key.startswith("folklore:verify:")] == of_answer
    page.button_group(key="folklore:verdicts").set_value([HOLDS])
    page.run()
    assert [button.key for button in page.button if "verify" in button.key] == ["folklore:verify:26"]
    page.button_group(key="folklore:answers").set_value(["A"])
    page.run()
    assert "No claim passes" in page.info[0].value


def test_verdict_numbers_and_versions_are_shown(idle):
    idle.outcomes[26] = verdict(DEPENDS, on="holds with a; it fails with b")
    page = opened(claim="26")
    shown = told(page)
    assert folklore_page.MARKS[DEPENDS] in shown and "keras 9.8.7" in shown and "holds with a" in shown
    codes = "\n".join(code.value for code in page.code)
    claim = CLAIMS[26]
    assert claim.experiment in codes and claim.verdict_rule in codes and "?page=folklore&claim=26" in codes
    assert claim.counter_world in codes


def test_the_page_says_since_when_verdicts_are_measured_and_where_a_claim_comes_up(idle):
    idle.outcomes[38], idle.when[38] = verdict(FAILS), time.mktime((2026, 1, 2, 14, 5, 0, 0, 0, -1))
    page = opened(claim="38")
    assert any("since 14:05" in one.value for one in page.caption)
    assert "at 14:05" in told(page) and CLAIMS[38].source in told(page)


def test_what_cannot_be_measured_is_told(idle):
    idle.failures[3] = "Keras has no such thing"
    assert "no such thing" in opened().error[0].value


@pytest.mark.parametrize("asked", ["99", "nonsense", "", "1; DROP"])
def test_an_unknown_claim_is_told(idle, asked):
    page = opened(claim=asked)
    assert f"from 1 to {len(CLAIMS)}" in page.warning[0].value
    assert not page.code


def test_an_unknown_page_is_told_on_the_front_page():
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=WITHIN)
    page.query_params["page"] = "nowhere"
    page.run()
    assert not page.exception
    assert any("nowhere" in one.value and "folklore" in one.value for one in page.warning)


def test_verifying_one_shows_a_computed_verdict(monkeypatch):
    verification = Verification(laboratory.shared().executor)
    monkeypatch.setattr(folklore_page, "shared", lambda: verification)
    page = opened()
    page.button(key="folklore:verify:10").click().run()
    until = time.monotonic() + WITHIN
    while verification.busy and time.monotonic() < until:
        time.sleep(0.1)
    page.run()
    found = verification.outcomes[10]
    again = CLAIMS[10].rule(found.measured)
    assert (found.verdict, found.on) == (again.word, again.on)
    shown = told(page)
    assert folklore_page.MARKS[found.verdict] in shown and folklore_page.quoted(found.sentence) in shown
    assert f"keras {version('keras')}" in shown


@pytest.mark.verify
def test_a_link_opens_its_claim_in_the_browser(page, site):
    """The root form of the link, the scrolling, and a verdict that appears by itself."""
    page.goto(f"{site.url}/?page=folklore&claim=26")
    box = page.locator(".st-key-claim-26")
    box.get_by_text("The experiment").wait_for(timeout=WITHIN * 1000)
    until = time.monotonic() + WITHIN
    while not 0 < box.bounding_box()["y"] < 200 and time.monotonic() < until:
        time.sleep(0.1)
    assert 0 < box.bounding_box()["y"] < 200, "the page did not scroll to the claim"
    assert box.get_by_text(folklore_page.UNMEASURED).count()
    box.get_by_role("button", name="Verify").click()
    box.get_by_role("button", name="Verify again").wait_for(timeout=WITHIN * 1000)
    box.get_by_text(f"keras {version('keras')}").wait_for(timeout=WITHIN * 1000)
    assert not box.get_by_text(folklore_page.UNMEASURED).count()
