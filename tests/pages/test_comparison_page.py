"""Pin a run on the lesson page: the next one keeps its seed, and the two are compared, from a shared link too."""

import time

import pytest

from lessons.course.discovery import LESSONS
from tests.pages.test_pages import WITHIN, lesson_page, trained, warnings
from tests.tools.screen import SLUG, await_, choose, open_lesson, run, run_button
from tests.tools.selection import first

SHORT = {"mode": "present", "epochs": "6", "sequences": "6"}


def bench_of(page):
    return page.session_state[f"{SLUG}:bench"]


def press(page, name: str):
    return page.button(key=f"{SLUG}:{name}").click().run()


def pinned(**query: str):
    """A page whose first run is pinned."""
    page = trained(press(lesson_page(SLUG, **SHORT | query), "run"), SLUG)
    return press(page, "pin")


def compared(page):
    """The page once both runs are there."""
    trained(page, SLUG)
    until = time.monotonic() + WITHIN
    while not bench_of(page).pin.training.done and time.monotonic() < until:
        page.run()
    page.run()
    assert not page.exception
    return page


def words(page) -> str:
    return "\n".join(one.value for one in (*page.markdown, *page.caption))


def test_there_is_nothing_to_pin_before_the_first_run():
    page = lesson_page(SLUG, **SHORT)
    assert page.button(key=f"{SLUG}:pin").disabled
    press(page, "run")
    assert not page.button(key=f"{SLUG}:pin").disabled


@pytest.mark.verify
def test_a_pinned_run_alone_says_what_to_do():
    page = pinned()
    assert "change one toggle and press Run" in words(page)
    assert bench_of(page).pin.comparison is None


@pytest.mark.verify
def test_one_toggle_is_told_and_where_the_runs_part():
    page = pinned(preset="fixed")
    page.selectbox(key=f"{SLUG}:loss").set_value("scalar_mse").run()
    compared(press(page, "run"))
    comparison = bench_of(page).pin.comparison
    assert comparison.first(visible=True).quantity == "loss"
    told = words(page)
    assert "One toggle differs: **Loss**" in told and "They part in epoch 1" in told
    assert "| gradient | epoch 1 | epoch 1 |" in told
    assert page.select_slider(key=f"{SLUG}:comparison-epoch").value == 1, "the epoch where the gradients part"
    press(page, "unpin")
    assert bench_of(page).pin.settings is None and "They part" not in words(page)
    assert "pin.preset" not in page.query_params


@pytest.mark.verify
def test_several_toggles_are_listed_with_the_advice():
    page = pinned(preset="fixed")
    page.selectbox(key=f"{SLUG}:loss").set_value("mae").run()
    page.selectbox(key=f"{SLUG}:mask").set_value("none").run()
    told = words(page)
    assert "2 toggles differ" in told and "One at a time tells more" in told


def test_the_pinned_run_keeps_its_seed_for_the_next():
    page = pinned(preset="fixed", seed="3")
    seed = page.select_slider(key=f"{SLUG}:seed")
    assert seed.disabled and "the pinned run has seed 3" in seed.label
    other = next(preset.name for preset in LESSONS[SLUG].presets if preset.settings.seed not in (0, 3))
    page.button_group(key=f"{SLUG}:preset").set_value(other)
    page.run()
    assert bench_of(page).form.settings.seed == 3
    assert "seed" not in bench_of(page).changed
    press(page, "unpin")
    assert not page.select_slider(key=bench_of(page).form.field_key("seed")).disabled


def test_swap_brings_the_pinned_settings_back_and_pins_the_others():
    page = pinned(preset="fixed")
    first = bench_of(page).runs.training
    page.selectbox(key=f"{SLUG}:mask").set_value("none").run()
    compared(press(page, "run"))
    second = bench_of(page).runs.training
    press(page, "swap")
    bench = bench_of(page)
    assert (bench.runs.training, bench.pin.training) == (first, second)
    assert (bench.form.settings, bench.pin.settings) == (first.recipe.settings, second.recipe.settings)
    assert page.selectbox(key=bench.form.field_key("mask")).value == "aligned" and not bench.outdated
    assert "**Mask** none passed → aligned" in words(page)


def test_equal_settings_pressed_again_are_the_same_run():
    page = compared(press(pinned(), "run"))
    assert bench_of(page).runs.training is bench_of(page).pin.training
    assert "change one toggle and press Run" in words(page)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    first(
        1,
        [
            ("output", "last_step", "cannot be compared"),
            ("padded_labels", "nan", "NaN now"),
            ("padding", "pre", "need not be the same step"),
            ("timesteps", "7", "cannot be compared"),
            ("sequences", "9", "cannot be compared"),
        ],
    ),
)
def test_a_link_pins_any_pair_and_run_trains_both(name: str, value: str, says: str):
    same = {"pin.preset": "broken", "pin.epochs": "6", "pin.sequences": "6"}
    page = lesson_page(SLUG, **SHORT | same | {name: value})
    assert "Press Run: it trains the pinned settings too" in words(page)
    compared(press(page, "run"))
    assert says in words(page)
    assert bench_of(page).pin.comparison.pinned.settings == bench_of(page).pin.settings


@pytest.mark.verify
def test_a_run_under_way_can_be_pinned_and_goes_on():
    page = press(lesson_page(SLUG, mode="present", epochs="3000", seed="41"), "run")
    long = bench_of(page).runs.training
    press(page, "pin")
    page.select_slider(key=f"{SLUG}:epochs").set_value(5).run()
    press(page, "run")
    assert not long.job.stopped and bench_of(page).runs.training is not long
    until = time.monotonic() + WITHIN
    while (
        bench_of(page).runs.watching or len(long.items) < 3
    ) and time.monotonic() < until:  # beyond its first five epochs
        page.run()
    press(page, "stop")
    assert long.job.stopped or long.done
    until = time.monotonic() + WITHIN
    while not long.done and time.monotonic() < until:
        page.run()
    page.run()
    assert not page.exception
    assert bench_of(page).pin.comparison.epochs == 5, "a stopped run is compared as far as it goes"


def test_what_is_wrong_with_a_pinned_run_in_the_address_is_told():
    page = lesson_page(SLUG, **SHORT, **{"pin.preset": "nowhere", "pin.epochs": "1e9", "pin.mask": "none", "seed": "4"})
    told = warnings(page)
    assert not page.exception and len(page.warning) == 3
    assert "Of the pinned run: preset: got “nowhere”" in told and "Of the pinned run: epochs: got “1e9”" in told
    assert "seed: got “4”; while a run is pinned it takes that run’s, 0." in told
    assert bench_of(page).pin.settings.mask == "none", "what was good is taken"


# --- in a browser


DRAWN = """() => Object.fromEntries(["curve", "pinned", "now", "difference"].map((name) => [name,
  document.querySelector(`.st-key-%s-comparison-${name} .js-plotly-plot`)?.data.map((trace) => trace.z ?? trace.y)]))"""


def drawn(page) -> dict | None:
    found = page.evaluate(DRAWN % SLUG)
    return found if all(found.values()) else None


def test_pin_toggle_run_and_share(page, site, browser):
    open_lesson(page, site, preset="fixed", epochs="12")
    run(page)
    page.get_by_role("button", name="Pin").click()
    await_(lambda: page.get_by_role("button", name="Unpin").count(), "that it is pinned")
    choose(page, "Loss", "squared error, one scalar")
    await_(lambda: page.get_by_text("One toggle differs").count(), "the toggle that differs")
    run(page)
    shown = await_(lambda: drawn(page), "both runs and their difference")
    page.get_by_text("They part in epoch 1, first in the loss").wait_for()
    page.get_by_role("button", name="Share", exact=True).click()
    link = await_(
        lambda: page.locator("[data-testid=stPopoverBody] [data-testid=stCode] code").first.text_content(), "the link"
    )
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    other = context.new_page()
    other.goto(link)
    other.get_by_text("Press Run: it trains the pinned settings too").wait_for()
    run_button(other).click()
    again = await_(lambda: drawn(other), "the same comparison from the link")
    assert again == shown
    assert other.get_by_text("They part in epoch 1, first in the loss").count()
    context.close()
