"""The map of failure on the lesson page: choose, draw, watch it fill, stop it, open a cell."""

import time
from dataclasses import replace

import pytest

from lessons.figures.grid_figures import NAMES
from lessons.runs.grid import Cell
from lessons.runs.outcome import OUTCOMES, late, outcome_of
from pages.lab.grid_panel import compared
from tests.pages.test_pages import WITHIN, lesson_page, trained, warnings
from tests.tools.screen import PATIENCE, SLUG, address, await_, open_lesson, panel

SHORT = {"mode": "present", "preset": "fixed", "epochs": "4", "sequences": "4"}
MAP = {"map_x": "learning_rate", "map_y": "padding_share", "map_size": "3x2"}


def bench_of(page):
    return page.session_state[f"{SLUG}:bench"]


def press(page, name: str):
    return page.button(key=f"{SLUG}:{name}").click().run()


def drawn(page):
    """The page once its map is whole."""
    press(page, "map-draw")
    until = time.monotonic() + WITHIN
    while not bench_of(page).map.grid_run.done and time.monotonic() < until:
        page.run()
    page.run()
    assert not page.exception and bench_of(page).map.grid_run.share == 1
    return page


def words(page) -> str:
    return "\n".join(one.value for one in (*page.markdown, *page.caption))


def test_an_empty_map_says_what_a_map_is_and_offers_fields_that_matter():
    page = lesson_page(SLUG, **SHORT)
    assert "each cell is one real run" in words(page)
    assert not page.button(key=f"{SLUG}:map-draw").disabled
    assert "map_x" not in page.query_params, "nobody has chosen yet"


def test_a_map_of_the_address_is_drawn_and_counted():
    page = drawn(lesson_page(SLUG, **SHORT, **MAP))
    grid_run = bench_of(page).map.grid_run
    assert (grid_run.grid.x, grid_run.grid.y, grid_run.grid.runs) == ("learning_rate", "padding_share", 6)
    ended = {cell.outcome for cell in grid_run.cells}
    told = words(page)
    assert all(f"{word}**" in told for word in ended)
    assert "draw the map again" not in told


def test_the_choice_goes_into_the_address_and_back():
    page = lesson_page(SLUG, **SHORT)
    page.selectbox(key=f"{SLUG}:map_x").set_value("mask").run()
    page.selectbox(key=f"{SLUG}:map_size").set_value("16x16").run()
    asked = {name: page.query_params[name] for name in ("map_x", "map_y", "map_size")}
    assert (asked["map_x"], asked["map_size"]) == ("mask", "16x16")
    again = lesson_page(SLUG, **SHORT, **asked)
    assert again.selectbox(key=f"{SLUG}:map_x").value == "mask"
    assert again.selectbox(key=f"{SLUG}:map_size").value == "16x16"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [("map_x", "sideways", "sideways"), ("map_y", "learning_rate", "both axes"), ("map_size", "900", "900")],
)
def test_a_bad_map_in_the_address_is_one_sentence(name: str, value: str, says: str):
    page = lesson_page(SLUG, **SHORT, **MAP | {name: value})
    assert not page.exception and len(page.warning) == 1 and says in warnings(page)
    assert bench_of(page).map.chosen == {} and not page.button(key=f"{SLUG}:map-draw").disabled


def test_a_field_that_changes_nothing_here_is_told_and_not_drawn():
    page = lesson_page(SLUG, **SHORT, **MAP)
    page.selectbox(key=f"{SLUG}:map_x").set_value("epsilon").run()
    assert page.button(key=f"{SLUG}:map-draw").disabled
    assert "This loss has no epsilon" in words(page)


def test_settings_that_change_make_the_map_old_unless_they_are_its_axes():
    page = drawn(lesson_page(SLUG, **SHORT, **MAP))
    page.select_slider(key=f"{SLUG}:learning_rate").set_value(0.3).run()
    assert "draw the map again" not in words(page)
    page.selectbox(key=f"{SLUG}:mask").set_value("none").run()
    assert "draw the map again" in words(page)


@pytest.mark.verify
def test_stop_keeps_what_is_there():
    page = lesson_page(SLUG, mode="present", preset="fixed", epochs="3000", **MAP | {"map_size": "8x8"})
    press(page, "map-draw")
    press(page, "map-stop")
    grid_run = bench_of(page).map.grid_run
    assert grid_run.wait(WITHIN)
    page.run()
    assert not page.exception and grid_run.share < 1
    assert f"Stopped: {len(grid_run.cells)} of 64 trained." in words(page)


# --- in a browser

LOOK = """() => {
  const plot = document.querySelector('.st-key-%s-map .js-plotly-plot');
  if (!plot?.data) return null;
  return {z: plot.data[0].z, words: plot.data.find((trace) => trace.hovertemplate)?.text,
    said: plot.parentElement.querySelector('.lab-said')?.textContent};
}"""


def test_a_run_that_ends_otherwise_than_its_cell_is_told():
    """No map here has such a cell: the words are tried on a real run, beside what another map could have said of it."""
    page = trained(press(lesson_page(SLUG, **SHORT), "run"), SLUG)
    run = bench_of(page).runs.training.run()
    ended, other = outcome_of(run), next(word for word in OUTCOMES if word != outcome_of(run))
    cell = Cell(0, 0, 0, ended, late(run.snapshot.error), late(run.snapshot.loss), float(run.leak[0]), run.baseline)
    assert compared(run, cell).endswith(", as the map says.")
    assert f"**The map says {NAMES.get(other, other)}.**" in compared(run, replace(cell, outcome=other))
    assert "could not be trained:** no memory" in compared(run, replace(cell, outcome="", failure="no memory"))
    assert "not trained it yet" in compared(run, None)


def test_a_click_on_a_cell_opens_its_run(page, site):
    open_lesson(page, site, preset="fixed", epochs="10", map_x="learning_rate", map_y="padded_labels", map_size="3")
    look = LOOK % SLUG
    page.get_by_role("button", name="Draw the map").click()

    def whole():
        seen = page.evaluate(look)
        return seen if seen and all(value is not None for row in seen["z"] for value in row) else None

    seen = await_(whole, "the whole map", 3 * PATIENCE)
    plot = page.locator(f".st-key-{SLUG}-map .nsewdrag")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    columns, rows = len(seen["z"][0]), len(seen["z"])
    page.mouse.click(box["x"] + 2.5 / columns * box["width"], box["y"] + (rows - 0.5) / rows * box["height"])
    await_(lambda: page.get_by_text("Run by itself").count(), "the run of the cell by itself")
    assert "as the map says" in page.locator("p", has_text="Run by itself").text_content()
    opened = page.locator("p", has_text="Opened:").text_content()
    assert seen["words"][0][2].split("<br>")[0] in opened
    await_(lambda: "learning_rate=" in address(page), "the cell's settings on the form")
    await_(lambda: len(panel(page)["curve"] or []) == 10, "its run above")
    page.locator(f".st-key-{SLUG}-map .lab-plot").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    await_(lambda: seen["words"][1][0].split("<br>")[0] in page.evaluate(look)["said"], "the words of the cell")
    page.keyboard.press("Enter")
    await_(
        lambda: seen["words"][1][0].split("<br>")[0] in page.locator("p", has_text="Opened:").text_content(),
        "the other cell",
    )
