"""Log in with a real OpenID Connect provider, in a real browser: what is kept moves to the account."""

import sqlite3
import time

from lessons import LESSONS
from lessons.classroom import database
from lessons.classroom.keys import sealed
from lessons.classroom.progress import Progress
from lessons.classroom.steps import Step, account_key
from pages.ui.learner import COOKIE
from tests.provider import providing
from tests.screen import await_
from tests.site import ROOT, serving

APP = ROOT / "app.py"
STEP = Step("prediction", "validation", LESSONS["validation"].presets[0].name, {"answer": 0, "outcome": 0})


def says(page, text: str):
    await_(lambda: page.get_by_text(text).count(), text)


def click(page, label: str):
    button = page.get_by_role("button", name=label)
    await_(button.count, label)
    button.click()


def test_progress_moves_to_the_account_and_comes_back_in_another_browser(browser, tmp_path):
    file = tmp_path / "classroom.sqlite"
    progress = Progress(database.connect(f"sqlite:///{file}"))
    link = progress.begin()
    progress.keep(link, STEP)
    with providing() as provider:
        told = tmp_path / "secrets.toml"
        told.write_text(provider.toml())
        with serving(APP, f"--secrets.files={told}", UNMASKED_DATABASE_URL=f"sqlite:///{file}") as site:
            one, other = (browser.new_context() for _ in range(2))
            page = one.new_page()
            page.goto(f"{site.url}/?learner={link}")
            says(page, f"1 of {len(LESSONS)} done")
            await_(lambda: COOKIE in {cookie["name"] for cookie in one.cookies()}, "the cookie of the link")
            click(page, "Log in")
            says(page, "Log out")
            says(page, f"1 of {len(LESSONS)} done")
            assert not page.get_by_text("Your link; keep it").count()
            await_(lambda: COOKIE not in {cookie["name"] for cookie in one.cookies()}, "a browser without the key")
            account = account_key(provider.url, "17")
            assert progress.steps(account) == [STEP]
            page = other.new_page()
            page.goto(site.url)
            says(page, "take them in any order")
            click(page, "Log in")
            says(page, f"1 of {len(LESSONS)} done")
            click(page, "Log out")
            says(page, "take them in any order")
            provider.subject = "18"
            click(page, "Log in")
            says(page, "Log out")
            says(page, "take them in any order")
            one.close()
            other.close()
    time.sleep(0.1)
    with sqlite3.connect(file) as db:
        assert [row[0] for row in db.execute("SELECT key FROM learner")] == [sealed(account)]
        everything = "\n".join(db.iterdump())
    assert "Ada" not in everything and "example.org" not in everything, "nothing else of the account is stored"
