"""By the keyboard alone, at 200 % zoom, and by finger: what is reached, seen to be reached, and large enough."""

import pytest

from lessons.course.discovery import LESSONS
from lessons.figures.marks import number
from tests.tools.screen import await_, open_lesson, panel, ready, run, run_button
from tests.tools.selection import first

PAGES = ["?page=room", "?lesson=mask_and_loss", "", "?page=clinic", "?page=plan&steps=mask_and_loss:broken",
         "?page=folklore", "?page=record", "?page=your_case"]  # fmt: skip
MOST = 120  # stops of the Tab key before a page has had all of them

# The element that has the focus: its name, and whether one sees that it has it: a frame of its own, or of the field
# that it is in, in the colour of what is chosen.
FOCUS = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const colour = getComputedStyle(document.querySelector('.lab-tabs button, [data-testid=stBaseButton-primary]')
    ?? document.body).backgroundColor;
  const shows = (one) => {
    const style = getComputedStyle(one);
    return (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none'
      || (parseFloat(style.borderTopWidth) > 0 && style.borderTopColor === colour);
  };
  const around = [at, at.nextElementSibling, at.previousElementSibling];
  for (let one = at, up = 0; up < 4 && one.parentElement; up++) around.push(one = one.parentElement);
  const box = at.getBoundingClientRect(), name = at.getAttribute('aria-label') || at.innerText || at.tagName;
  at.dataset.stop ??= String(window.stops = (window.stops ?? 0) + 1);
  return { stop: at.dataset.stop, name: name.slice(0, 50), seen: around.filter(Boolean).some(shows),
           inside: box.bottom > 0 && box.top < innerHeight };
}"""
STYLED = "() => [...document.querySelectorAll('style')].some((one) => one.textContent.includes(':focus-visible'))"
# Buttons, links and fields that are smaller than 24 pixels in a direction and are no words within a line (WCAG 2.5.8).
SMALL = """() => [...document.querySelectorAll('button, a, summary, input, [tabindex="0"]')]
  .filter((one) => one.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) && !one.closest('p, li, td'))
  .map((one) => [(one.matches('input') && one.closest('[data-testid]') || one).getBoundingClientRect(), one])
  .filter(([box]) => box.width > 1 && box.height > 1 && (box.width < 23.5 || box.height < 23.5))
  .map(([box, one]) => `${Math.round(box.width)}×${Math.round(box.height)} ${one.tagName} ${one.innerText}`)"""


def opened(page, site, query: str) -> None:
    page.goto(f"{site.url}/{query}")
    drawn = page.locator("[data-test-script-state=notRunning] :is(h1, h2, h3)")
    await_(lambda: drawn.count() and not page.locator("[data-stale=true]").count(), query)
    await_(lambda: page.evaluate(STYLED), "our style: Streamlit loads what shows it after the heading")
    if "lesson" in query:
        await_(lambda: (panel(page) or {}).get("picture"), "the data picture")
        ready(page)


def tour(page) -> list[dict]:
    """Every stop of the Tab key, once around."""
    stops: dict[str, dict] = {}
    for _ in range(MOST):
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUS)
        if at is None or at["stop"] in stops:
            break
        stops[at["stop"]] = at
    return list(stops.values())


@pytest.mark.parametrize("query", first(1, PAGES))
def test_every_stop_of_the_tab_key_can_be_seen(page, site, query):
    opened(page, site, query)
    stops = tour(page)
    assert 5 < len(stops) < MOST, "the focus goes around, and is caught nowhere"
    assert [one["name"] for one in stops if not (one["seen"] and one["inside"])] == []


@pytest.mark.parametrize("query", first(1, PAGES))
def test_nothing_that_is_touched_is_smaller_than_24_pixels(page, site, query):
    opened(page, site, query)
    assert page.evaluate(SMALL) == []


@pytest.mark.parametrize("query", first(1, PAGES))
def test_at_twice_the_size_nothing_goes_out_at_the_side(browser, site, query):
    """A browser at 200 % on a screen of 1280×720."""
    context = browser.new_context(viewport={"width": 640, "height": 360}, device_scale_factor=2)
    page = context.new_page()
    opened(page, site, query)
    assert page.evaluate("document.documentElement.scrollWidth") <= 640
    assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= 640
    context.close()


def test_a_run_is_read_without_eyes_and_hands_off_the_mouse(page, site):
    """Ctrl+Enter runs; each chart says in a sentence what came of it; its numbers are a table, and Esc leaves it."""
    open_lesson(page, site)
    shown = run(page)
    curve, heatmap = (page.locator(f"[data-panel={name}]") for name in ("curve", "gradient"))
    assert f"Loss from {number(shown['curve'][0])} to" in curve.aria_snapshot()
    assert "of the gradient lies on padding" in heatmap.aria_snapshot()
    for place, cells in ((curve, LESSONS["mask_and_loss"].presets[0].settings.epochs), (heatmap, 32)):
        place.locator("summary").focus()
        page.keyboard.press("Enter")
        for _ in range(3):
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        table = place.get_by_role("region", name="The numbers")
        assert table.locator("tbody tr").count() == cells and table.get_by_role("columnheader").count() > 3
        page.keyboard.press("Escape")
        assert not table.count() and place.locator("summary").evaluate("one => one === document.activeElement")
    before = panel(page)["token"]
    page.keyboard.press("Control+Enter")
    await_(lambda: panel(page)["token"] != before, "a run by the keyboard")
    assert run_button(page).is_visible()
