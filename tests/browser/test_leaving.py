"""What a page leaves behind in the browser when a learner goes on: nothing."""

import pytest

from tests.tools.screen import address, await_, open_lesson, panel

# What a visit may add, at most. Where the charts of one are not let go of, they hold 200 listeners, 1300 nodes and
# 765 kB; a page without a chart costs Streamlit a listener or two and some memory.
MOST = {"JSEventListeners": 20, "Nodes": 100, "JSHeapUsedSize": 400e3}


def counted(cdp) -> dict[str, float]:
    """What the page holds once all that can be collected is."""
    cdp.send("HeapProfiler.collectGarbage")
    return {metric["name"]: metric["value"] for metric in cdp.send("Performance.getMetrics")["metrics"]}


def visit(page) -> None:
    """From the record to the lesson before, and back, as the browser's arrows go."""
    page.go_back()
    await_(lambda: (panel(page) or {}).get("picture"), "the lesson")
    page.go_forward()
    leave(page)


def leave(page) -> None:
    await_(lambda: page.get_by_role("button", name="Download as HTML").count(), "the record")
    await_(lambda: page.locator(".lab").count() == 0, "the lesson's charts are gone")


@pytest.mark.verify
@pytest.mark.parametrize("visits", [4, 30])
def test_a_lesson_that_is_left_leaves_nothing_behind(page, site, visits):
    open_lesson(page, site)
    page.get_by_role("link", name="Record").first.click()
    leave(page)
    for _ in range(2):  # what is made once is made by then
        visit(page)
    cdp = page.context.new_cdp_session(page)
    cdp.send("Performance.enable")
    before = counted(cdp)
    for _ in range(visits):
        visit(page)
    grown = {name: (counted(cdp)[name] - before[name]) / visits for name in MOST}
    assert all(grown[name] < MOST[name] for name in MOST), grown


def test_back_from_the_clinic_a_lesson_stands_as_it_was_left(page, site):
    """On the way there the browser's history gets an entry with the lesson's path and the clinic's query."""
    open_lesson(page, site, "mask_and_loss", preset="broken", epochs="7")
    page.get_by_role("link", name="Clinic").click()
    await_(lambda: page.get_by_role("heading", name="What is wrong with my loss?").count(), "the clinic")
    await_(lambda: "/clinic?" in address(page), "its address")
    page.go_back()
    if "/clinic" in address(
        page
    ):  # its path came before its query: then it has two entries, and the lesson's is unmixed
        page.go_back()
    await_(lambda: (panel(page) or {}).get("picture"), "the lesson")
    await_(lambda: "epochs=7" in address(page), "its settings")
    assert not page.get_by_text("unknown field").count()
