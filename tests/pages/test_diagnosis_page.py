"""Findings on the lesson page: cards with a fix to apply and undo, marks in the charts, x-ray and origin of a NaN."""

import time

import pytest

from lessons.course.discovery import LESSONS
from lessons.doctor.run.rules import RUN_RULES
from tests.pages.test_pages import WITHIN, lesson_page, trained
from tests.tools.screen import await_, open_lesson, panel, run


def bench_of(page, slug: str):
    return page.session_state[f"{slug}:bench"]


def examined(slug: str, **query: str):
    """A lesson's page after its run."""
    page = lesson_page(slug, mode="present", **query)
    page.button(key=f"{slug}:run").click().run()
    return again(page, slug)


def again(page, slug: str):
    trained(page, slug)
    page.run()
    assert not page.exception
    return page


def words(page) -> str:
    """What is said, without the escapes of Markdown."""
    return "\n".join(one.value for one in (*page.markdown, *page.caption)).replace("\\", "")


def test_a_healthy_run_says_what_was_looked_at():
    page = examined("mask_and_loss", preset="fixed")
    said = words(page)
    assert "No finding." in said
    assert all(rule.tried in said for rule in RUN_RULES.rules.values())
    assert "| `lstm` :gray[LSTM] | yes | yes | |" in said.replace("|  |", "| |")


def test_a_fix_is_applied_and_undone():
    slug = "layer_ate_mask"
    page = examined(slug, preset="broken")
    broken, training = bench_of(page, slug).form.settings, bench_of(page, slug).runs.training
    assert "The mask is lost on the way" in words(page) and "**Layer in between** t * 1.0 → none" in words(page)
    page.button(key=f"{slug}:fix:mask_dropped").click().run()
    again(page, slug)
    bench = bench_of(page, slug)
    assert bench.form.settings == broken.with_changes({"between": "none"}) == bench.runs.training.recipe.settings
    assert page.selectbox(key=bench_of(page, slug).form.field_key("between")).value == "none"
    assert "No finding." in words(page) and "Applied: **Layer in between** t * 1.0 → none" in words(page)
    page.button(key=f"{slug}:undo").click().run()
    again(page, slug)
    assert bench.form.settings == broken and bench.runs.training is training, "the run that is remembered"
    assert page.selectbox(key=bench_of(page, slug).form.field_key("between")).value == "times_one"
    assert "The mask is lost on the way" in words(page) and "Applied:" not in words(page)


@pytest.mark.parametrize(
    ("between", "layer", "said"),
    [
        ("times_one", "`ops.multiply(t, 1.0)` :gray[Multiply operation]", "Keras says nothing"),
        ("conv1d", "`conv1d` :gray[Conv1D]", "Keras warns"),
    ],
)
def test_the_x_ray_stands_in_the_card_of_a_dropped_mask(between, layer, said):
    page = examined("layer_ate_mask", between=between)
    assert f"| {layer} | yes | :gray[no] | :orange[**lost here**, and {said}] |" in words(page)
    assert "Where the mask goes" not in [expander.label for expander in page.expander]


def test_the_x_ray_tells_that_no_mask_is_passed():
    page = examined("mask_and_loss", mask="none")
    assert "Where the mask goes" in [expander.label for expander in page.expander]
    assert "No mask is passed to this model" in words(page)


def test_try_this_next_moves_one_toggle_and_runs():
    slug = "mask_and_loss"
    page = examined(slug, preset="fixed")
    bench = bench_of(page, slug)
    before, step = bench.form.settings, bench.runs.diagnosis.steps[0]
    page.button(key=f"{slug}:try:0").click().run()
    again(page, slug)
    assert bench.form.settings == before.with_changes({step.field: step.value}) == bench.runs.training.recipe.settings


def test_an_own_change_ends_the_offer_to_undo():
    slug = "layer_ate_mask"
    page = examined(slug, preset="broken")
    page.button(key=f"{slug}:fix:mask_dropped").click().run()
    again(page, slug)
    page.selectbox(key=bench_of(page, slug).form.field_key("between")).set_value("conv1d").run()
    assert f"{slug}:undo" not in [button.key for button in page.button]


def test_the_nan_origin_certificate_comes_after_the_card():
    page = examined("small_epsilon", preset="broken")
    until = time.monotonic() + WITHIN
    while "Where the NaN came from" not in words(page) and time.monotonic() < until:
        page.run()
    said = words(page)
    assert "| **Born** | epoch 32, sequence 25, step 2, on the way forward |" in said
    assert "`log((1 - y_pred) + 1e-08)`, made by `log`" in said
    assert "Only inside the compiled graph" in said


# --- in the browser


MARKS = """() => {
  const { curve, gradient } = document.querySelector('.lab').panel.plots;
  return {
    bands: (curve.layout.shapes ?? []).filter((shape) => shape.layer === 'below').map((shape) => [shape.x0, shape.x1]),
    titles: (curve.layout.annotations ?? []).map((note) => note.text),
    border: gradient.data.some((trace) => trace.name === 'the finding'),
  };
}"""


def test_broken_to_fixed_and_back(page, site):
    open_lesson(page, site, "first_iteration", preset="broken")
    run(page)
    await_(lambda: page.get_by_text("Where the NaN came from").count(), "the origin of the NaN")
    told = page.locator(".st-key-nan-origin").inner_text()
    assert "on the way back, after a finite loss" in told
    assert "at 0 ** 0.5 the gradient 0 from above becomes NaN" in told
    await_(lambda: page.get_by_text("finding below: Not a number").count() == 1, "the finding in the status line")

    # The worst finding is marked; a click takes the marks off, and nothing of the run is sent or drawn anew.
    token = panel(page)["token"]
    marks = page.evaluate(MARKS)
    assert marks["border"]
    page.get_by_role("button", name="Shown in the charts").click()
    await_(lambda: not page.evaluate(MARKS)["border"], "charts without marks")
    page.get_by_role("button", name="Show in the charts").click()
    await_(lambda: page.evaluate(MARKS) == marks, "the marks again")
    assert panel(page)["token"] == token

    page.get_by_role("button", name="Apply the fix and run").click()
    await_(lambda: page.get_by_text("No finding.").count(), "a healthy run")
    await_(lambda: not page.evaluate(MARKS)["border"], "charts without marks")
    top = "document.querySelector('.lab').getBoundingClientRect().top"
    await_(lambda: page.evaluate(top) >= 0, "the charts in sight")
    page.get_by_role("button", name="Undo").click()
    await_(lambda: page.locator(".st-key-nan-origin").count(), "the broken run again")
    await_(lambda: page.evaluate(MARKS) == marks, "its marks")


@pytest.mark.verify
def test_epochs_are_marked_in_the_curve(page, site):
    open_lesson(page, site, "small_epsilon", preset="broken")
    run(page)
    marks = await_(lambda: (m := page.evaluate(MARKS))["bands"] and m, "a band in the curve")
    link = page.locator(".st-key-finding-non_finite").get_by_role("link")
    assert "first_iteration" in link.get_attribute("href") and LESSONS["first_iteration"].title in link.inner_text()
    assert marks["bands"] == [[31.5, 60.5]] and "Not a number" in marks["titles"]
    page.get_by_role("button", name="epochs", exact=True).click()
    shapes = "document.querySelector('.lab').panel.plots.gradient.layout.shapes.map((s) => [s.y0, s.y1])"
    await_(lambda: page.evaluate(shapes) == [[31.5, 60.5]], "a band over the epochs of the gradient")
