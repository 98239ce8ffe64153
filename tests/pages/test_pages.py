"""The pages in Streamlit's own test runner: real workers, no browser."""

import subprocess
import sys
import time
from concurrent.futures import wait

import pytest
from streamlit.testing.v1 import AppTest

from lessons.course.discovery import LESSONS
from tests.tools.patience import patient
from tests.tools.selection import first
from tests.tools.site import ROOT, plain

SLUGS = list(LESSONS)
XRAY = "xray"  # what stands in it is built when it is opened
WITHIN = patient(60)  # seconds for a run of AppTest: the first one waits for TensorFlow


def lesson_page(slug: str, **query: str) -> AppTest:
    """A lesson's page by itself, its x-ray open: AppTest does not follow st.navigation to pages that are functions."""
    imports = "from lessons.course.discovery import find\nfrom pages.lesson_page import render\n"
    script = f"{imports}render(find('{slug}'))\n"
    page = AppTest.from_string(script, default_timeout=WITHIN)
    for name, value in query.items():
        page.query_params[name] = value
    page.session_state[f"{slug}:{XRAY}"] = True
    return page.run()


def trained(page: AppTest, slug: str) -> AppTest:
    """The page after its training has finished; the browser's component would ask for news by itself."""
    training = page.session_state[f"{slug}:bench"].runs.training
    assert not wait([training.job], WITHIN).not_done, "the training did not finish"
    return page.run()


def warnings(page: AppTest) -> str:
    return "\n".join(plain(one.value) for one in page.warning)


def test_front_page_lists_every_lesson():
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=WITHIN).run()
    assert not page.exception
    links = {one.proto.label: one.proto.page for one in page.get("page_link")}
    lessons = {f"**{lesson.title}**": slug for slug, lesson in LESSONS.items()}
    assert {label: page for label, page in links.items() if page in LESSONS} == lessons
    assert "clinic" in links.values()


def test_unknown_lesson_is_told_on_the_front_page():
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=WITHIN)
    page.query_params["lesson"] = "nonsense"
    page.run()
    assert not page.exception
    assert "nonsense" in warnings(page) and SLUGS[0] in warnings(page)


@pytest.mark.parametrize("slug", first(1, SLUGS))
def test_run_waits_for_a_prediction_and_tells_what_came_true(slug: str):
    page = lesson_page(slug)
    assert not page.exception
    assert page.button(key=f"{slug}:run").disabled
    first = LESSONS[slug].presets[0].name
    page.radio(key=f"{slug}:answer:{first}").set_value(0)
    page.run()
    page.button_group(key=f"{slug}:confidence:{first}").set_value("certain")
    page.run()
    page.button(key=f"{slug}:predict").click().run()
    assert not page.button(key=f"{slug}:run").disabled
    page.button(key=f"{slug}:run").click().run()
    trained(page, slug)
    assert not page.exception
    bench = page.session_state[f"{slug}:bench"]
    assert bench.runs.training.run().epochs == bench.form.settings.epochs
    guess = bench.guesses[first]
    answers = LESSONS[slug].prediction.answers
    shown = "\n".join(one.value for one in page.markdown)
    assert guess.outcome == bench.lesson.prediction.outcome(bench.runs.training.run()) is not None
    assert answers[guess.outcome].text in shown
    assert (answers[0].belief in shown) == (guess.outcome != 0)


@pytest.mark.parametrize("slug", first(1, SLUGS))
def test_every_preset_opens_and_says_what_it_shows(slug: str):
    page = lesson_page(slug, mode="present")
    for preset in LESSONS[slug].presets:
        page.button_group(key=f"{slug}:preset").set_value(preset.name)
        page.run()
        assert not page.exception
        assert page.session_state[f"{slug}:bench"].form.settings == preset.settings
        assert preset.says in [one.value for one in page.caption]


def test_address_sets_the_controls_and_follows_them():
    slug = "mask_and_loss"
    page = lesson_page(slug, preset="fixed", mask="none", seed="3")
    bench = page.session_state[f"{slug}:bench"]
    assert (bench.form.preset.name, bench.form.settings.mask, bench.form.settings.seed) == ("fixed", "none", 3)
    page.selectbox(key=f"{slug}:mask").set_value("inverted")
    page.run()
    assert page.query_params["mask"] == "inverted"
    assert page.query_params["seed"] == "3"
    page.button(key=f"{slug}:reset").click().run()
    assert page.session_state[f"{slug}:bench"].form.settings == LESSONS[slug].preset("fixed").settings
    assert "mask" not in page.query_params


@pytest.mark.parametrize(
    ("name", "value", "takes"),
    [
        ("epochs", "1e9", "from 1 to 3000"),
        ("epsilon", "nan", "from 0 to 1"),
        ("mask", "sideways", "aligned"),
        ("preset", "nowhere", "broken"),
        ("nonsense", "1", "the fields are"),
        ("mode", "loud", "present"),
        ("hide", "nonsense", "epsilon"),
    ],
)
def test_a_bad_address_is_one_sentence_and_the_page_stays_usable(name: str, value: str, takes: str):
    slug = "mask_and_loss"
    page = lesson_page(slug, **{name: value, "seed": "4"})
    assert not page.exception
    assert len(page.warning) == 1
    assert takes in page.warning[0].value and (value in page.warning[0].value or name in page.warning[0].value)
    assert page.session_state[f"{slug}:bench"].form.settings.seed == 4, "what was good is taken"


def test_an_instructor_hides_controls():
    slug = "mask_and_loss"
    page = lesson_page(slug, hide="epsilon,loss", mode="present")
    shown = {one.key for one in (*page.selectbox, *page.select_slider)}
    assert f"{slug}:mask" in shown
    assert not {f"{slug}:epsilon", f"{slug}:loss"} & shown


def test_a_control_that_cannot_matter_is_disabled_and_says_why():
    slug = "mask_and_loss"
    page = lesson_page(slug, preset="broken")
    shift = page.select_slider(key=f"{slug}:mask_shift")
    assert shift.disabled and "not a shifted one" in shift.label
    page.selectbox(key=f"{slug}:mask").set_value("shifted")
    page.run()
    assert not page.select_slider(key=f"{slug}:mask_shift").disabled


def test_run_takes_what_was_moved_in_the_same_message():
    """Streamlit joins clicks that come while a script runs: the second's callback is called before any script ran."""
    slug = "mask_and_loss"
    page = lesson_page(slug, mode="present", epochs="5")
    page.selectbox(key=f"{slug}:mask").set_value("inverted")
    page.button(key=f"{slug}:run").click().run()
    bench = page.session_state[f"{slug}:bench"]
    assert bench.runs.training.recipe.settings.mask == "inverted" and not bench.outdated
    trained(page, slug)
    page.selectbox(key=f"{slug}:mask").set_value("none")
    page.button(key=f"{slug}:pin").click().run()
    assert (bench.pin.settings.mask, bench.form.settings.mask) == ("inverted", "none")
    page.selectbox(key=f"{slug}:mask").set_value("shifted")
    page.button(key=f"{slug}:luck").click().run()
    assert {training.recipe.settings.mask for training in bench.luck.trainings} == {"shifted"}


def test_stop_keeps_what_was_trained():
    slug = "mask_and_loss"
    page = lesson_page(slug, mode="present", preset="fixed", epochs="3000", seed="77")
    page.button(key=f"{slug}:run").click().run()
    bench = page.session_state[f"{slug}:bench"]
    until = time.monotonic() + WITHIN
    while bench.runs.training.run() is None and time.monotonic() < until:
        page.run()
    training = bench.runs.training
    page.run()  # all of the page: the click on Run has drawn the charts alone
    page.button(key=f"{slug}:stop").click().run()
    epochs = bench.runs.training.run().epochs
    assert 0 < epochs < 3000 and not bench.runs.watching
    training.job.result(timeout=10)
    assert bench.runs.training.run().epochs == epochs, "the worker was in the midst of some: they are not shown"
    said = "".join(one.value for one in page.markdown)
    assert "No finding so far" in said and "healthy" not in said


def test_an_unknown_loss_is_told_without_a_traceback():
    slug = "mask_and_loss"
    page = lesson_page(slug, mode="present", loss="mask_and_loss.nowhere")
    assert "mask_and_loss.nowhere" in warnings(page)
    assert not page.exception


def test_the_server_process_never_imports_tensorflow():
    """In a fresh process: a run through the page, and the modules that are there afterwards."""
    script = f"""
import sys, time
sys.path.insert(0, {str(ROOT)!r})
from tests.pages.test_pages import lesson_page, trained
page = lesson_page("mask_and_loss", mode="present", epochs="3")
page.button(key="mask_and_loss:run").click().run()
trained(page, "mask_and_loss")
assert page.session_state["mask_and_loss:bench"].runs.training.run().epochs == 3
print(sorted(name for name in sys.modules if name.split(".")[0] in ("tensorflow", "keras")))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=patient(180)
    )
    assert done.stdout.strip().splitlines()[-1:] == ["[]"], done.stdout + done.stderr[-2000:]


PUBLISHED = [
    (slug, preset.name) for slug, lesson in LESSONS.items() for preset in lesson.presets if preset.published is not None
]


@pytest.mark.parametrize(("slug", "name"), first(1, PUBLISHED))
def test_a_published_example_shows_what_it_does_when_it_is_run(slug: str, name: str):
    preset = LESSONS[slug].preset(name)
    page = lesson_page(slug, preset=name, mode="present")
    shown = [one.value for one in page.markdown]
    assert any(preset.claimed in text for text in shown) and any(preset.truth in text for text in shown)
    page.button(key=f"{slug}:measure:published:{name}").click().run()
    until = time.monotonic() + WITHIN
    while any("measuring" in one.value for one in page.markdown) and time.monotonic() < until:
        page.run()
    assert not page.exception
    shown = [one.value for one in page.markdown]
    if preset.published.explains and page.error:
        assert page.error[0].value.startswith("It raises: ") and preset.published.explains in shown
    else:
        measured = preset.published.measure
        assert not page.error, page.error[0].value
        assert any(text and text[-1] == "." and any(c.isdigit() for c in text) for text in shown), measured
    assert any(preset.published.source == code.value for code in page.code)


def test_luck_trains_five_seeds():
    slug = "mask_and_loss"
    page = lesson_page(slug, preset="fixed", mode="present", epochs="5")
    page.button(key=f"{slug}:luck").click().run()
    bench = page.session_state[f"{slug}:bench"]
    until = time.monotonic() + WITHIN
    while not all(training.done for training in bench.luck.trainings) and time.monotonic() < until:
        page.run()
    page.run()
    assert [training.recipe.settings.seed for training in bench.luck.trainings] == [0, 1, 2, 3, 4]
    assert "5 of 5 seeds trained" in [one.value for one in page.caption]
