"""axe-core on every page, in both themes: it finds nothing. docs/accessibility.md says what else was tried."""

import re
import time
from pathlib import Path

import pytest

from tests.tools.patience import PATIENCE, patient
from tests.tools.screen import address, await_, open_lesson
from tests.tools.selection import first

package = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python brings axe-core's script")
AXE = (Path(package.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FIND = """async rules => (await axe.run(document, {runOnly: rules})).violations.flatMap(
  found => found.nodes.map(node => `${found.id}: ${node.target} ${(node.any[0] ?? {}).message ?? ''}`))"""
# The place of Streamlit's uploader to drop a file on: `role="presentation"`, and it can be focused. What does it, the
# button in it, has a name of its own.
STREAMLITS = "presentation-role-conflict: section "
SETTLES = patient(20)  # seconds: a page is looked at until nothing is found, for it may still be drawing

PAGES = {  # address, and words that are there once the page is drawn
    "lesson": ("/?lesson=mask_and_loss&mode=present", "Press Run"),
    "home": ("/", "Five answers"),
    "clinic": ("/?page=clinic", "Examine"),
    "folklore": ("/?page=folklore", "Folklore"),
    "record": ("/?page=record", "Lessons done"),
    "plan": ("/?page=plan&steps=mask_and_loss:broken", "Question"),
    "door": ("/?page=room", "Open a room"),
}


@pytest.fixture(params=first(1, ("dark", "light")))
def themed(request, browser):
    context = browser.new_context(viewport={"width": 1280, "height": 720}, color_scheme=request.param)
    yield context
    context.close()


def found(page) -> list[str]:
    """What axe finds in the end, but for `STREAMLITS`."""
    page.evaluate(AXE + "; 0")
    until = time.monotonic() + SETTLES
    while (violations := [one for one in page.evaluate(FIND, RULES) if one != STREAMLITS]) and time.monotonic() < until:
        time.sleep(0.5)
    return violations


def shows(page, words: str) -> None:
    await_(lambda: words in page.evaluate("document.body.innerText"), words)


@pytest.mark.parametrize("name", first(1, tuple(PAGES)))
def test_a_page(themed, site, name):
    query, words = PAGES[name]
    page = themed.new_page()
    page.goto(site.url + query)
    shows(page, words)
    assert found(page) == []


@pytest.mark.verify
def test_a_lesson_that_has_run(themed, site):
    page = themed.new_page()
    open_lesson(page, site)
    page.get_by_role("button", name="Run", exact=True).click()
    shows(page, "epochs in")
    assert found(page) == []
    page.get_by_role("button", name="Take it home").click()
    shows(page, "in plain Keras")
    assert found(page) == []


@pytest.mark.verify
def test_a_loss_that_was_examined(themed, site):
    page = themed.new_page()
    page.goto(f"{site.url}/?page=clinic")
    shows(page, "Nothing has been examined yet")
    page.get_by_role("button", name="Examine").first.click()
    await_(lambda: page.locator(".st-key-clinic-fresh").count(), "findings", 3 * PATIENCE)
    assert found(page) == []


@pytest.mark.verify
def test_a_room_in_each_phase(themed, site):
    console = themed.new_page()
    console.goto(f"{site.url}/?page=room")
    console.get_by_role("button", name="Open a room").click()
    code = await_(lambda: re.search(r"room=(\w+)&instructor=", address(console)), "the console")[1]
    learner, wall = themed.new_page(), themed.new_page()
    learner.goto(f"{site.url}/?room={code}")
    shows(learner, "Nickname")
    assert found(learner) == []
    learner.get_by_role("button", name="Join").click()
    wall.goto(f"{site.url}/?room={code}&view=projector")
    shows(wall, "Join now")
    console.get_by_role("button", name="Ask this").click()
    for phase, words in (("Vote", "Vote now"), ("Discuss", "convince them"), ("Vote again", "Vote again, whatever"),
                         ("Run", "Run it, and see"), ("Reveal", "What came true, and")):  # fmt: skip
        console.get_by_role("button", name=phase, exact=True).click()
        shows(learner, words)
        if phase in ("Vote", "Vote again"):
            learner.locator(".st-key-room-body button").first.click()
            shows(learner, "How sure are you")
        assert {name: found(page) for name, page in (("learner", learner), ("wall", wall), ("console", console))} == {
            "learner": [], "wall": [], "console": [],
        }, phase  # fmt: skip
    console.get_by_role("button", name="Results").click()
    shows(console, "Did they learn?")
    assert found(console) == []


@pytest.mark.verify
def test_a_case_that_is_published_to_a_room(themed, site):
    console, learner = themed.new_page(), themed.new_page()
    console.goto(f"{site.url}/?page=room")
    console.get_by_role("button", name="Open a room").click()
    code = await_(lambda: re.search(r"room=(\w+)&instructor=", address(console)), "the console")[1]
    learner.goto(f"{site.url}/?room={code}")
    learner.get_by_role("button", name="Join").click()
    console.get_by_role("link", name="Your case").first.click()
    console.get_by_role("button", name="Publish to the room").click()
    shows(console, "stored on this server until the room ends")
    assert found(console) == []
    console.get_by_label("Its name in the room").fill("Whose mask?")
    console.get_by_role("button", name="Publish it").press("Enter")
    shows(console, "Published as")
    shows(learner, "Whose mask?")
    learner.get_by_test_id("stExpander").get_by_text("Whose mask?").click()
    shows(learner, "Take it to")
    assert found(learner) == []
    console.keyboard.press("Escape")
    console.get_by_role("link", name="Room", exact=True).first.click()
    console.get_by_role("button", name="Back to the console").click()
    console.get_by_role("button", name="Publish a case").click()
    shows(console, "which “Save” on “Your case” writes")
    assert found(console) == []
