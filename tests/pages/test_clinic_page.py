"""The clinic page: what a learner brings, what is shown of it, and that nobody else sees it."""

import os
import re
import secrets
import signal
import time
from concurrent.futures import wait
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

import pytest
from plotly.graph_objects import Figure
from streamlit.testing.v1 import AppTest

from lessons.classroom import pace
from lessons.classroom.refusal import TooOften
from lessons.course.discovery import LESSONS
from lessons.doctor.examples import EXAMPLES
from lessons.figures.loss_figures import finding_figure, finding_words
from lessons.sandbox import walled_pool as walled_pools
from lessons.sandbox.walled_pool import Limits, WalledPool, WalledWorker
from lessons.server import walled_tasks
from lessons.workers.job import Job
from pages.clinic import loss_text
from pages.clinic.consultation import Consultation
from pages.learner.identity import Learner
from pages.server.presence import SESSION
from tests.tools.patience import patient
from tests.tools.screen import await_, panel, ready
from tests.tools.selection import first
from tests.tools.site import ROOT, plain, serving
from tests.workers.test_pool import eventually

WITHIN = patient(60)  # seconds: other tests may have the cores
WAITING = 3.0  # seconds that an endless loss is given
SCRIPT = "from pages.clinic_page import render\nrender({})\n"
ENDLESS = "def endless(y_true, y_pred):\n    for i in range(10**15):\n        pass\n    return y_pred\n"
HARMFUL = "import tensorflow as tf\nimport os\n\ndef loss(y_true, y_pred):\n    return y_pred\n"
# Epsilon is too small for float16, and the gradient is enormous close to the label: the rules look at it in this order.
STEEP = """\
import tensorflow as tf

def log_mse(y_true, y_pred):
    return tf.reduce_mean(tf.math.log(tf.square(y_true - y_pred) + 1e-9), axis=-1)
"""
NUMBERS = {"task": "regression", "activation": "linear", "shape": "B,1", "labels": "float"}
# Its root can be mended. That it pulls the prediction to 0 cannot.
SHRINKING = """\
import tensorflow as tf

def shrinking(y_true, y_pred):
    return tf.sqrt(tf.reduce_mean(tf.square(y_true - y_pred))) + tf.reduce_mean(tf.square(y_pred))
"""
PROBABLE = """\
import tensorflow as tf

def probable(y_true, y_pred):
    p = tf.clip_by_value(y_pred, 1e-3, 1 - 1e-3)
    return -tf.reduce_mean(y_true * tf.math.log(p) + (1 - y_true) * tf.math.log(1 - p), axis=-1)
"""
TWO = """\
import tensorflow as tf

def counted(y_true, y_pred):
    valid = tf.cast(tf.not_equal(y_true, -999.0), tf.float32)
    return tf.reduce_sum(tf.square(y_true - y_pred) * valid) / tf.maximum(tf.reduce_sum(valid), 1.0)

def rounded(y_true, y_pred):
    return tf.reduce_mean(tf.abs(y_true - tf.round(y_pred)), axis=-1)
"""
UNLISTED = "import tensorflow as tf\n\ndef loss(y_true, y_pred):\n    return tf.Operation(y_pred)\n"
CURVE = {
    "x": [-1.0, 0.0, 1.0, 2.0],
    "value": [1.0, None, 1.0, 4.0],
    "gradient": [-2.0, None, 2.0, 4.0],
    "label": 0.25,
    "x_title": "prediction",
}


@pytest.fixture(scope="module")
def walled_pool():
    walled_pool = WalledPool(1, spares=0, warm="lessons.doctor.loss.examination.warm_up")
    walled_pool.start()
    yield walled_pool
    walled_pool.shutdown()


@pytest.fixture
def real(walled_pool, monkeypatch):
    """The walled pool in place of the server's, and idle again afterwards."""
    monkeypatch.setattr(walled_pools, "shared", lambda: walled_pool)
    yield walled_pool
    left = walled_pool.unfinished()
    for job in left:
        job.stop()
    wait(left, WITHIN)


def opened(**query: str) -> AppTest:
    page = AppTest.from_string(SCRIPT, default_timeout=WITHIN)
    for name, value in query.items():
        page.query_params[name] = value
    return checked(page.run())


def checked(page: AppTest) -> AppTest:
    assert not page.exception, page.exception[0].value
    return page


def pasted(page: AppTest, text: str) -> AppTest:
    return checked(page.text_area(key="clinic:text").set_value(text).run())


def press(page: AppTest, name: str = "examine") -> AppTest:
    """Press a button; the fragment that looks for answers asks for the page anew when it has one."""
    page.button(key=f"clinic:{name}").click().run()
    return checked(page.run())


def brought(page: AppTest) -> Consultation:
    return page.session_state["clinic:consultation"]


def known(page: AppTest) -> str:
    """As whom this session is counted, once it is."""
    if SESSION not in page.session_state:
        page.session_state[SESSION] = secrets.token_hex(8)
    return page.session_state[SESSION]


def answered(page: AppTest) -> AppTest:
    """The page once nothing is under way: the examination is done, and so are the mended versions if there are any."""
    mine = brought(page)
    while True:
        job = mine.waits_for
        if job:
            assert wait([job], WITHIN).done, f"no answer within {WITHIN} s"
        checked(page.run())
        if job is None and not (mine.waits_for or mine.wants_mending):
            return page


def walled_worker_of(walled_pool: WalledPool, job: Job) -> WalledWorker | None:
    """Whose process has begun with this job."""
    return next(
        (
            walled_worker
            for walled_worker in walled_pool.workers
            if walled_worker.job is job and job.attempts and walled_worker.begun
        ),
        None,
    )


def murdered(walled_pool: WalledPool, job: Job) -> None:
    """End the process in the middle of this job, as the system does that runs out of memory."""
    assert eventually(lambda: walled_worker_of(walled_pool, job) or job.done(), WITHIN) and not job.done()
    os.killpg(walled_worker_of(walled_pool, job).process.pid, signal.SIGKILL)


def told(page: AppTest) -> str:
    return "\n".join(one.value for one in (*page.markdown, *page.caption, *page.error, *page.warning))


# --- what is drawn


def test_findings_come_worst_first_with_all_that_belongs_to_them(real):
    page = answered(press(pasted(opened(**NUMBERS), STEEP)))
    found = {one["code"]: one for one in brought(page).result["findings"]}
    mild, bad = found["eps_underflow_fp16"], found["exploding_gradient"]
    assert (mild["severity"], bad["severity"]) == ("warning", "error"), "else the order below shows nothing"
    shown = told(page).replace("\\", "")
    assert shown.index(bad["title"]) < shown.index(mild["title"])
    assert all(one[name] in shown for one in (bad, mild) for name in ("message", "why", "fix", "code"))
    assert "2 findings: 1 error, 1 warning" in shown
    assert re.search(r"Seen at label (\S+), prediction \1, loss not finite, gradient not finite", shown)
    assert re.search(r"Seen at label \S+, prediction \S+, gradient \d", shown)
    assert sum("curve" in one.key for one in page.get("bidi_component")) == 1, "one of the two has a curve"


def test_a_finding_about_a_line_names_it(real):
    page = answered(press(opened(example="numpy")))
    assert EXAMPLES["numpy"].text.splitlines()[3].startswith("    return np.sqrt")
    assert "Line 4 of your text" in told(page)
    assert loss_text.marked_lines(brought(page)) == [4]


def test_what_was_inferred_stands_in_its_place(real):
    page = answered(press(pasted(opened(task="binary"), PROBABLE)))
    assert page.selectbox(key="clinic:option:activation").placeholder == "inferred: sigmoid"
    assert page.selectbox(key="clinic:option:task").placeholder == "infer", "it was declared"
    assert "You declared task, the rest is inferred." in told(page)
    checked(page.selectbox(key="clinic:option:task").set_value("regression").run())
    assert "The options have changed since" in told(page)
    assert page.selectbox(key="clinic:option:activation").placeholder == "infer"


def test_healthy_says_what_was_tried(real):
    page = answered(press(opened(example="healthy")))
    assert "healthy" in told(page) and "the value at exact, zero and completely sure predictions" in told(page)
    assert "all inferred" in told(page)
    assert brought(page).mending is None, "there is nothing to mend"


@pytest.mark.verify
def test_no_mended_version_is_told(real):
    page = answered(press(opened(example="threshold")))
    assert "No mended version" in told(page)
    assert brought(page).mending.result() == []


def test_a_mended_version_is_shown_and_can_be_examined(real):
    page = answered(press(opened(example="log")))
    first, (best, *_) = brought(page).result, brought(page).mending.result()
    assert best["text"] != EXAMPLES["log"].text and best["text"].strip() in [code.value for code in page.code]
    assert "No mended version" not in told(page)
    answered(press(page, "mended:0"))
    second = brought(page).result
    assert page.text_area(key="clinic:text").value == best["text"]
    assert second["usage"] == first["usage"] and not second["inferred"], "in the same usage"
    assert "nothing was found" in told(page)


@pytest.mark.verify
def test_a_mended_version_says_what_it_removes_and_what_is_left(real):
    page = answered(press(pasted(opened(**NUMBERS), SHRINKING)))
    titles = {one["code"]: one["title"] for one in brought(page).result["findings"]}
    assert titles.keys() == {"where_grad_nan", "minimum_not_at_truth"}
    removes, left = titles["where_grad_nan"], titles["minimum_not_at_truth"]
    assert f"Removes: “{removes}”. Left: “{left}”." in told(page)


def test_an_examination_whose_process_dies_is_told_in_a_sentence(real):
    page = press(pasted(opened(), ENDLESS))
    murdered(real, brought(page).examination)
    died = "it brought down the process that it ran in (SIGKILL)"
    assert [one.value for one in answered(page).error] == [f"The loss ended its examination: {died}."]


@pytest.mark.verify
def test_a_mending_that_fails_is_told(real):
    page = press(opened(example="log"))
    mine = brought(page)
    mine.examination.result(WITHIN)
    checked(page.run())
    murdered(real, mine.mending)
    (said,) = [one.value for one in answered(page).error]
    assert said.startswith("A mended version could not be made: ") and "SIGKILL" in said
    assert mine.result["findings"][0]["title"] in told(page)


@pytest.mark.verify
def test_a_learner_with_two_jobs_is_told_to_wait(real):
    page = opened(example="healthy")
    jobs = [real.submit(walled_tasks.examine, ENDLESS, None, {}, who=known(page)) for _ in range(2)]
    press(page)
    assert "Two of yours run or wait already: try again when the first is done." in told(page)
    assert brought(page).examination is None
    for job in jobs[::-1]:
        job.stop()
    assert wait(jobs, WITHIN).not_done == set()
    answered(press(page))
    assert "one waits" not in told(page) and "nothing was found" in told(page)


def test_a_learner_who_asks_too_often_is_told_when_it_goes_on(real):
    page = opened(example="healthy")
    with suppress(TooOften):
        while True:
            pace.spend("clinic", known(page))
    press(page)
    assert "Clinic: 30 a minute at most; go on in " in told(page) and brought(page).examination is None


@pytest.mark.verify
def test_a_learner_is_the_same_in_all_their_tabs(real):
    """Two jobs and one pace, however many tabs: by their key, and not by their address."""
    tabs, other = [opened(example="healthy") for _ in range(4)], opened(example="healthy")
    for tab in tabs:
        tab.session_state["learner"] = Learner("a" * 32, read=True)
        pasted(tab, ENDLESS)
        press(tab)
    jobs = [brought(tab).examination for tab in tabs if brought(tab).examination]
    assert len(jobs) == 2
    assert all("Two of yours run or wait already" in told(tab) for tab in tabs[2:])
    press(other)
    mine = brought(other).examination
    assert mine and eventually(lambda: mine.running() or mine.done(), WITHIN), "others do not wait behind both"
    for job in jobs:
        job.stop()
    assert wait(jobs, WITHIN).not_done == set()
    with suppress(TooOften):
        while True:
            pace.spend("clinic", "a" * 32)
    assert "Clinic: 30 a minute at most" in told(press(tabs[0]))
    assert "a minute at most" not in told(press(answered(other)))


def test_what_only_the_process_refuses_is_told_with_its_line(real):
    page = pasted(opened(), UNLISTED)
    assert brought(page).refusal is None, "the first wall lets it pass"
    shown = told(answered(press(page)))
    assert "Line 4: tf.Operation" in shown and "it is not among the functions that a loss may call" in shown
    assert "Examined with" not in shown


def test_stale_is_told_until_the_text_is_as_it_was(real):
    page = answered(press(opened(example="healthy")))
    pasted(page, "def other(y_true, y_pred):\n    return y_pred\n")
    assert "The text has changed since" in told(page)
    pasted(page, EXAMPLES["healthy"].text)
    assert "changed since" not in told(page)


def test_the_curve_of_a_finding():
    figure = finding_figure(CURVE)
    drawn = Figure(figure)
    assert [trace.name for trace in drawn.data] == ["loss", "gradient"]
    assert list(drawn.data[0].y) == CURVE["value"] and drawn.data[1].yaxis == "y2"
    label, gap = drawn.layout.shapes
    assert (label.x0, label.line.dash) == (0.25, "dot")
    assert (gap.type, gap.x0, gap.x1) == ("rect", -1.0, 1.0)
    assert "from 1 to 4" in finding_words(CURVE) and "from -2 to 4" in finding_words(CURVE)
    assert len(Figure(finding_figure(CURVE | {"gradient": None})).data) == 1


# --- what is brought


def test_refused_text_is_told_at_once_and_nothing_runs(real):
    page = pasted(opened(), HARMFUL)
    assert "Line 2: " in told(page) and "import" in told(page)
    press(page)
    assert brought(page).examination is None
    pasted(page, EXAMPLES["healthy"].text)
    page.text_area(key="clinic:text").set_value(HARMFUL)
    press(page)
    assert brought(page).examination is None and "Line 2: " in told(page), "text and click came together"
    assert real.unfinished() == []


def test_function_and_options_reach_the_examination(real):
    page = pasted(opened(padding="-999", shape="B,T,3"), TWO)
    assert page.selectbox(key="clinic:function").options == ["counted", "rounded"]
    assert "rounded" in page.selectbox(key="clinic:function").placeholder
    checked(page.selectbox(key="clinic:function").set_value("counted").run())
    result = brought(answered(press(page))).result
    assert (result["function"], result["healthy"]) == ("counted", True), "the other one has no gradient"
    assert (result["usage"]["shape"], result["usage"]["padding"]) == ("B,7,3", "-999")
    assert not {"shape", "padding"} & {*result["inferred"]}
    pasted(page, EXAMPLES["healthy"].text)
    result = brought(answered(press(page))).result
    assert result["function"] == "masked_mse", "“counted” was another text's"


def test_the_address_holds_options_and_example_and_no_text(real):
    page = opened(example="log", task="binary")
    assert page.text_area(key="clinic:text").value == EXAMPLES["log"].text
    assert page.selectbox(key="clinic:option:task").value == "binary"
    secret = "def secret(y_true, y_pred):\n    return y_pred\n"
    pasted(page, secret)
    checked(page.selectbox(key="clinic:option:labels").set_value("binary").run())
    page.run()
    assert dict(page.query_params) == {"task": "binary", "labels": "binary"}
    links = [code.value for code in page.code if "page=clinic" in code.value]
    assert len(links) == 1 and parse_qs(urlsplit(links[0]).query)["task"] == ["binary"]
    assert "secret" not in links[0]


@pytest.mark.parametrize(
    ("name", "value", "takes"),
    [
        ("example", "nowhere", "healthy"),
        ("task", "sideways", "multiclass"),
        ("shape", "1e9", "B,T,4"),
        ("padding", "1e999", "keras"),
        ("activation", "<script>", "sigmoid"),
        ("nonsense", "1", "label_shape"),
    ],
)
def test_nonsense_in_the_address_is_one_sentence(real, name, value, takes):
    page = opened(**{name: value, "label_shape": "B,2"})
    said = [plain(one.value) for one in page.warning]
    assert len(said) == 1 and takes in said[0] and (value in said[0] or name in said[0])
    assert page.selectbox(key="clinic:option:label_shape").value == "B,2", "what was good is taken"


def test_an_example_takes_the_place_of_text_and_options(real):
    page = opened(padding="0")
    checked(page.button_group(key="clinic:example").set_value("healthy").run())
    assert page.text_area(key="clinic:text").value == EXAMPLES["healthy"].text
    assert page.selectbox(key="clinic:option:padding").value is None
    page.run()
    assert page.query_params == {"example": "healthy"}


def test_an_option_without_a_value_is_inferred(real):
    assert not opened(labels="").warning


# --- with real examinations


@pytest.mark.parametrize("name", first(3, [*EXAMPLES]))
def test_every_example_but_the_healthy_one_has_a_finding(real, name):
    page = opened(example=name)
    mine = brought(page)
    mine.examine(real)
    result = mine.examination.result(WITHIN)
    assert bool(result["findings"]) == (name != "healthy")
    assert all(one["lesson"] in LESSONS for one in result["findings"])


@pytest.mark.verify
def test_an_endless_loss_is_ended_and_the_next_is_examined(real, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(real, "limits", Limits(waiting=WAITING))
        page = answered(press(pasted(opened(), ENDLESS)))
    assert [one.value for one in page.error] == ["The loss asked for too much: stopped after 3 s."]
    pasted(page, EXAMPLES["healthy"].text)
    answered(press(page))
    assert "nothing was found" in told(page)


# --- in a browser


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    log = tmp_path_factory.mktemp("server") / "log.txt"
    with serving(log=log, ahead=False) as found:
        yield found
    assert "Traceback" not in log.read_text()


@pytest.fixture
def learner(browser, site):
    """Opens the clinic as another learner, each with a browser of their own."""
    contexts, complaints = [], []

    def come(query: str = "", width: int = 1280, scheme: str = "light"):
        contexts.append(browser.new_context(viewport={"width": width, "height": 720}, color_scheme=scheme))
        page = contexts[-1].new_page()
        page.set_default_timeout(WITHIN * 1000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{site.url}/?page=clinic{query}")
        button(page, "examine").wait_for()
        return page

    yield come
    for context in contexts:
        context.close()
    assert complaints == []


def button(page, name: str):
    return page.locator(f".st-key-clinic-{name} button")


def paste(page, text: str) -> None:
    page.get_by_role("textbox", name="Your loss").fill(text)


def test_an_example_from_the_link_to_its_findings(learner):
    page = learner("&example=threshold")
    button(page, "examine").click()
    page.locator(".st-key-finding-minimum_not_at_truth .js-plotly-plot").first.wait_for()
    text = page.get_by_role("textbox", name="Your loss").bounding_box()
    pressed = button(page, "examine").bounding_box()
    headline = page.get_by_text("threshold_error has").bounding_box()
    assert text["y"] < pressed["y"] < headline["y"] < 700, "all of it above the fold"
    link = page.locator(".st-key-finding-minimum_not_at_truth a").first
    assert link.get_attribute("target") != "_blank"
    link.click()
    page.get_by_role("heading", name="Why is my model").wait_for()
    await_(lambda: (panel(page) or {}).get("picture"), "the lesson")
    ready(page)
    page.get_by_role("link", name="Clinic").click()
    page.get_by_text("threshold_error has").wait_for()
    assert page.get_by_role("textbox", name="Your loss").input_value() == EXAMPLES["threshold"].text
    page.get_by_role("button", name="Upload").click()
    page.locator("input[type=file]").set_input_files(
        {"name": "mine.py", "mimeType": "text/x-python", "buffer": EXAMPLES["healthy"].text.encode()}
    )
    page.get_by_text("The text has changed since").wait_for()
    assert page.get_by_role("textbox", name="Your loss").input_value() == EXAMPLES["healthy"].text


@pytest.mark.verify
def test_typing_and_ctrl_enter_examine_what_was_typed(learner):
    page = learner()
    paste(page, EXAMPLES["healthy"].text.replace("masked_mse", "typed"))
    page.keyboard.press("Control+Enter")
    page.get_by_text("typed: nothing was found").wait_for()


@pytest.mark.verify
def test_a_refused_text_in_the_browser(learner):
    page = learner()
    paste(page, HARMFUL)
    page.keyboard.press("Control+Enter")
    page.get_by_text("Line 2: ").wait_for()
    marks = "getComputedStyle(document.querySelector('.st-key-clinic-text textarea')).backgroundPosition"
    assert page.evaluate(marks).endswith("28px"), "the second line is marked"
    paste(page, EXAMPLES["healthy"].text)
    page.keyboard.press("Control+Enter")
    page.get_by_text("nothing was found").first.wait_for()


@pytest.mark.verify
def test_a_typed_option_that_is_none_is_told_and_one_that_is_goes_into_the_address(learner):
    page = learner()
    padding = page.get_by_role("combobox", name="Padding")
    for typed in ("lots", "-7"):
        padding.fill(typed)
        padding.press("Enter")
        if typed == "lots":
            page.get_by_text("padding: got “lots”").wait_for()
            button(page, "examine").click()
            page.wait_for_timeout(500)
            assert page.get_by_text("Nothing has been examined yet").count(), "nothing was begun"
    page.get_by_text("padding: got “lots”").wait_for(state="detached")
    until = time.monotonic() + WITHIN
    while "padding=-7" not in page.evaluate("location.href") and time.monotonic() < until:
        time.sleep(0.05)
    assert "padding=-7" in page.evaluate("location.href")


@pytest.mark.verify
def test_stop_ends_an_examination_and_the_next_one_works(learner):
    page = learner()
    paste(page, ENDLESS)
    page.keyboard.press("Control+Enter")
    page.get_by_text("examining, 1 s").wait_for()
    button(page, "stop").click()
    page.get_by_text("Stopped").wait_for()
    paste(page, EXAMPLES["healthy"].text)
    page.keyboard.press("Control+Enter")
    page.get_by_text("nothing was found").first.wait_for()


@pytest.mark.verify
def test_no_learner_sees_another_ones_text(learner):
    mine, theirs = learner(), learner(width=390, scheme="dark")
    for page, name in ((mine, "my_secret"), (theirs, "their_secret")):
        paste(page, EXAMPLES["healthy"].text.replace("masked_mse", name))
        page.keyboard.press("Control+Enter")
    for page, name, other in ((mine, "my_secret", "their_secret"), (theirs, "their_secret", "my_secret")):
        page.get_by_text(f"{name}: nothing was found").wait_for()
        assert other not in page.content()
        assert name not in page.evaluate("location.href")
    assert theirs.evaluate("document.documentElement.scrollWidth") <= 390
    third = learner()
    assert "secret" not in third.content()
    assert "secret" not in third.get_by_role("textbox", name="Your loss").input_value()


def test_a_loss_is_taken_to_a_lesson_and_trained_there(learner):
    page = learner()
    text = EXAMPLES["healthy"].text.replace("masked_mse", "brought")
    paste(page, text)
    page.keyboard.press("Control+Enter")
    page.get_by_text("brought: nothing was found").wait_for()
    button(page, "train").click()
    page.get_by_text("from the clinic, in place of this lesson").wait_for()
    assert page.locator(".st-key-prediction").count() == 0, "its outcome is not known beforehand"
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_text("epochs in").wait_for()
    page.get_by_text("The loss as it runs").click()
    page.locator("code", has_text="def brought").wait_for()
    page.get_by_role("button", name="Forget it").click()
    page.get_by_text("from the clinic, in place of this lesson").wait_for(state="detached")
    page.get_by_text("Predict first").wait_for()


def test_the_front_page_leads_to_the_clinic():
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=WITHIN).run()
    assert "clinic" in [one.proto.page for one in page.get("page_link")]


def test_rare_options_are_out_of_sight_until_one_is_set(real):
    (more,) = [block for block in opened().expander if block.label == "More"]
    inside = {box.key.rpartition(":")[2] for box in more.selectbox}
    assert inside == {"activation", "label_shape", "sample_weight", "class_weight"}
    assert not more.proto.expanded
    (more,) = [block for block in opened(class_weight="0:1,1:5").expander if block.label == "More"]
    assert more.proto.expanded


@pytest.mark.verify
def test_where_two_usages_fit_the_page_asks_which_it_is(real):
    text = "def squares(y_true, y_pred):\n    return tf.reduce_sum(tf.abs(tf.square(y_true) - tf.square(y_pred)), -1)\n"
    page = answered(press(pasted(opened(), text)))
    assert "more than one usage" in told(page)
    assert "depends on the usage" in told(page) and "nothing was found" not in told(page)
    (where,) = [block for block in page.expander if block.label.startswith("task regression")]
    assert "labels" in where.markdown[0].value
