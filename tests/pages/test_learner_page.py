"""A learner's progress as they meet it: another browser, another server process, a dead database, a twin question."""

import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest
import streamlit as st
from sqlalchemy import create_engine, make_url
from streamlit.testing.v1 import AppTest

from lessons.classroom import database as classroom_database
from lessons.classroom import keys
from lessons.classroom.course_map import standing
from lessons.classroom.patience import NoAnswer, Patience
from lessons.classroom.progress import Progress
from lessons.classroom.record import record
from lessons.classroom.refusal import Away
from lessons.classroom.room import Rooms
from lessons.classroom.steps import NoLearner, Step, account_key
from lessons.course.discovery import LESSONS
from lessons.course.lesson import UNANSWERED
from lessons.course.variation import variation
from pages.lab import bench as benches
from pages.learner import identity
from pages.server import store
from tests.pages.test_pages import lesson_page, trained, warnings
from tests.tools.databases import empty, postgresql
from tests.tools.screen import PATIENCE, SLUG, address, await_, panel, ready, run_button
from tests.tools.selection import first
from tests.tools.site import ROOT, serving

LESSON = LESSONS[SLUG]
FIRST = LESSON.presets[0].name
WRONG = 0  # “None: the mask keeps it away”; the scalar loss of the first preset lets it all through
DEAD = "postgresql://nobody:nothing@127.0.0.1:9/none"


@pytest.fixture
def classroom(tmp_path):
    return f"sqlite:///{tmp_path / 'classroom.sqlite'}"


@contextmanager
def visiting(browser, site, path: str = "/"):
    """A browser that has not been here before."""
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    try:
        page = context.new_page()
        page.goto(site.url + path)
        yield page
    finally:
        context.close()


def says(page, text: str, where: str = "body"):
    await_(lambda: page.locator(where).get_by_text(text).count(), text)


def answer(page, where: str, index: int) -> None:
    box = page.locator(f".st-key-{where}")
    box.get_by_text(LESSON.prediction.answers[index].text, exact=True).click()
    box.get_by_role("radio", name="fairly sure").or_(box.get_by_role("button", name="fairly sure")).first.click()


def press(page, name: str) -> None:
    button = page.get_by_role("button", name=name)
    await_(button.is_enabled, name)
    button.click()


def predict_and_run(page) -> None:
    await_(lambda: (panel(page) or {}).get("picture"), "the lesson")
    ready(page)
    answer(page, "prediction", WRONG)
    press(page, "That is my prediction")
    await_(run_button(page).is_enabled, "Run after the prediction")
    run_button(page).click()
    says(page, "You predicted")


def has_cookie(page) -> bool:
    return any(cookie["name"] == identity.COOKIE for cookie in page.context.cookies())


@pytest.mark.verify
def test_progress_survives_a_closed_browser_and_a_restarted_server(browser, classroom):
    with serving(UNMASKED_DATABASE_URL=classroom, ahead=False) as site:
        with visiting(browser, site, f"/?lesson={SLUG}") as page:
            predict_and_run(page)
            await_(lambda: has_cookie(page), "the cookie")
            [cookie] = [one for one in page.context.cookies() if one["name"] == identity.COOKIE]
            assert cookie["sameSite"] == "Lax" and cookie["expires"] > time.time() + 300 * 86400
            says(page, "Once more, with other numbers")
            page.goto(site.url)
            says(page, "begun", f".st-key-card-{SLUG}")
            page.get_by_text("Your link; keep it").click()
            link = await_(lambda: page.locator("[data-testid=stPopoverBody] code").first.text_content(), "the link")
        path = link.removeprefix(site.url)
        with visiting(browser, site, path) as page:
            says(page, f"0 of {len(LESSONS)} done")
            assert "learner" not in address(page)
    with serving(UNMASKED_DATABASE_URL=classroom, ahead=False) as site, visiting(browser, site, path) as page:
        says(page, f"0 of {len(LESSONS)} done")
        await_(lambda: has_cookie(page), "the cookie of the link")
        page.goto(f"{site.url}/?lesson={SLUG}")  # the cookie knows who it is
        says(page, "You predicted")
        assert run_button(page).is_enabled(), "what was predicted once unlocks Run"
        says(page, "Once more, with other numbers")
        page.goto(f"{site.url}/?page=record")
        says(page, "Predictions right")
        page.goto(site.url)
        page.get_by_text("Forget me here").click()
        page.get_by_text("Delete what is kept as well").click()
        page.locator(".st-key-home-forget_now button").click()
        says(page, "take them in any order")
        await_(lambda: not has_cookie(page), "a browser without the cookie")
        page.goto(site.url + path)
        says(page, "nothing is kept under this link")


# --- without a browser


@pytest.fixture
def database(classroom, monkeypatch):
    """An empty database for this process; pages reach it anew."""
    monkeypatch.setenv("UNMASKED_DATABASE_URL", classroom)
    forget_connections()
    yield classroom
    forget_connections()


def forget_connections() -> None:
    st.cache_resource.clear()


def home(**query: str) -> AppTest:
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE)
    for name, value in query.items():
        page.query_params[name] = value
    return page.run()


def shown(page: AppTest) -> str:
    return "\n".join(one.value for one in (*page.markdown, *page.caption))


def visit(me: identity.Learner | None = None) -> AppTest:
    """The part of the front page that asks who it is. (AppTest runs an app with st.navigation only once.)"""
    script = """
import streamlit as st
from pages import home_page, route
if "learner" in st.query_params:
    route.follow_learner()
home_page.choose_learner()
"""
    page = AppTest.from_string(script, default_timeout=PATIENCE)
    if me:
        page.session_state["learner"] = me
    return page


def predicted(page: AppTest, index: int = WRONG) -> AppTest:
    page.radio(key=f"{SLUG}:answer:{FIRST}").set_value(index)
    page.run()
    page.button_group(key=f"{SLUG}:confidence:{FIRST}").set_value("certain")
    page.run()
    return page.button(key=f"{SLUG}:predict").click().run()


def steps_of(page: AppTest) -> list[Step]:
    return page.session_state["learner"].steps


def test_a_newcomer_is_told_where_to_begin_and_is_written_down_nowhere(database):
    page = home()
    assert not page.exception and not page.warning
    first = next(iter(LESSONS.values()))
    assert page.button(key="home:go_on").label == f"Begin: {first.title}"
    assert "take them in any order" in shown(page) and page.session_state["learner"].key == ""
    lesson_page(SLUG)
    with store.engine().connect() as db:
        assert db.exec_driver_sql("SELECT count(*) FROM learner").scalar() == 0


@pytest.mark.parametrize("nonsense", ["nonsense", "x" * 32, "", "' OR 1=1", '["issuer", "subject"]'])
def test_a_nonsense_link_is_one_sentence(database, nonsense):
    page = home(learner=nonsense)
    assert not page.exception
    assert [one.value for one in page.warning] == [warnings(page)]
    assert "nothing is kept under this link" in warnings(page)


def test_a_prediction_and_its_run_are_kept_and_a_wrong_one_is_asked_again(database):
    page = predicted(lesson_page(SLUG))
    assert [step.kind for step in steps_of(page)] == ["prediction"]
    page.button(key=f"{SLUG}:run").click().run()
    trained(page, SLUG)
    bench = page.session_state[f"{SLUG}:bench"]
    before = bench.form.settings
    kinds = [(step.kind, step.content.get("outcome")) for step in steps_of(page)]
    assert kinds == [("prediction", None), ("prediction", 2), ("run", None)]
    assert page.button(key=f"{SLUG}:run_twin").disabled
    page.radio(key=f"{SLUG}:answer:again:{FIRST}").set_value(2)
    page.run()
    page.button_group(key=f"{SLUG}:confidence:again:{FIRST}").set_value("a guess")
    page.run()
    page.button(key=f"{SLUG}:run_twin").click().run()
    until = time.monotonic() + PATIENCE
    while not any(step.kind == "twin" for step in steps_of(page)) and time.monotonic() < until:
        page.run()
    told = steps_of(page)[-1].content
    assert (told["answer"], told["outcome"], told["numbers"]["timesteps"]) == (2, 2, 16)
    assert bench.form.settings == before and bench.runs.training.recipe.settings == before
    assert "Of the variation" in shown(page) and "It came true" in shown(page)
    key = page.session_state["learner"].key
    back = home(learner=key)
    assert back.session_state["learner"].key == key and not back.warning
    kept = Progress(store.engine()).steps(key)
    assert [step.kind for step in kept] == ["prediction", "prediction", "run", "twin"]


def test_a_run_that_cannot_answer_settles_no_prediction_and_the_next_may(database):
    page = predicted(lesson_page(SLUG, padded_labels="nan"))
    page.button(key=f"{SLUG}:run").click().run()
    trained(page, SLUG)
    page.run()
    bench = page.session_state[f"{SLUG}:bench"]
    told = [one.value for one in page.caption if "You predict" in one.value]
    assert len(told) == 1 and UNANSWERED in told[0] and "Press Run" not in told[0]
    assert [step.kind for step in steps_of(page)] == ["prediction", "run"]
    assert bench.guesses[FIRST].outcome is None and f"{SLUG}:run_twin" not in {one.key for one in page.button}
    kept = record(steps_of(page))
    assert kept.predictions.observed == 0 and standing(LESSON, steps_of(page)) == "begun"
    page.button(key=f"{SLUG}:reset").click().run()
    page.button(key=f"{SLUG}:run").click().run()
    trained(page, SLUG)
    assert bench.guesses[FIRST].outcome == 2 and record(steps_of(page)).predictions.observed == 1


@pytest.mark.verify
def test_a_twin_that_cannot_answer_is_told_and_not_kept(database, monkeypatch):
    monkeypatch.setattr(benches, "variation", lambda settings: replace(variation(settings), padding_share=0.0))
    page = predicted(lesson_page(SLUG))
    page.button(key=f"{SLUG}:run").click().run()
    trained(page, SLUG)
    page.radio(key=f"{SLUG}:answer:again:{FIRST}").set_value(2)
    page.run()
    page.button_group(key=f"{SLUG}:confidence:again:{FIRST}").set_value("a guess")
    page.run()
    page.button(key=f"{SLUG}:run_twin").click().run()
    twin, until = page.session_state[f"{SLUG}:bench"].twins[FIRST], time.monotonic() + PATIENCE
    while not twin.guess.unanswered and time.monotonic() < until:
        page.run()
    page.run()
    assert any(UNANSWERED in one.value for one in page.caption)
    assert "twin" not in [step.kind for step in steps_of(page)]


def test_a_right_prediction_is_not_asked_again_and_presenting_keeps_nothing(database):
    page = predicted(lesson_page(SLUG), 2)
    page.button(key=f"{SLUG}:run").click().run()
    trained(page, SLUG)
    assert "It came true" in shown(page) and f"{SLUG}:run_twin" not in {one.key for one in page.button}
    shown_only = lesson_page(SLUG, mode="present")
    shown_only.button(key=f"{SLUG}:run").click().run()
    trained(shown_only, SLUG)
    assert steps_of(shown_only) == []


@pytest.mark.parametrize(
    ("choice", "whose", "slugs"),
    [
        ("change", "link", ["validation"]),
        ("together", "link", ["validation", SLUG]),
        ("stay", "mine", [SLUG]),
    ],
)
def test_a_link_of_somebody_else_asks_before_it_takes_over(database, choice, whose, slugs):
    progress = Progress(store.engine())
    keys = {"link": progress.begin(), "mine": progress.begin()}
    progress.keep(keys["link"], Step("run", "validation", "broken", at=1.0))
    progress.keep(keys["mine"], Step("run", SLUG, FIRST, at=2.0))
    page = visit(identity.Learner(keys["mine"]))
    page.query_params["learner"] = keys["link"]
    page.run()
    assert page.session_state["learner"].key == keys["mine"], "nobody is taken over unasked"
    page.button(key=f"home:{choice}").click().run()
    assert not page.exception and not page.button
    assert page.session_state["learner"].key == keys[whose]
    assert [step.slug for step in progress.steps(keys[whose])] == slugs


def test_to_be_forgotten_here_leaves_the_rows_unless_they_are_asked_for(database):
    progress = Progress(store.engine())
    for rows in (False, True):
        key = progress.begin()
        progress.keep(key, Step("run", SLUG, FIRST))
        script = "from pages.learner import identity as learner\n"
        script += f"learner.forget({rows}) if learner.learner().key else None\n"
        page = AppTest.from_string(script)
        page.session_state["learner"] = identity.Learner(key)
        page.run()
        me = page.session_state["learner"]
        assert not page.exception and not me.key and not me.steps and me.gone
        if not rows:
            assert progress.steps(key)
    with pytest.raises(NoLearner):
        progress.steps(key)


def test_an_account_that_is_deleted_leaves_the_browser_the_key_of_somebody_else(database):
    progress = Progress(store.engine())
    account = progress.begin(account_key("issuer", "17"))
    me = call("forget(True)", identity.Learner(account, account=True, read=True, brought=progress.begin()))
    assert (me.key, me.account, me.gone) == (account, True, False)
    with pytest.raises(NoLearner):
        progress.steps(account)


def test_without_a_database_lessons_work_and_the_front_page_says_so(monkeypatch):
    monkeypatch.setenv("UNMASKED_DATABASE_URL", DEAD)
    forget_connections()
    page = home()
    assert not page.exception and "Nothing is kept at the moment" in shown(page)
    page = predicted(lesson_page(SLUG))
    page.button(key=f"{SLUG}:run").click().run()
    trained(page, SLUG)
    assert not page.exception and "What came true" in shown(page)
    me = page.session_state["learner"]
    assert not me.key and len(me.unkept) == len(me.steps) == 3
    assert "cannot be read now" in warnings(home(learner="x" * 32))
    forget_connections()


def test_a_link_that_could_not_be_read_is_followed_when_the_database_answers(database, monkeypatch):
    progress = Progress(store.engine())
    link = progress.begin()
    progress.keep(link, Step("run", SLUG, FIRST))
    with monkeypatch.context() as away:
        away.setattr(Patience, "down", True)
        page = home(learner=link)
        assert "cannot be read now" in warnings(page) and page.query_params["learner"]
    page = visit(page.session_state["learner"])
    page.query_params["learner"] = link
    page.run()
    assert page.session_state["learner"].key == link and not page.warning


def test_who_follows_their_own_link_loses_nothing_that_waits(database):
    link, waits = Progress(store.engine()).begin(), Step("run", SLUG, FIRST)
    page = visit(identity.Learner(link, steps=[waits], unkept=[waits], read=True))
    page.query_params["learner"] = link
    page.run()
    assert not page.exception and not page.button and steps_of(page) == [waits]
    assert Progress(store.engine()).steps(link) == [waits]


def test_what_waited_for_the_database_is_written_when_it_is_back(database, monkeypatch):
    with monkeypatch.context() as away:
        away.setattr(Patience, "down", True)
        page = predicted(lesson_page(SLUG))
    me = page.session_state["learner"]
    assert len(me.unkept) == 1 and not me.key
    again = AppTest.from_string("from pages.learner.identity import keep\nkeep('hint', 'validation', 'spot', {})\n")
    again.session_state["learner"] = me
    again.run()
    assert not again.exception and me.key and not me.unkept
    assert [step.kind for step in Progress(store.engine()).steps(me.key)] == ["prediction", "hint"]


# --- a database that takes longer than anybody waits


@pytest.fixture
def slow(database_url, monkeypatch):
    """A database of each kind, for this process, and a way to let whoever writes wait for as long as a block takes."""
    monkeypatch.setenv("UNMASKED_DATABASE_URL", database_url)
    forget_connections()
    engine = store.engine()

    @contextmanager
    def writers_wait():
        identity.patience().ask(lambda progress: progress.check())
        identity.patience().wait = 0.2
        with engine.begin() as db:  # on SQLite this is the one writer
            if engine.dialect.name == "postgresql":
                db.exec_driver_sql("LOCK TABLE learner, step IN EXCLUSIVE MODE")
            yield
        identity.patience().wait = 30
        await_(lambda: not identity.patience().down, "an answer after all")

    writers_wait.progress = Progress(engine)
    yield writers_wait
    engine.dispose()
    forget_connections()


def call(words: str, me: identity.Learner) -> identity.Learner:
    """A page of this learner's session that calls one function; who sits there afterwards."""
    page = AppTest.from_string(
        f"from pages.learner import identity as learner\nlearner.learner()\nlearner.{words}\n", default_timeout=60
    )
    page.session_state["learner"] = me
    page.run()
    assert not page.exception
    return page.session_state["learner"]


def keep_hint(me: identity.Learner, name: str) -> identity.Learner:
    return call(f"keep('hint', 'validation', '{name}', {{}})", me)


def rows(progress: Progress) -> tuple[int, list[str]]:
    """How many learners there are, and the names of all steps."""
    with progress.engine.connect() as db:
        names = db.exec_driver_sql("SELECT name FROM step ORDER BY at").scalars().all()
        return db.exec_driver_sql("SELECT count(*) FROM learner").scalar(), names


@pytest.mark.parametrize("who", first(1, ["known", "newcomer", "account"]))
def test_what_is_written_late_is_not_written_again(slow, who):
    key = {"newcomer": "", "known": keys.key(), "account": account_key("issuer", "17")}[who]
    if who == "known":
        slow.progress.begin(key)
    me = identity.Learner(key, account=who == "account", read=True)
    with slow():
        me = keep_hint(me, "first")
        assert [step.name for step in me.unkept] == ["first"], "nobody waited for it"
    me = keep_hint(me, "second")
    assert rows(slow.progress) == (1, ["first", "second"]) and not me.unkept
    assert [step.name for step in slow.progress.steps(me.key)] == ["first", "second"]
    assert call("course()", me).steps == slow.progress.steps(me.key)


def test_what_was_written_late_is_not_shown_twice(slow):
    me = identity.Learner(slow.progress.begin(), read=True)
    with slow():
        me = keep_hint(me, "first")
    me = call("course()", me)
    assert [step.name for step in me.steps] == ["first"] and not me.unkept


def test_two_become_one_however_late(slow, monkeypatch):
    """And what had not been written yet comes along."""
    mine, link = slow.progress.begin(), slow.progress.begin()
    slow.progress.keep(mine, Step("hint", "validation", "mine", at=1.0))
    slow.progress.keep(link, Step("hint", "validation", "link", at=2.0))
    me = identity.Learner(mine, read=True, offered=link)
    with slow():
        me = keep_hint(me, "unkept")
        monkeypatch.setattr(Patience, "down", False)  # whoever has been let rest is asked again
        me = call("change(True)", me)
        assert (me.key, me.offered) == (mine, link), "the question stands"
    me = call("change(True)", me)
    assert (me.key, me.offered, me.unkept) == (link, "", [])
    assert rows(slow.progress) == (1, ["mine", "link", "unkept"])
    assert [step.name for step in me.steps] == ["mine", "link", "unkept"]


def test_who_is_forgotten_does_not_come_back_with_a_late_step(slow):
    me = identity.Learner(slow.progress.begin(), read=True)
    with slow():
        me = keep_hint(me, "late")
        late = me.key, me.new, tuple(me.unkept)
    call("forget(True)", me)
    for key, new, steps in (late, ("", *late[1:])):
        with pytest.raises(NoLearner):
            identity.written(slow.progress, me, key, new, steps)  # as if the lock had come only now
    assert rows(slow.progress) == (0, [])


# --- patience


def test_a_database_that_hangs_costs_one_wait_and_not_one_for_each_click():
    slow = Patience(lambda: time.sleep(1.0), wait=0.1, first=0.1, rest=30)
    began = time.perf_counter()
    for _ in range(50):
        with pytest.raises(NoAnswer):
            slow.ask(lambda store: store)
    assert time.perf_counter() - began < 0.5 and slow.down


def test_opening_for_the_first_time_may_take_longer():
    opening = Patience(lambda: time.sleep(0.3) or "store", wait=0.05, first=5)
    opening.warm()
    assert opening.ask(lambda store: store) == "store"


def test_a_database_that_was_only_slow_is_asked_again():
    slow = Patience(lambda: time.sleep(0.3) or "store", wait=0.05, first=0.05, rest=30)
    with pytest.raises(NoAnswer):
        slow.ask(lambda store: store)
    until = time.monotonic() + 5
    while slow.down and time.monotonic() < until:
        time.sleep(0.02)
    slow.wait = 5
    assert slow.ask(lambda store: store) == "store"


def test_what_a_question_raises_is_no_matter_of_the_database():
    def wrong(_store):
        raise ValueError("the question's own")

    view = Patience(lambda: None)
    with pytest.raises(ValueError, match="own"):
        view.ask(wrong)
    assert not view.down


FAULTS = {  # asked of any database: the fault is the question's own
    "a row that is there already": "INSERT INTO room SELECT * FROM room",
    "a table that is not there": "SELECT * FROM nonsense",
    "no SQL": "nonsense",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_one_question_shuts_nobody_off(database_url, fault):
    engine = classroom_database.connect(database_url)
    Rooms(engine).open()
    view = Patience(lambda: engine)

    def wrong(engine):
        with engine.begin() as db:
            db.exec_driver_sql(FAULTS[fault])

    with pytest.raises(NoAnswer):  # what was to be written waits; the page is drawn
        view.ask(wrong)
    assert not view.down and view.ask(lambda engine: Progress(engine).begin())
    engine.dispose()


def test_two_transactions_that_wait_for_each_other_shut_nobody_off(tmp_path):
    """PostgreSQL ends one of them with an OperationalError, as it does with all when it goes away."""
    engine = classroom_database.connect(empty("postgresql", tmp_path))
    view = Patience(lambda: engine, wait=30, first=30)
    both, looked, down = threading.Barrier(2), threading.Event(), []

    def cross(locks: tuple[int, int]) -> None:
        def question(engine):
            with engine.begin() as db:
                db.exec_driver_sql(f"SELECT pg_advisory_xact_lock({locks[0]})")
                both.wait(30)
                db.exec_driver_sql(f"SELECT pg_advisory_xact_lock({locks[1]})")
                looked.wait(30)  # its answer would open what the other has shut

        try:
            view.ask(question)
        except NoAnswer:
            down.append(view.down)
            looked.set()

    threads = [threading.Thread(target=cross, args=(locks,)) for locks in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert down == [False]
    engine.dispose()


def test_a_database_that_went_away_is_left_in_peace(tmp_path):
    """Its connections are cut, and it takes no new ones."""
    url = empty("postgresql", tmp_path)
    engine, view = classroom_database.connect(url), Patience(lambda: engine, wait=30, first=30)
    view.ask(lambda engine: Progress(engine).check())
    name, admin = make_url(url).database, create_engine(postgresql(), isolation_level="AUTOCOMMIT")
    with admin.connect() as db:
        db.exec_driver_sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        db.exec_driver_sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    with pytest.raises(NoAnswer):
        view.ask(lambda engine: Progress(engine).check())
    assert view.down
    for one in (engine, admin):
        one.dispose()


def test_a_file_that_is_no_database_is_left_in_peace(tmp_path):
    (tmp_path / "no.sqlite").write_text("no database" * 1000)
    view = Patience(lambda: classroom_database.connect(f"sqlite:///{tmp_path / 'no.sqlite'}"), wait=30, first=30)
    with pytest.raises(NoAnswer):
        view.ask(lambda engine: Progress(engine).check())
    assert view.down


def test_a_database_of_a_later_version_breaks_no_page(database):
    with store.engine().begin() as db:
        db.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    forget_connections()
    with pytest.raises(Away):
        store.rooms()
    page = home()
    assert not page.exception and "Nothing is kept at the moment" in shown(page)


def test_login_is_offered_where_a_provider_is_named_and_nowhere_else(monkeypatch):
    assert identity.providers() == []
    monkeypatch.setattr(identity, "is_authlib_installed", lambda: True)
    for auth, wanted in (
        ({"redirect_uri": "x", "cookie_secret": "y", "client_id": "z"}, [None]),
        ({"cookie_secret": "y", "school": {"client_id": "z"}, "other": {"client_id": "w"}}, ["school", "other"]),
        ({"cookie_secret": "y"}, []),
    ):
        monkeypatch.setattr(identity.st, "secrets", {"auth": auth})
        assert identity.providers() == wanted
    monkeypatch.setattr(identity, "is_authlib_installed", lambda: False)
    assert identity.providers() == []


def test_the_server_does_not_need_the_login_package():
    """In a fresh process: importing the pages loads no Authlib."""
    script = "import sys; import pages.home_page; print([n for n in sys.modules if n.startswith('authlib')])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=60, env=dict(os.environ)
    )
    assert done.stdout.strip().splitlines()[-1:] == ["[]"], done.stderr[-2000:]
