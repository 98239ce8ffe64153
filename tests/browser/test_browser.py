"""The app as a person meets it: a real server, real workers, real Chromium."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psutil
import pytest

from lessons.course.discovery import LESSONS
from tests.tools.screen import SLUG, address, await_, choose, open_lesson, panel, ready, run, run_button
from tests.tools.selection import first
from tests.tools.site import serving


def total(z) -> float:
    """Sum of gradient sizes behind a heatmap of logarithms."""
    return sum(10**value for row in z or [] for value in row if value is not None)


def test_toggling_the_loss_moves_curve_and_gradient(page, site):
    open_lesson(page, site)
    broken = run(page)
    assert len(broken["curve"]) == 30
    assert total(broken["onPadding"]) > 0.9 * (total(broken["onReal"]) + total(broken["onPadding"]))
    choose(page, "Loss", "squared error, one value per step")
    await_(lambda: "changed since" in panel(page)["words"], "the word that the charts are stale")
    mended = run(page)
    assert total(mended["onPadding"]) == 0 < total(mended["onReal"])
    assert mended["curve"][-1] < 0.1 < 1000 < broken["curve"][-1]
    assert mended["error"][-1] < broken["error"][-1] / 10


@pytest.mark.verify
def test_toggling_the_mask_moves_the_picture_at_once(page, site):
    open_lesson(page, site)
    before = panel(page)["mask"]
    choose(page, "Mask", "inverted")
    await_(lambda: panel(page)["mask"] != before, "another mask in the picture")
    choose(page, "Mask", "none passed")
    await_(lambda: panel(page)["mask"] is None, "no mask in the picture")


IN_SIGHT = """() => {
  const low = document.querySelector('.stAppHeader').getBoundingClientRect().bottom;
  const parts = ['.st-key-bar button', '[data-panel=curve]', '[data-panel=gradient]', '.lab-slider'];
  return parts.every((part) => {
    const box = document.querySelector(part).getBoundingClientRect();
    return box.height > 0 && box.top >= low && box.bottom <= innerHeight;
  });
}"""
ONE_LINE = """() => {
  const parts = [...document.querySelectorAll('.st-key-head :is(h3, button)')];
  const boxes = parts.map((part) => part.getBoundingClientRect());
  return Math.max(...boxes.map((box) => box.top)) < Math.min(...boxes.map((box) => box.bottom));
}"""


def predict(page, lesson) -> None:
    """Answer the question before Run."""
    page.get_by_test_id("stRadioGroup").get_by_text(lesson.prediction.answers[0].text, exact=True).click()
    page.get_by_role("button", name="fairly sure").or_(page.get_by_role("radio", name="fairly sure")).first.click()
    button = page.get_by_role("button", name="That is my prediction")
    await_(button.is_enabled, "the prediction's button")
    button.click()
    await_(run_button(page).is_enabled, "Run after the prediction")


@pytest.mark.verify
@pytest.mark.parametrize("slug", LESSONS)
def test_after_the_prediction_all_charts_of_a_run_are_in_sight(page, site, slug):
    page.goto(f"{site.url}/?lesson={slug}")
    await_(lambda: (panel(page) or {}).get("picture"), "the data picture")
    ready(page)
    assert page.evaluate(ONE_LINE), "title, “Take it home” and Present"
    predict(page, LESSONS[slug])
    run(page)
    await_(lambda: page.evaluate(IN_SIGHT), "Run, curve, heatmap and the epochs' slider on one screen")


def test_from_question_to_share_link(page, site, browser):
    page.goto(f"{site.url}/?lesson={SLUG}")
    lesson = LESSONS[SLUG]
    await_(lambda: page.get_by_role("heading", name=lesson.title).count(), "the question")
    await_(lambda: (panel(page) or {}).get("picture"), "the data picture")
    assert run_button(page).is_disabled(), "Run waits for the prediction"
    assert page.evaluate(ONE_LINE), "title, “Take it home” and Present"
    predict(page, lesson)
    shown = run(page)
    await_(lambda: page.evaluate(IN_SIGHT), "Run, curve, heatmap and the epochs' slider on one screen")
    await_(lambda: page.get_by_text("You predicted").count(), "what became of the prediction")
    other = browser.new_page()
    other.goto(shared_link(page))
    await_(lambda: (panel(other) or {}).get("picture"), "the shared lesson")
    assert panel(other)["picture"] == shown["picture"]
    other.close()


def shared_link(page) -> str:
    page.get_by_role("button", name="Share", exact=True).click()
    return await_(
        lambda: page.locator("[data-testid=stPopoverBody] [data-testid=stCode] code").first.text_content(), "the link"
    )


@pytest.mark.verify
@pytest.mark.parametrize("slug", sorted(LESSONS, key=lambda slug: -len(LESSONS[slug].title)))
def test_every_lesson_runs_fits_a_projector_and_is_shared(page, site, slug):
    lesson = LESSONS[slug]
    open_lesson(page, site, slug)
    await_(lambda: page.get_by_role("heading", name=lesson.title).count(), "the question")
    assert len(run(page)["curve"]) == lesson.presets[0].settings.epochs
    for name in ("h3", ".st-key-bar", "[data-panel=curve]", "[data-panel=gradient] .lab-plot"):
        box = page.locator(name).first.bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= 720, name
    asked = parse_qs(urlsplit(shared_link(page)).query)
    assert asked["lesson"] == [slug] and asked["preset"] == [lesson.presets[0].name]


@pytest.mark.verify
def test_a_link_restores_everything(page, site, browser):
    open_lesson(page, site, preset="fixed", mask="shifted", mask_shift="2", seed="5", padding="pre")
    choose(page, "Mask", "inverted")
    await_(lambda: "mask=inverted" in address(page), "the address follows")
    first = run(page)
    other = browser.new_page()
    other.goto(address(page).replace(f"/{SLUG}?", f"/?lesson={SLUG}&"))
    await_(lambda: (panel(other) or {}).get("picture"), "the lesson again")
    again = run(other)
    assert again["curve"] == first["curve"] and again["onReal"] == first["onReal"]
    other.close()


def test_stop_keeps_the_curve_and_frees_the_page(page, site):
    open_lesson(page, site, epochs="3000", seed="11")
    run_button(page).click()
    await_(lambda: len(panel(page)["curve"] or []) > 20, "a growing curve")
    page.get_by_role("button", name="Stop").click()
    stopped = await_(lambda: panel(page) if "stopped after" in panel(page)["words"] else None, "that it stopped")
    trained = int(stopped["words"].split()[2])
    assert 20 < trained < 3000
    await_(lambda: len(panel(page)["curve"] or []) == trained, "the curve up to there")
    assert run_button(page).is_enabled()


def test_a_panel_that_streamlit_ends_and_shows_again_is_not_blank(page, site):
    """Between two messages of the same run Streamlit may end a component before it calls it again."""
    open_lesson(page, site)
    before = run(page)
    page.evaluate("""() => {
      const { panel } = document.querySelector('.lab');
      const { data } = panel;
      panel.unmount();
      panel.mount();
      panel.show({ ...data, run: null });
    }""")
    after = await_(lambda: (now := panel(page))["curve"] and now["picture"] and now, "the charts")
    assert {name: after[name] for name in ("curve", "picture")} == {name: before[name] for name in ("curve", "picture")}
    assert total(after["onReal"]) == total(before["onReal"])
    page.locator("[data-panel=gradient] .nsewdrag").click(position={"x": 20, "y": 20})
    await_(lambda: page.locator(".lab-pick:not([hidden])").count(), "a click on a cell")
    chosen = page.evaluate("document.querySelector('.lab').panel.sequence")
    for nonsense in ("7.5", "99", "-1", ""):
        page.locator(".lab-pick input").fill(nonsense)
        page.locator(".lab-pick input").press("Enter")
        assert page.locator(".lab-pick input").input_value() == str(chosen)


def test_the_slider_steps_through_the_epochs(page, site):
    open_lesson(page, site, preset="fixed")
    whole = run(page)
    slider = page.locator(".lab-slider input")
    slider.focus()
    slider.press("Home")
    first = panel(page)
    assert first["epoch"] == "1" and len(first["curve"]) == 1
    assert total(first["onReal"]) != total(whole["onReal"])
    slider.press("End")
    assert len(panel(page)["curve"]) == len(whole["curve"])


EPOCHS_SHOWN = """() => {
  const root = document.querySelector('.lab');
  window.epochsShown = [];
  const look = () => window.epochsShown.push(Number(root.dataset.epoch));
  new MutationObserver(look).observe(root, { attributeFilter: ['data-epoch'] });
}"""


def test_a_run_is_played_back_epoch_by_epoch(page, site):
    open_lesson(page, site, epochs="40")
    run(page)
    page.evaluate(EPOCHS_SHOWN)
    page.get_by_role("button", name="Play").click()
    await_(lambda: 40 in page.evaluate("epochsShown") and not panel(page)["playing"], "the last epoch")
    shown = page.evaluate("epochsShown")
    assert shown == sorted(shown) and shown[-1] == 40
    assert len(shown) > 2


@pytest.mark.verify
def test_a_cell_says_in_words_what_it_is(page, site):
    open_lesson(page, site)
    run(page)
    box = page.locator("[data-panel=gradient] .nsewdrag").bounding_box()
    page.mouse.move(box["x"] + 0.95 * box["width"], box["y"] + 0.9 * box["height"])
    words = await_(lambda: page.locator("[data-panel=gradient] .hoverlayer").text_content(), "the words of a cell")
    assert "padding" in words and "label 1000" in words and "gradient" in words


@pytest.mark.verify
def test_double_click_reload_and_back_leave_a_usable_page(page, site):
    open_lesson(page, site, epochs="400", seed="21")
    run_button(page).dblclick()
    await_(lambda: len(panel(page)["curve"] or []) > 3, "a curve")
    page.reload()
    await_(lambda: (panel(page) or {}).get("picture"), "the page after a reload in mid-run")
    choose(page, "Mask", "none passed")
    await_(lambda: "mask=none" in address(page), "the address follows")
    page.go_back()
    await_(lambda: "mask=none" not in address(page) and panel(page)["mask"], "the mask from before")
    assert len(run(page)["curve"]) == 400


@pytest.mark.verify
def test_two_tabs_do_not_disturb_each_other(page, site, browser):
    open_lesson(page, site, preset="fixed")
    other = browser.new_page()
    open_lesson(other, site, preset="broken")
    mine, theirs = run(page), run(other)
    assert mine["curve"][-1] < 1 < theirs["curve"][-1]
    assert panel(page)["curve"] == mine["curve"]
    other.close()


@pytest.mark.verify
def test_a_killed_worker_is_replaced_and_the_run_comes(page, site):
    open_lesson(page, site, epochs="500", seed="31")
    run_button(page).click()
    await_(lambda: panel(page)["curve"], "a curve")
    for worker in children(site.process.pid):
        worker.kill()
    await_(lambda: "500 epochs in" in panel(page)["words"], "the whole run all the same")


def children(pid: int) -> list[psutil.Process]:
    """The processes that compute for a server."""
    below = psutil.Process(pid).children(recursive=True)
    return [process for process in below if not process.children()]


def test_first_deep_link_of_a_server_shows_the_lesson(page):
    with serving(ahead=False) as fresh:
        page.goto(f"{fresh.url}/{SLUG}?preset=fixed")
        await_(lambda: page.get_by_role("heading", name=LESSONS[SLUG].title).count(), "the lesson")
        page.goto("about:blank")  # it would complain of the server's end


@pytest.mark.verify
def test_nonsense_in_the_address_is_told(page, site):
    open_lesson(page, site, epochs="1e9", mask="sideways")
    shown = page.get_by_test_id("stAlert").all_text_contents()
    assert any("1e9" in text and "3000" in text for text in shown)
    assert any("sideways" in text for text in shown)
    page.goto(f"{site.url}/?lesson=nowhere")
    await_(lambda: page.get_by_text("nowhere").count(), "that there is no such lesson")


@pytest.mark.verify
def test_arrow_keys_step_through_the_presets(page, site):
    open_lesson(page, site)
    page.keyboard.press("ArrowRight")
    await_(lambda: "preset=fixed" in address(page), "the next preset")
    before = page.locator(f".st-key-{SLUG}-step-1 button").first
    await_(before.is_enabled, "the way back")
    page.keyboard.press("ArrowLeft")
    await_(lambda: "preset=broken" in address(page), "the one before")


@pytest.mark.parametrize("gap", first(1, [60, 20]))
def test_a_second_click_does_not_undo_the_first(page, site, gap):
    """Milliseconds later it still carries the address and the widgets that the first click is about to replace."""
    open_lesson(page, site)
    page.evaluate(
        """([slug, gap]) => {
          const presets = [...document.querySelectorAll('[data-testid=stButtonGroup] button')];
          presets.find((preset) => preset.textContent.includes('One value')).click();
          setTimeout(() => document.querySelector(`.st-key-${slug}-present button`).click(), gap);
        }""",
        [SLUG, gap],
    )
    await_(lambda: "mode=present" not in address(page), "the page without presenter mode")
    try:
        await_(lambda: parse_qs(urlsplit(address(page)).query) == {"preset": ["fixed"]}, "what both clicks asked for")
    except AssertionError as late:
        late.add_note(f"{address(page)}; {page.get_by_role('radio', checked=True).all_inner_texts()}; {panel(page)}")
        raise


@pytest.mark.parametrize("gap", first(1, [1, 0]))
def test_a_click_that_comes_with_the_panels_asking_is_seen(page, site, gap):
    """Streamlit joins what comes within a moment, and runs the fragment of the first only."""
    open_lesson(page, site)
    click = """([slug, place, gap]) => {
      const click = () => document.querySelector(`.st-key-${slug}-${place} button`).click();
      document.querySelector('.lab').panel.send('tick', Date.now());
      gap ? setTimeout(click) : click();
    }"""
    page.evaluate(click, [SLUG, "present", gap])
    await_(lambda: "mode=present" not in address(page), "the page without presenter mode")
    await_(lambda: page.locator("[data-test-script-state=notRunning]").count(), "the end of the script")
    await_(lambda: (panel(page) or {}).get("picture"), "the panel, drawn anew")
    page.evaluate(click, [SLUG, "map-draw", gap])
    await_(lambda: page.locator(f".st-key-{SLUG}-map .lab-plot").count(), "the map")


@pytest.mark.parametrize(
    ("width", "scheme"), first(1, [(390, "dark"), (1280, "light"), (390, "light"), (1280, "dark")])
)
def test_nothing_is_wider_than_the_screen(browser, site, width, scheme):
    context = browser.new_context(viewport={"width": width, "height": 720}, color_scheme=scheme)
    page = context.new_page()
    open_lesson(page, site)
    run(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    text, paper = page.evaluate(
        "['color', 'backgroundColor'].map((name) => getComputedStyle(document.querySelector('.stApp'))[name])"
    )
    assert text != paper
    context.close()


def test_the_server_says_nothing_of_errors(site):
    """Runs last in this file: what all of the above made the server print."""
    printed = Path(site.log).read_text()
    assert "Traceback" not in printed, printed[-3000:]
