"""A case travels: saved and opened as a file, and in a link that no server sees before it is taken."""

from lessons.course.case import Case
from lessons.course.model_examples import EXAMPLES
from pages.server.shown import CASE_PAGE
from tests.tools.screen import await_

CASE = Case(EXAMPLES["Attention with a residual"], settings={"epochs": "7"})


def texts(page) -> list[str]:
    """Of all boxes for a model, in one look: while the page is drawn anew there are two for a moment."""
    return page.get_by_role("textbox", name="Your model").evaluate_all("boxes => boxes.map((box) => box.value)")


def test_a_link_is_shown_first_and_runs_nothing(page, site):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{site.url}/{CASE_PAGE}#{CASE.to_link()}")
    await_(lambda: "MultiHeadAttention" in page.locator("main").inner_text(), "what the link carries")
    assert "epochs = 7" in page.locator("main").inner_text() and not any("case=" in url for url in asked)
    page.get_by_role("button", name="Take it").click()
    await_(lambda: texts(page) == [CASE.model], "the text of the case")
    await_(lambda: page.get_by_text("nothing of it has run").count(), "that it did not run")
    assert not page.get_by_role("button", name="Train it").count()
    page.get_by_role("button", name="Look at it").click()
    await_(lambda: page.get_by_role("button", name="Train it").count(), "what was found")
    page.get_by_role("button", name="Train it").click()
    await_(lambda: page.get_by_text("7 epochs in").count(), "a run with the settings of the case")


def test_a_file_is_saved_and_opened(page, site):
    page.goto(f"{site.url}/?page=your_case")
    await_(lambda: page.get_by_role("radio", name="Flatten").count(), "the page")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save", exact=True).click()
    text = saved.value.path().read_text()
    assert Case.read(text).model == next(iter(EXAMPLES.values()))
    page.get_by_role("button", name="Open", exact=True).click()
    uploader = page.get_by_test_id("stPopoverBody").locator("input[type=file]")  # the page has another, for data
    await_(lambda: uploader.count() == 1, "where a case is opened")
    uploader.set_input_files({"name": "case.json", "mimeType": "application/json", "buffer": b"{}"})
    await_(lambda: page.get_by_text("takes a file case.json").count(), "what is taken")
    await_(lambda: not page.get_by_test_id("stFileChip").count(), "an empty place for another")
    await_(lambda: page.locator("[data-test-script-state=notRunning]").count(), "that it stays")  # drawn once more
    uploader.set_input_files({"name": "case.json", "mimeType": "application/json", "buffer": CASE.to_text().encode()})
    await_(lambda: texts(page) == [CASE.model], "the text of the case")


def test_a_link_that_was_cut_short_says_so(page, site):
    page.goto(f"{site.url}/{CASE_PAGE}#{CASE.to_link()[:60]}")
    await_(lambda: page.get_by_text("no case that can be read").count(), "that it cannot be read")
    text = Case("<img src=x onerror=\"document.title='run'\">").to_link()
    page.goto(f"{site.url}/{CASE_PAGE}?again#{text}")
    await_(lambda: page.get_by_text("onerror").count(), "what the link carries, as text")
    assert page.title() == "A case · Unmasked"
