"""Your own data on the lesson page: bring a file, see how it is read, run, go back, forget."""

import gc
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lessons.families.recurrent import Recurrent
from lessons.own_data.sample import sample
from lessons.recipe.recipe import Recipe
from lessons.server.laboratory import shared
from tests.pages.test_pages import WITHIN, trained
from tests.tools.screen import SLUG, await_, choose, open_lesson, panel, ready, run

SCRIPT = """
import streamlit as st
from lessons.course.discovery import find
from pages.lesson_page import render
render(find(st.session_state.get("slug", "mask_and_loss")))
"""


def upload(page, path: Path) -> None:
    """Through the popover's real uploader. While TensorFlow loads, the page can hold the one before too, unseen."""
    ready(page)
    if not page.get_by_test_id("stPopoverBody").count():
        page.get_by_role("button", name="Your data").click()
    await_(lambda: page.locator("input[type=file]").count() == 1, "the uploader, the one before gone")
    page.locator("input[type=file]").set_input_files(path)


def picture(page) -> list | None:
    """The picture of the data; None while the page is drawn anew."""
    return (panel(page) or {}).get("picture")


def test_the_sample_from_download_to_chart(page, site, tmp_path):
    page.goto(f"{site.url}/?lesson={SLUG}")
    await_(lambda: (panel(page) or {}).get("picture"), "the data picture")
    ready(page)
    lessons_own = panel(page)["picture"]
    assert page.locator(f".st-key-{SLUG}-run button").first.is_disabled(), "the lesson's own question comes first"
    page.get_by_role("button", name="Your data").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the sample").click()
    download.value.save_as(tmp_path / "plants.csv")
    assert (tmp_path / "plants.csv").read_bytes() == sample()
    upload(page, tmp_path / "plants.csv")
    await_(lambda: picture(page) not in (None, lessons_own), "the learner's data in the picture")
    assert len(picture(page)) == 24 and len(picture(page)[0]) == 16
    assert not any(2 in row for row in picture(page)), "missing labels are filled where nobody has said anything"
    await_(lambda: page.get_by_text("plants.csv").count(), "the name of the file")
    page.get_by_role("button", name="How they are read").click()
    choose(page, "Missing labels", "leave NaN")
    await_(lambda: any(2 in row for row in picture(page) or []), "labels that are NaN")
    choose(page, "Missing labels", "fill with 0")
    await_(lambda: not any(2 in row for row in picture(page) or [[2]]), "labels that are filled")
    page.keyboard.press("Escape")
    choose(page, "Loss", "squared error, one value per step")
    shown = run(page)
    assert shown["error"][-1] < shown["error"][0] and shown["curve"][-1] < shown["curve"][0]
    page.get_by_role("button", name="Share", exact=True).click()
    await_(lambda: page.get_by_text("It does not carry your data.").count(), "what the link leaves out")


@pytest.mark.verify
def test_a_bad_file_is_told_in_one_sentence_and_another_label_reads_no_file_again(page, site, tmp_path):
    open_lesson(page, site)
    bad = tmp_path / "bad *file*.csv"
    bad.write_bytes(b"\xd0\xcf\x11\xe0" + bytes(99))
    upload(page, bad)
    told = await_(lambda: page.get_by_test_id("stAlert").all_text_contents(), "the sentence")
    assert told[0].startswith("bad *file*.csv: The file is a spreadsheet")
    (tmp_path / "large.csv").write_bytes(b"x" * (51 * 2**20))
    upload(page, tmp_path / "large.csv")
    await_(lambda: page.get_by_text("50.0MB or smaller").count() or page.get_by_text("50MB").count() > 1, "the limit")
    texts = tmp_path / "texts.csv"
    texts.write_text("id,time,x,label\n" + "".join(f"{k % 4},{k},{k % 5},\n" for k in range(40)))
    upload(page, texts)
    await_(lambda: page.get_by_text("every label is missing").count(), "what is lacking")
    page.get_by_role("button", name="How they are read").click()
    choose(page, "Label", "x")
    await_(lambda: not page.get_by_test_id("stAlert").count(), "the end of the sentence")
    await_(lambda: picture(page), "its picture")


def test_the_server_says_nothing_of_errors(site):
    printed = Path(site.log).read_text()
    assert "Traceback" not in printed and "Warning" not in printed, printed[-3000:]


# --- in Streamlit's own test runner


def with_sample(**query: str) -> AppTest:
    page = AppTest.from_string(SCRIPT, default_timeout=WITHIN)
    for name, value in query.items():
        page.query_params[name] = value
    page.run().button(key=f"{SLUG}:sample").click().run()
    page.session_state[f"{SLUG}:own_read"] = True  # opened
    return page.run()


def bench_of(page: AppTest, slug: str = SLUG):
    return page.session_state[f"{slug}:bench"]


def control(page: AppTest, name: str, slug: str = SLUG):
    """The widget of a Settings field."""
    key = bench_of(page, slug).form.field_key(name)
    return next(one for one in (*page.selectbox, *page.select_slider) if one.key == key)


def words(page: AppTest) -> str:
    return "\n".join(one.value for one in (*page.markdown, *page.caption))


def test_what_was_understood_is_told_and_what_the_data_decide_is_idle():
    page = with_sample()
    assert not page.exception
    for part in ("24 sequences to train on, 12 held out", "5 to 16 steps", "35 of 376 labels", "24 times have no row"):
        assert part in words(page)
    assert not page.button(key=f"{SLUG}:run").disabled, "no question is asked about data that no lesson knows"
    assert not page.radio
    share = control(page, "padding_share")
    assert share.disabled and "Your sequences leave 34.7%." in share.label
    assert control(page, "input_fill").disabled
    control(page, "gaps").set_value("keep").run()
    assert not control(page, "input_fill").disabled
    assert "59 of 400 labels, 48 of 800 inputs" in words(page)


def private() -> list[Recipe]:
    return [recipe for recipe in shared().trainings if recipe.table]


def test_a_run_is_of_the_data_in_use_and_goes_when_they_are_forgotten():
    page = trained(with_sample(mode="present", epochs="5").button(key=f"{SLUG}:run").click().run(), SLUG)
    bench = bench_of(page)
    assert (
        bench.runs.training.recipe.table
        and bench.runs.training.run().batch.x.shape == (24, 16, 2)
        and not bench.outdated
    )
    assert bench.runs.training.recipe in private() and bench.runs.training.recipe not in shared().remembered
    page.toggle(key=f"{SLUG}:own_data").set_value(False).run()
    assert bench.form.table is None and bench.outdated
    page.toggle(key=f"{SLUG}:own_data").set_value(True).run()
    assert bench.form.table and not bench.outdated
    kept = len(private())
    page.button(key=f"{SLUG}:luck").click().run()
    assert [training.recipe.table for training in bench.luck.trainings] == 5 * [bench.form.table], (
        "luck too is of the data in use"
    )
    assert bench.luck.trainings[0] is bench.runs.training, "the same seed, trained already"
    page.button(key=f"{SLUG}:own_forget").click().run()
    assert not page.exception and bench.form.table is None and bench.runs.training is None
    gc.collect()
    assert bench.luck.trainings == [] and len(private()) == kept - 1
    assert not page.toggle


def test_treatments_stay_over_presets_and_lessons_and_the_link_leaves_the_data_out():
    page = with_sample(mode="present")
    control(page, "gaps").set_value("keep").run()
    control(page, "input_fill").set_value("last").run()
    page.button_group(key=f"{SLUG}:preset").set_value("fixed").run()
    assert (bench_of(page).form.settings.gaps, bench_of(page).form.settings.input_fill) == ("keep", "last")
    assert bench_of(page).changed == [], "they are not the lesson's to reset"
    page.session_state[f"{SLUG}:share"] = True  # opened
    assert "It does not carry your data." in words(page.run())
    page.session_state["slug"] = "nan_labels"
    page.query_params.clear()
    page.run()
    other = bench_of(page, "nan_labels")
    assert not page.exception and other.form.table and other.form.settings.gaps == "keep"
    assert control(page, "nan_fill", "nan_labels"), "its own control, once"


def test_a_pinned_run_of_other_data_is_unpinned():
    page = AppTest.from_string(SCRIPT, default_timeout=WITHIN)
    page.query_params["mode"], page.query_params["epochs"] = "present", "5"
    trained(page.run().button(key=f"{SLUG}:run").click().run(), SLUG)
    page.button(key=f"{SLUG}:pin").click().run()
    assert bench_of(page).pin.settings
    page.button(key=f"{SLUG}:sample").click().run()
    assert not page.exception and bench_of(page).pin.settings is None


@pytest.mark.verify
@pytest.mark.parametrize("mask", Recurrent.specs()["mask"].options)
def test_every_mask_runs_on_own_data(mask):
    page = with_sample(mode="present", epochs="5", mask=mask, nan_fill="mean")
    trained(page.button(key=f"{SLUG}:run").click().run(), SLUG)
    assert not page.exception and not page.error and bench_of(page).runs.training.run().epochs == 5
