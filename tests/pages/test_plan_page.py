"""The plan page: a link is a plan, buttons change it, and an answer is shown when a run has made it true."""

import re
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from lessons.classroom.agenda import Agenda
from lessons.course.discovery import LESSONS
from lessons.course.lesson import UNANSWERED
from lessons.server import laboratory
from pages import plan_page
from pages.parts.quotation import quoted
from pages.parts.waiting import LOOK
from tests.tools.patience import patient

WITHIN = patient(90)  # seconds: the first training waits for TensorFlow
SCRIPT = "from pages.plan_page import render\nrender()\n"
BROKEN, FIXED, NAN = ("mask_and_loss", "broken"), ("mask_and_loss", "fixed"), ("nan_labels", "broken")
PLAN = Agenda((BROKEN, FIXED, NAN))


def opened(steps: str | None = None) -> AppTest:
    page = AppTest.from_string(SCRIPT, default_timeout=WITHIN)
    if steps is not None:
        page.query_params["steps"] = steps
    page.run()
    assert not page.exception
    return page


def clicked(page: AppTest, key: str) -> AppTest:
    page.button(key=key).click().run()
    assert not page.exception
    return page


def steps(page: AppTest) -> str:
    given = page.query_params.get("steps", "")
    return given if isinstance(given, str) else given[0]


def told(page: AppTest) -> str:
    return "\n".join(one.value for one in page.markdown)


def test_a_link_is_a_plan():
    page = opened(PLAN.address)
    shown = told(page)
    for slug, name in PLAN.items:
        lesson = LESSONS[slug]
        assert quoted(lesson.title) in shown and quoted(lesson.preset(name).label) in shown
        assert lesson.notes in shown and all(aim in shown for aim in lesson.aims)
    assert f"3 questions, about {PLAN.minutes} minutes" in shown
    assert page.code[0].value.endswith(f"/?page=plan&steps={PLAN.address}")
    assert steps(page) == PLAN.address and not page.warning
    room = next(one.proto for one in page.get("link_button") if one.proto.label == "Open a room")
    assert room.url.endswith(f"/?page=room&plan={PLAN.address}")


def test_an_empty_plan_says_how_to_begin():
    page = opened()
    assert "Add" in page.info[0].value and not page.code


def test_nonsense_is_one_sentence_and_the_rest_is_kept():
    page = opened(f"{PLAN.address},<b>:x,mask_and_loss:nothing")
    assert len(page.warning) == 1 and quoted("<b>:x") in page.warning[0].value
    assert steps(page) == PLAN.address
    clicked(page, "plan:Remove:nan_labels:broken")
    assert not page.warning


def test_a_plan_is_built_with_buttons():
    page = opened()
    page.selectbox(key="plan:lesson").set_value("mask_and_loss").run()
    page.selectbox(key="plan:preset:mask_and_loss").set_value("broken").run()
    clicked(page, "plan:add")
    page.selectbox(key="plan:preset:mask_and_loss").set_value("fixed").run()
    clicked(page, "plan:add")
    assert steps(page) == "mask_and_loss:broken,mask_and_loss:fixed"
    clicked(page, "plan:add")
    assert "twice" in page.warning[0].value and steps(page) == "mask_and_loss:broken,mask_and_loss:fixed"
    clicked(page, "plan:Move up:mask_and_loss:fixed")
    assert steps(page) == "mask_and_loss:fixed,mask_and_loss:broken" and not page.warning
    assert page.button(key="plan:Move up:mask_and_loss:fixed").disabled
    assert page.button(key="plan:Move down:mask_and_loss:broken").disabled
    clicked(page, "plan:Move down:mask_and_loss:fixed")
    clicked(page, "plan:Remove:mask_and_loss:broken")
    assert steps(page) == "mask_and_loss:fixed"


def test_a_plan_is_saved_and_loaded_for_next_year():
    page = opened(NAN[0] + ":" + NAN[1])
    page.file_uploader(key="plan:file").set_value(("plan.json", PLAN.file.encode(), "application/json")).run()
    assert not page.exception and steps(page) == PLAN.address and not page.warning
    page.file_uploader(key="plan:file").set_value(("plan.json", b"{}", "application/json")).run()
    assert "takes a file that “Save” has made" in page.warning[0].value and steps(page) == PLAN.address


def test_a_click_that_brings_the_address_from_before_undoes_nothing():
    page = opened(PLAN.address)
    clicked(page, "plan:Remove:nan_labels:broken")
    page.query_params["steps"] = PLAN.address
    clicked(page, "plan:Remove:mask_and_loss:fixed")
    assert steps(page) == "mask_and_loss:broken"


def test_another_link_is_followed():
    page = opened(PLAN.address)
    page.query_params["steps"] = "validation:broken"
    page.run()
    assert steps(page) == "validation:broken"


def test_answers_stay_hidden_and_nothing_is_trained(monkeypatch):
    monkeypatch.setattr(plan_page, "shared", lambda: pytest.fail("nobody has asked for answers"))
    shown = told(opened(PLAN.address))
    for slug, _ in PLAN.items:
        answers = LESSONS[slug].prediction.answers
        assert all(quoted(answer.text) in shown for answer in answers)
        assert not any(quoted(answer.belief) in shown for answer in answers)
    assert "came true" not in shown


def test_answers_are_read_off_runs():
    page = opened(PLAN.address)
    page.toggle(key="plan:answers").set_value(True).run()
    until = time.monotonic() + WITHIN
    while told(page).count("came true") < 3 and time.monotonic() < until:
        time.sleep(LOOK)
        page.run()
    assert not page.exception and not page.error
    planner = page.session_state["plan"]
    for item in PLAN.items:
        run = laboratory.shared().train(plan_page.recipe_of(item), "test").run()
        assert planner.outcomes[item] == LESSONS[item[0]].prediction.outcome(run) is not None
    assert planner.outcomes[BROKEN] != planner.outcomes[FIXED], "the repair turns the answer"
    wrong = [one for at, one in enumerate(LESSONS["nan_labels"].prediction.answers) if at != planner.outcomes[NAN]]
    assert all(quoted(one.belief) in told(page) for one in wrong)


def test_a_run_that_cannot_answer_is_told_and_no_belief_is_called_wrong(monkeypatch):
    monkeypatch.setattr(plan_page, "shared", lambda: pytest.fail("it is known already"))
    page = opened(Agenda((BROKEN,)).address)
    page.session_state["plan"].outcomes[BROKEN] = None
    page.toggle(key="plan:answers").set_value(True).run()
    assert not page.exception and UNANSWERED in "\n".join(one.value for one in page.caption)
    assert "came true" not in told(page)
    assert not any(quoted(one.belief) in told(page) for one in LESSONS[BROKEN[0]].prediction.answers)


def test_what_cannot_be_run_is_told(monkeypatch):
    class Failed:
        done, failure = True, ValueError("no such <layer>\nand more")

    class Laboratory:
        def train(self, *_):
            return Failed()

    monkeypatch.setattr(plan_page, "shared", Laboratory)
    page = opened("mask_and_loss:broken")
    page.toggle(key="plan:answers").set_value(True).run()
    page.run()
    assert quoted("no such <layer>") in page.error[0].value and "came true" not in told(page)


def test_buttons_in_quick_succession_and_the_way_back(page, site):
    page.goto(f"{site.url}/?page=plan&steps={PLAN.address}")
    page.get_by_text("3 questions, about").wait_for(timeout=30_000)
    remove = page.get_by_role("button", name="Remove")
    remove.nth(2).click()
    remove.nth(0).click()
    page.get_by_text("1 question, about").wait_for(timeout=10_000)
    assert parse_qs(urlsplit(page.url).query) == {"steps": [":".join(FIXED)]}
    page.go_back()
    page.get_by_text(re.compile("[23] questions, about")).wait_for(timeout=10_000)


def test_a_question_of_ones_own_stands_in_the_plan_and_in_its_link():
    page = opened(Agenda((BROKEN,)).address)
    page.text_area(key="plan:own:text").set_value("Is <b>this</b> so?\n- no\n* yes\n> Because.").run()
    clicked(page, "plan:own:Add it")
    shown = told(page)
    assert "Your own question" in shown and quoted("Is <b>this</b> so?") in shown and "Because" not in shown
    again = opened(steps(page))
    assert told(again) == shown and len(Agenda.kept(steps(page))[0].items) == 2
    page.text_area(key="plan:own:text").set_value("Is it?").run()
    clicked(page, "plan:own:Add it")
    assert (
        "got 0 answers to “Is it?”" in page.warning[0].value and page.text_area(key="plan:own:text").value == "Is it?"
    )
