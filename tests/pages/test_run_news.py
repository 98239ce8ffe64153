"""How a panel hears of its run: by a small route, for which no script runs."""

import asyncio
import gc
import time

import httpx
import pytest
from starlette.applications import Starlette

from lessons.recipe.recipe import Recipe
from lessons.server.laboratory import Training, shared
from lessons.workers.job import Job
from pages.server import run_news
from pages.server.run_news import News, changed
from tests.server.test_laboratory import SHORT
from tests.tools.load import Session
from tests.tools.patience import PATIENCE
from tests.tools.screen import SLUG


@pytest.fixture
def training() -> Training:
    return Training(Recipe(SHORT), Job(print, (), {}))


async def told_after(training: Training, news: News, *items: str, known: str | None = None) -> tuple[str, float]:
    """What a browser hears that knows the present state, when the training tells these things; and after how long."""
    asked = asyncio.create_task(changed(news, news.state() if known is None else known))
    await asyncio.sleep(0.05)
    began = time.perf_counter()
    await asyncio.get_running_loop().run_in_executor(None, training.job.tell, *items)
    return await asked, time.perf_counter() - began


def test_a_browser_is_told_as_soon_as_there_are_epochs(training, monkeypatch):
    monkeypatch.setattr(run_news, "PICTURES", 0.05)
    news = News(training, "me")
    waits = news.state()
    assert waits == run_news.waiting(training)
    state, spent = asyncio.run(told_after(training, news, "opening", "epochs"))
    assert state == "2" and spent < run_news.STEP
    assert training.watchers.keys() == {"me"}, "whoever asks waits for it"
    assert not training.job.listeners


def test_what_tells_of_no_epoch_is_no_news(training, monkeypatch):
    monkeypatch.setattr(run_news, "ANSWERS_WITHIN", 0.2)
    news = News(training, "me")
    waits = news.state()
    assert asyncio.run(told_after(training, news, "opening"))[0] == waits


def test_one_that_is_about_to_end_is_let_end(training, monkeypatch):
    """Else each run would be drawn twice: after its first epochs, and a moment later at its end."""
    monkeypatch.setattr(run_news, "PICTURES", 5.0)
    news = News(training, "me")

    async def ends() -> tuple[str, float]:
        asked = asyncio.create_task(told_after(training, news, "opening", "epochs"))
        await asyncio.sleep(0.2)
        training.job.set_result(None)
        return await asked

    state, spent = asyncio.run(ends())
    assert state == "True" and spent < 4


def test_one_that_has_ended_is_told_whatever_the_browser_knows(training):
    """A page may have been told of a run while that ended."""
    training.job.set_result(None)
    news = News(training, "me")
    began = time.perf_counter()
    assert asyncio.run(changed(news, news.state())) == news.state()
    assert time.perf_counter() - began < 1


def test_without_a_training_it_is_the_workers_that_are_waited_for(monkeypatch):
    ready = []
    monkeypatch.setattr(shared(), "ready", lambda: bool(ready))
    monkeypatch.setattr(run_news, "PICTURES", 0.02)
    news = News(None, "me")

    async def start() -> str:
        asked = asyncio.create_task(changed(news, news.state()))
        await asyncio.sleep(0.1)
        assert not asked.done()
        ready.append("a worker")
        return await asyncio.wait_for(asked, 1)

    assert asyncio.run(start()) == "True"


def test_it_holds_no_training():
    """Own data go with the form that they lie on."""
    training = Training(Recipe(SHORT), Job(print, (), {}))
    news = News(training, "me")
    del training
    gc.collect()
    assert news.training is None


def test_the_route_knows_what_is_on_a_page_and_nothing_else(training):
    training.job.set_result(None)
    news = News(training, "me")
    path = news.address.removeprefix(".")

    async def asked(path: str) -> httpx.Response:
        app = httpx.ASGITransport(app=Starlette(routes=run_news.routes()))
        async with httpx.AsyncClient(transport=app, base_url="http://here") as client:
            return await client.get(path)

    answer = asyncio.run(asked(f"/below{path}?state=1"))
    assert (answer.status_code, answer.text, answer.headers["Cache-Control"]) == (200, "True", "no-store")
    del news
    gc.collect()
    assert asyncio.run(asked(path)).status_code == 204


def test_a_click_on_run_draws_what_shows_a_run_and_no_control_anew(site):
    """With a pinned run it draws all: what is compared stands outside of the panel."""

    async def clicked() -> None:
        session = await Session.open(site.url, f"lesson={SLUG}&mode=present&epochs=3", timeout=PATIENCE)

        def drawn() -> set[str]:
            return {element.run_id for element in session.elements("selectbox")}

        def live() -> bool:
            return session.component(f"{SLUG}:lab").data["status"]["live"]

        def pin():
            return next(one for one in session.elements("button") if one.key == f"{SLUG}:pin")

        assert pin().proto.disabled
        before = drawn()
        await session.click(f"{SLUG}:run")
        assert drawn() == before and not pin().proto.disabled
        while live():
            await session.hear(f"{SLUG}:lab")
        assert drawn() == before and "3 epochs in" in session.component(f"{SLUG}:lab").data["status"]["words"]
        await session.click(f"{SLUG}:pin")
        pinned = drawn()
        await session.click(f"{SLUG}:run")
        assert not drawn() & pinned
        assert not session.errors
        await session.close()

    asyncio.run(clicked())
