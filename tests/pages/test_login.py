"""Log in with a real OpenID Connect provider, in a real browser: what is kept moves to the account."""

import sqlite3

import pytest

from lessons.classroom import database
from lessons.classroom.environment import SECRET
from lessons.classroom.progress import Progress
from lessons.classroom.steps import Step, account_key
from lessons.course.discovery import LESSONS
from pages.learner.identity import COOKIE
from tests.tools.provider import providing
from tests.tools.screen import await_
from tests.tools.site import ROOT, serving

APP = ROOT / "app.py"
LESSON = LESSONS["validation"]
WAS_IT_YOU = "Was it you?"
STEPS = [
    Step("prediction", LESSON.slug, LESSON.presets[0].name, {"answer": 0, "outcome": 0}),
    *(Step("exercise", LESSON.slug, exercise.name, {"passed": True}) for exercise in LESSON.exercises),
]


def says(page, text: str):
    await_(lambda: page.get_by_text(text).count(), text)


def click(page, label: str):
    button = page.get_by_role("button", name=label)
    await_(button.count, label)
    button.click()


@pytest.mark.verify
def test_progress_moves_to_the_account_that_says_so_and_comes_back_in_another_browser(browser, tmp_path, monkeypatch):
    """A shared machine: somebody has worked without an account; whoever logs in is asked whether that was them."""
    monkeypatch.delenv(SECRET)  # it is in the file beside SQLite's, for the server and for us
    file = tmp_path / "classroom.sqlite"
    progress = Progress(database.connect(f"sqlite:///{file}"))
    link = progress.begin()
    progress.keep(link, *STEPS)
    with providing() as provider:
        told = tmp_path / "secrets.toml"
        told.write_text(provider.toml())
        with serving(APP, f"--secrets.files={told}", ahead=False, UNMASKED_DATABASE_URL=f"sqlite:///{file}") as site:
            one, other = (browser.new_context() for _ in range(2))

            def has_cookie() -> bool:
                return COOKIE in {cookie["name"] for cookie in one.cookies()}

            page = one.new_page()
            page.goto(f"{site.url}/?learner={link}")
            says(page, f"1 of {len(LESSONS)} done")
            await_(has_cookie, "the cookie of the link")
            provider.subject = "18"
            click(page, "Log in")
            says(page, WAS_IT_YOU)
            says(page, "take them in any order")
            click(page, "It was somebody else")
            await_(lambda: not page.get_by_text(WAS_IT_YOU).count(), "an answer that is taken")
            click(page, "Log out")
            says(page, f"1 of {len(LESSONS)} done")
            assert progress.steps(link) == STEPS and has_cookie(), "what others did here is still theirs"
            provider.subject = "17"
            click(page, "Log in")
            says(page, WAS_IT_YOU)
            click(page, "It was me: add it to my account")
            says(page, f"1 of {len(LESSONS)} done")
            assert not page.get_by_text("Your link; keep it").count()
            await_(lambda: not has_cookie(), "a browser without the key")
            account = account_key(provider.url, "17")
            assert progress.steps(account) == STEPS
            page = other.new_page()
            page.goto(site.url)
            says(page, "take them in any order")
            click(page, "Log in")
            says(page, f"1 of {len(LESSONS)} done")
            assert not page.get_by_text(WAS_IT_YOU).count()
            click(page, "Log out")
            says(page, "take them in any order")
            one.close()
            other.close()
    with sqlite3.connect(file) as db:
        assert [row[0] for row in db.execute("SELECT key FROM learner")] == [progress.stored(account)]
        everything = "\n".join(db.iterdump())
    assert "Ada" not in everything and "example.org" not in everything, "nothing else of the account is stored"
    progress.engine.dispose()
