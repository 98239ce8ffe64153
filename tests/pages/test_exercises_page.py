"""The exercises on a lesson's page: from wrong to right, with real workers and walled workers, without a browser."""

import time
from concurrent.futures import wait
from contextlib import suppress
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from lessons.classroom import pace
from lessons.classroom.refusal import TooOften
from lessons.course.discovery import LESSONS
from lessons.recipe.recipe import Pasted
from lessons.sandbox import walled_pool as walled_pools
from lessons.sandbox.walled_pool import WalledPool
from pages.lab.brought import BROUGHT
from pages.lab.sheet import Sheet
from pages.learner import identity
from pages.server import presence
from tests.pages.test_pages import lesson_page
from tests.tools.patience import patient
from tests.tools.screen import await_, open_lesson, panel, run_button
from tests.tools.site import serving

WITHIN = patient(90)  # seconds: other tests may have the cores
SLUG = "mask_and_loss"
MEND, FIND, ORDER = "per_step", "mask_meets_loss", "read_the_mask"
LAYERS, LAYER = "own_layer_mask", "the_layer_itself"
KEPT = ("kind", "slug", "name", "content")
ENDLESS = "def endless(y_true, y_pred):\n    for i in range(10**15):\n        pass\n    return y_pred\n"


@pytest.fixture(scope="module")
def walled_pool():
    walled_pool = WalledPool(1, spares=0, warm=walled_pools.WARM)
    walled_pool.start()
    yield walled_pool
    walled_pool.shutdown()


@pytest.fixture(autouse=True)
def steps(monkeypatch) -> list:
    """What is kept of the learner: here and in no database."""
    steps = []
    monkeypatch.setattr(
        identity, "keep", lambda *words: steps.append(SimpleNamespace(**dict(zip(KEPT, words, strict=True))))
    )
    monkeypatch.setattr(identity, "kept", lambda slug: [step for step in steps if step.slug == slug])
    return steps


@pytest.fixture(autouse=True)
def real(walled_pool, monkeypatch):
    """The walled pool in place of the server's, and idle again afterwards."""
    monkeypatch.setattr(walled_pools, "shared", lambda: walled_pool)
    yield
    left = walled_pool.unfinished()
    for job in left:
        job.stop()
    wait(left, WITHIN)


def opened(name: str, **query: str) -> AppTest:
    """The page with one exercise open."""
    return chosen(lesson_page(SLUG, **query), name)


def chosen(page: AppTest, name: str) -> AppTest:
    return checked(page.button_group(key=f"{SLUG}:exercise").set_value(name).run())


def checked(page: AppTest) -> AppTest:
    assert not page.exception, page.exception[0].value
    return page


def sheet(page: AppTest, name: str) -> Sheet:
    return page.session_state[f"{SLUG}:exercises"].sheets[name]


def press(page: AppTest, name: str, button: str) -> AppTest:
    return checked(page.button(key=f"{SLUG}:exercise:{name}:{button}").click().run())


def tried(page: AppTest, name: str) -> AppTest:
    """The page after Check, once the attempt has ended."""
    press(page, name, "check")
    until = time.monotonic() + WITHIN
    while sheet(page, name).waiting:
        assert time.monotonic() < until, f"no answer within {WITHIN} s"
        time.sleep(0.05)
        checked(page.run())
    return checked(page.run())


def told(page: AppTest) -> str:
    said = (one.value for one in (*page.markdown, *page.caption, *page.warning, *page.error))
    return "\n".join(said).replace("\\", "")


def buttons(page: AppTest) -> list[str]:
    return [one.key for one in page.button]


def charts(page: AppTest) -> int:
    return len(page.get("bidi_component"))


def test_nothing_is_open_before_one_is_chosen():
    page = checked(lesson_page(SLUG))
    pills = page.button_group(key=f"{SLUG}:exercise")
    assert pills.value is None
    assert not any(":exercise:" in str(key) for key in buttons(page))
    assert "0 of 3 solved" in told(page)
    assert pills.options == [one.title for one in LESSONS[SLUG].exercises]


def test_a_layer_is_mended(steps):
    """A model is x-rayed behind the walls; what came of it is kept as of the others."""
    page = checked(lesson_page(LAYERS))
    checked(page.button_group(key=f"{LAYERS}:exercise").set_value(LAYER).run())
    exercise = LESSONS[LAYERS].exercise(LAYER)
    mine = page.session_state[f"{LAYERS}:exercises"].sheets[LAYER]
    for answer in ("Words.", exercise.start, exercise.solution):
        page.text_area(key=mine.field_key("text")).set_value(answer).run()
        checked(page.button(key=mine.key("check")).click().run())
        await_(lambda: checked(page.run()) and not mine.waiting, "the x-ray", WITHIN)
        assert mine.attempts[-1].reached in told(checked(page.run()))
    assert [attempt.passed for attempt in mine.attempts] == [False, False, True]
    assert [step.content["passed"] for step in steps if step.kind == "exercise"] == [False, False, True]
    assert "Centred" in str(page.dataframe[-1].value) and "1 of 3 solved" in told(page)


def test_a_loss_is_mended():
    page = opened(MEND)
    exercise = LESSONS[SLUG].exercise(MEND)
    mine = sheet(page, MEND)
    assert page.text_area(key=mine.field_key("text")).value == exercise.start
    assert exercise.asks in told(page) and exercise.goal.wanted in told(page)
    before = charts(page)
    tried(page, MEND)
    said = told(page)
    assert "not yet" in said and "wanted none" in said and "Padded steps count" in said
    assert charts(page) == before + 2, "its own curve and its own leak"
    page.text_area(key=mine.field_key("text")).set_value("def loss(y_true, y_pred)\n    return 0\n").run()
    assert "The answer has changed since this attempt." in told(page)
    tried(page, MEND)
    assert "Line 1: not Python" in told(page) and charts(page) == before
    page.text_area(key=mine.field_key("text")).set_value(exercise.solution).run()
    tried(page, MEND)
    said = told(page)
    assert "solved" in said and "The clinic found nothing." in said and "wanted" not in mine.attempts[-1].reached
    assert [attempt.passed for attempt in mine.attempts] == [False, False, True]
    assert all(attempt.reached in said for attempt in mine.attempts)
    assert "1 of 3 solved" in said


def test_settings_are_found():
    page = opened(FIND)
    exercise, mine = LESSONS[SLUG].exercise(FIND), sheet(page, FIND)
    assert page.select_slider(key=mine.field_key("mask_shift")).disabled, "the mask is not a shifted one"
    page.selectbox(key=mine.field_key("mask")).set_value("aligned").run()
    tried(page, FIND)
    assert "not yet" in told(page) and "wanted none" in told(page)
    page.selectbox(key=mine.field_key("loss")).set_value("mse")
    tried(page, FIND)  # in one message with what was moved
    assert mine.solved and mine.settings == exercise.solution
    assert page.session_state[f"{SLUG}:bench"].runs.training is None, "the lesson's own run is left alone"


def test_lines_are_put_in_order():
    page = opened(ORDER)
    exercise, mine = LESSONS[SLUG].exercise(ORDER), sheet(page, ORDER)
    radio = f"{SLUG}:exercise:{ORDER}:line"
    assert page.radio(key=radio).options == [f"`{line}`" for line in exercise.every_line]
    tried(page, ORDER)
    assert not mine.solved and len(mine.attempts) == 1
    page.radio(key=radio).set_value(exercise.spare[0])
    press(page, ORDER, "Leave out")
    assert exercise.spare[0] not in mine.answer
    for place, line in enumerate(exercise.lines):
        page.radio(key=radio).set_value(line).run()
        while mine.lines.index(line) > place:
            press(page, ORDER, "Up")
    assert mine.answer == exercise.solution and exercise.solution in [code.value + "\n" for code in page.code]
    tried(page, ORDER)
    assert mine.solved
    page.radio(key=radio).set_value(exercise.spare[0]).run()
    press(page, ORDER, "Put back")
    assert mine.lines == [*exercise.lines, exercise.spare[0]]
    assert "The answer has changed since this attempt." in told(page)


def test_hints_come_in_steps_and_the_solution_last():
    page = opened(FIND)
    exercise, mine = LESSONS[SLUG].exercise(FIND), sheet(page, FIND)
    label = lambda: page.button(key=f"{SLUG}:exercise:{FIND}:hint").label  # noqa: E731
    assert label() == "Next hint (1 of 3)"
    for count, hint in enumerate(exercise.hints, 1):
        assert hint not in told(page)
        press(page, FIND, "hint")
        assert hint in told(page) and mine.hints == count
    assert label() == "Show the solution" and f"{mine.key('solution')}" not in buttons(page)
    press(page, FIND, "hint")
    assert mine.key("hint") not in buttons(page) and "aligned" in told(page)
    press(page, FIND, "solution")
    assert mine.settings == exercise.solution
    assert page.selectbox(key=mine.field_key("mask")).value == "aligned"
    press(page, FIND, "again")
    assert mine.settings == exercise.start


def test_stop_ends_an_attempt_and_no_attempt_is_counted():
    page = opened(MEND)
    mine = sheet(page, MEND)
    page.text_area(key=mine.field_key("text")).set_value(ENDLESS)
    press(page, MEND, "check")
    assert mine.waiting and mine.trial.answer == ENDLESS
    press(page, MEND, "stop")
    assert not mine.waiting and "Stopped." in told(page) and mine.attempts == []
    assert mine.key("stop") not in buttons(page)


def test_a_learner_with_two_jobs_is_told_to_wait(walled_pool):
    page = opened(MEND)
    mine = sheet(page, MEND)
    page.session_state[presence.SESSION] = "Ada"
    jobs = [walled_pool.submit(time.sleep, 60, who="Ada") for _ in range(2)]
    press(page, MEND, "check")
    assert "Two of yours run or wait already: try again when the first is done." in told(page) and mine.trial is None
    for job in jobs:
        job.stop()


def test_a_learner_has_one_pace_in_exercises_and_lessons(walled_pool):
    """The clinic's: what is pasted anywhere costs the same processes."""
    page = opened(MEND, mode="present")  # Run asks for no prediction then
    page.session_state[presence.SESSION] = "Grace"
    with suppress(TooOften):
        while True:
            pace.spend("clinic", "Grace")
    press(page, MEND, "check")
    assert "Clinic: 30 a minute at most; go on in " in told(page) and sheet(page, MEND).trial is None
    bench = page.session_state[f"{SLUG}:bench"]
    page.session_state[BROUGHT] = Pasted(sheet(page, MEND).text)
    checked(page.button(key=f"{SLUG}:run").click().run())
    assert any("30 a minute at most; go on in " in one for one in bench.problems) and bench.runs.training is None
    assert walled_pool.unfinished() == []


def test_an_attempt_that_no_process_could_look_at_is_none(monkeypatch):
    closed = WalledPool(1, spares=0)
    closed.give_up("nothing is run here")
    monkeypatch.setattr(walled_pools, "shared", lambda: closed)
    page = opened(MEND)
    press(page, MEND, "check")
    assert "It cannot be run: nothing is run here." in told(checked(page.run()))
    assert sheet(page, MEND).attempts == []


def test_what_was_kept_is_there_in_a_new_session(steps):
    exercise = LESSONS[SLUG].exercise(FIND)
    page = opened(FIND)
    mine = sheet(page, FIND)
    press(page, FIND, "hint")
    page.selectbox(key=mine.field_key("mask")).set_value("aligned")
    page.selectbox(key=mine.field_key("loss")).set_value("mse")
    tried(page, FIND)
    page.selectbox(key=mine.field_key("loss")).set_value("scalar_mse")
    tried(page, FIND)
    assert [attempt.passed for attempt in mine.attempts] == [True, False]
    assert [(step.kind, step.slug, step.name) for step in steps] == [
        ("hint", SLUG, FIND), ("exercise", SLUG, FIND), ("exercise", SLUG, FIND)
    ]  # fmt: skip
    assert steps[0].content == {"count": 1}
    assert steps[1].content == {
        "passed": True,
        "reached": mine.attempts[0].reached,
        "answer": exercise.solution.to_query(exercise.start),
    }
    later = opened(FIND)
    assert "1 of 3 solved" in told(later) and mine.attempts[0].reached in told(later)
    assert [attempt.reached for attempt in sheet(later, FIND).attempts] == [one.reached for one in mine.attempts]
    assert sheet(later, FIND).hints == 1
    assert sheet(later, FIND).settings == exercise.solution.with_changes({"loss": "scalar_mse"}), "as it was left"


def test_who_presents_keeps_nothing(steps):
    page = opened(FIND, mode="present")
    press(page, FIND, "hint")
    tried(page, FIND)
    assert len(sheet(page, FIND).attempts) == 1 and sheet(page, FIND).hints == 1
    assert steps == []


def test_an_exercise_is_as_it_was_after_another_was_open():
    page = opened(MEND)
    text = "def mine(y_true, y_pred):\n    return y_pred\n"
    page.text_area(key=sheet(page, MEND).field_key("text")).set_value(text).run()
    chosen(page, ORDER)
    chosen(page, MEND)
    assert page.text_area(key=sheet(page, MEND).field_key("text")).value == text


@pytest.mark.verify
def test_in_a_browser_the_keyboard_moves_a_line_and_no_click_is_lost(page):
    """A fragment of its own: Check and Run pressed at once are both taken, and both end."""
    with serving(ahead=False) as site:
        open_lesson(page, site)
        page.locator(".st-key-exercise-titles").get_by_text("A scalar that reads the mask").click()
        shown = page.locator(".st-key-exercise-lines label code")
        dealt = await_(shown.all_text_contents, "the lines")
        shown.last.click()
        up = page.locator(".st-key-exercise-lines").get_by_role("button", name="Up")
        await_(up.is_enabled, "the last line is chosen")
        up.focus()
        order = dealt
        for _ in range(2):
            page.keyboard.press("Enter")
            at = order.index(dealt[-1])
            order = [*order[: at - 1], order[at], order[at - 1], *order[at + 1 :]]
            await_(lambda order=order: shown.all_text_contents() == order, "the line one up")
        assert up.evaluate("button => button === document.activeElement"), "pressed again it moves on"
        page.locator(".st-key-exercise-bar").get_by_role("button", name="Check").click()
        run_button(page).click()
        await_(lambda: "epochs in" in panel(page)["words"], "the lesson's run")
        await_(lambda: page.locator(".st-key-exercise-attempts").count(), "the attempt", WITHIN)
        assert page.locator(".st-key-exercise-result").get_by_text("not yet").count() == 1
