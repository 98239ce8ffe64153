"""Whoever goes leaves: trainings, maps and luck of a learner who chose anew, pressed Stop or closed the tab."""

import gc
import time

import pytest
from streamlit.runtime.caching.cache_resource_api import clear_session_cache
from streamlit.testing.v1 import AppTest

from lessons.recipe.recipe import Recipe
from lessons.server.laboratory import shared
from pages.server import presence, run_news
from pages.server.presence import Presence
from tests.pages.test_pages import WITHIN, lesson_page
from tests.server import test_laboratory
from tests.server.test_laboratory import SHORT

SLUG = "mask_and_loss"
busy = test_laboratory.busy  # the fixture


def eventually(condition) -> bool:
    until = time.monotonic() + WITHIN
    while not condition() and time.monotonic() < until:
        time.sleep(0.02)
    return condition()


@pytest.fixture
def page(busy, monkeypatch):
    """A lesson on this server's laboratory, whose executor is occupied: what is begun waits until it is stopped."""
    monkeypatch.setattr(
        "lessons.server.laboratory.ABSENT_AFTER", WITHIN
    )  # on a busy machine the test itself is slow to look
    for name in ("executor", "trainings", "grid_runs"):
        monkeypatch.setattr(shared(), name, getattr(busy, name))
    return lesson_page(SLUG, mode="present", epochs="20")


def bench_of(page: AppTest):
    return page.session_state[f"{SLUG}:bench"]


def press(page: AppTest, name: str) -> None:
    page.button(key=f"{SLUG}:{name}").click().run()
    assert not page.exception
    page.run()  # Run draws its panel, and AppTest knows nothing of the page around it then


def close(page: AppTest, monkeypatch, grace: float) -> None:
    """What Streamlit does when a browser goes: AppSession.clear_session_caches, on a thread of its own."""
    monkeypatch.setattr("pages.server.presence.GRACE", grace)
    monkeypatch.setattr("pages.server.presence.LAST_LOOK", 0)
    clear_session_cache("test session id")


def test_luck_asks_for_news_before_the_first_seed_is_trained(page):
    press(page, "luck")
    assert [one.value for one in page.caption if "seeds trained" in one.value] == ["0 of 5 seeds trained"]
    assert "No seed is trained yet." in [one.value for one in page.caption]


def test_luck_chosen_anew_leaves_the_seeds_before(page):
    press(page, "luck")
    before = list(bench_of(page).luck.trainings)
    page.selectbox(key=f"{SLUG}:mask").set_value("none").run()
    press(page, "luck")
    assert all(training.job.stopped for training in before)
    assert not any(training.job.stopped for training in bench_of(page).luck.trainings)


def test_luck_chosen_again_as_it_was_leaves_none(page):
    press(page, "luck")
    before = list(bench_of(page).luck.trainings)
    press(page, "luck")
    assert bench_of(page).luck.trainings == before and not any(training.job.stopped for training in before)


@pytest.mark.verify
def test_stop_stops_the_seeds_but_not_the_run_in_sight_nor_what_another_watches(page):
    press(page, "run")
    press(page, "luck")
    in_sight, *others = trainings = list(bench_of(page).luck.trainings)
    assert in_sight is bench_of(page).runs.training, "the first seed is that of the run"
    others[0].watch("another")
    press(page, "luck-stop")
    assert [training.job.stopped for training in trainings] == [False, False, True, True, True]
    assert "Stopped: 0 of 5 seeds trained" in [one.value for one in page.caption]
    assert f"{SLUG}:luck-stop" not in {one.key for one in page.button}


@pytest.mark.verify
def test_a_closed_tab_leaves_its_run_its_luck_and_its_map_and_nothing_that_another_watches(page, monkeypatch):
    press(page, "run")
    press(page, "luck")
    press(page, "map-draw")
    bench = bench_of(page)
    mine, theirs = bench.luck.trainings[:4], bench.luck.trainings[4]
    theirs.watch("another")
    close(page, monkeypatch, 0.05)
    assert eventually(lambda: all(training.job.stopped for training in mine) and bench.map.grid_run.stopped)
    assert bench.runs.training.job.stopped and not theirs.job.stopped


def test_a_browser_that_comes_back_keeps_what_it_watches(busy):
    """A connection that breaks for a moment is no leaving: what was looked at since goes on."""
    training = busy.train(Recipe(SHORT), "who")
    presence = Presence()
    presence.watch(training, "who")
    looked = training.watchers["who"]
    presence.leave(since=looked - 0.001)
    assert not training.job.stopped
    presence.leave(since=looked)
    assert training.job.stopped


def test_a_session_holds_nothing_of_what_it_looked_at(busy):
    """Own data go with the form that they lie on, whatever the session had looked at."""
    presence = Presence()
    presence.watch(busy.train(Recipe(SHORT), "who"), "who")
    busy.remembered.clear()
    gc.collect()
    assert not presence.watched


def test_a_question_that_is_open_when_the_browser_goes_does_not_count_as_coming_back():
    assert run_news.ANSWERS_WITHIN + run_news.STEP < presence.LAST_LOOK < presence.GRACE
