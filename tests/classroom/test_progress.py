"""Learners in real databases: what is kept, for whom, how much, and that it is there for every process that looks."""

import os
import stat
import threading
import time

import pytest
from alembic import command
from sqlalchemy import create_engine, func, select, text, update

from lessons.classroom import database, environment, keys, progress
from lessons.classroom.progress import LONGEST, YEAR, Progress
from lessons.classroom.schema import learner, step
from lessons.classroom.steps import NoLearner, Step, account_key, read_link
from lessons.recipe.bad_input import BadInput
from tests.tools.databases import empty

GUESS = Step("prediction", "mask_and_loss", "broken", {"answer": 0, "confidence": "certain", "outcome": None}, 1.5)


@pytest.fixture
def here(database_url):
    engine = database.connect(database_url)
    yield Progress(engine)
    engine.dispose()


@pytest.fixture
def elsewhere(database_url, here):
    """The same learners, as another server process has them."""
    engine = database.connect(database_url)
    yield Progress(engine)
    engine.dispose()


def count(where: Progress, table) -> int:
    with where.engine.connect() as db:
        return db.scalar(select(func.count()).select_from(table))


def age(where: Progress, seconds: float) -> None:
    """Let everybody have been seen that much earlier."""
    with where.engine.begin() as db:
        db.execute(update(learner).values(seen=learner.c.seen - seconds))


def test_two_processes_see_one_learner(here, elsewhere):
    key = here.begin()
    here.keep(key, GUESS)
    elsewhere.keep(key, Step("run", "nan_labels", "broken"))
    assert here.steps(key) == elsewhere.steps(key)
    assert here.steps(key)[0] == GUESS and [one.kind for one in here.steps(key)] == ["prediction", "run"]
    assert here.course(key).at == "nan_labels"
    elsewhere.moved(key, "validation")
    assert here.course(key).at == "validation" and len(here.steps(key)) == 2


def test_learners_do_not_see_each_other_and_keys_are_not_stored(here):
    one, other = here.begin(), here.begin()
    here.keep(one, GUESS)
    assert here.steps(other) == [] and one != other
    with here.engine.connect() as db:
        stored = db.execute(select(learner.c.key).order_by(learner.c.id)).scalars().all()
    assert [bytes(key) for key in stored] == [here.stored(one), here.stored(other)]
    assert not {keys.sealed(one), keys.sealed(other)} & {bytes(key) for key in stored}


@pytest.mark.parametrize("nonsense", ["", "nonsense", "x" * 32, "'; DROP TABLE learner; --", "\x00" * 32])
def test_an_unknown_key_is_one_sentence_whatever_is_asked(here, nonsense):
    for ask in (here.course, lambda key: here.keep(key, GUESS), lambda key: here.moved(key, "validation")):
        with pytest.raises(BadInput, match="nothing is kept under this link"):
            ask(nonsense)
    here.forget(nonsense)
    assert count(here, step) == 0


def test_a_link_takes_the_keys_that_are_made_and_no_account(here):
    key = here.begin()
    assert read_link(f" {key} ") == key
    account = here.begin(account_key("https://issuer.example", "17"))
    for other in ("", key[:-1], key + "x", "é" * 32, account):
        with pytest.raises(NoLearner):
            read_link(other)


def test_forgetting_deletes_every_row(here, elsewhere):
    key, other = here.begin(), here.begin()
    here.keep(key, GUESS)
    here.keep(other, Step("run", "validation", "broken"))
    elsewhere.forget(key)
    with pytest.raises(NoLearner):
        here.steps(key)
    assert (count(here, learner), count(here, step)) == (1, 1)


def test_who_was_not_seen_for_a_year_is_forgotten_when_somebody_begins(here):
    key = here.begin()
    here.keep(key, GUESS)
    age(here, YEAR + 60)
    with pytest.raises(NoLearner):
        here.steps(key)
    new = here.begin()
    assert (count(here, learner), count(here, step)) == (1, 0)
    age(here, YEAR - 60)
    here.moved(new, "validation")
    age(here, 120)
    assert here.course(new).at == "validation"


def test_the_oldest_steps_go(here, monkeypatch):
    monkeypatch.setattr(progress, "MOST", 5)
    key, other = here.begin(), here.begin()
    here.keep(other, GUESS)
    for number in range(8):
        here.keep(key, Step("hint", "validation", str(number), at=float(number)))
    assert [one.name for one in here.steps(key)] == list("34567")
    assert here.steps(other) == [GUESS]


def test_what_a_step_tells_is_bounded(here):
    key = here.begin()
    here.keep(key, Step("exercise", "validation", "spot", {"passed": True, "code": "x" * 3 * LONGEST}))
    here.keep(key, Step("exercise", "validation", "spot", {"passed": False, "numbers": list(range(LONGEST))}))
    told, short = (one.content for one in here.steps(key))
    assert short == {"passed": False, "numbers": None}
    assert told == {"passed": True, "code": None}
    for bad in (
        Step("exercise", "validation", "spot", {str(number): number for number in range(LONGEST)}),
        Step("nonsense", "validation", "spot"),
        Step("run", "validation", "x" * 81),
        Step("run", "", "broken"),
    ):
        with pytest.raises(BadInput):
            here.keep(key, GUESS, bad)
    assert len(here.steps(key)) == 2, "all or none"


def test_an_account_takes_over_what_was_done_before_it_logged_in(here, elsewhere):
    account = account_key("https://issuer.example", "17")
    assert here.begin(account) == elsewhere.begin(account) == account
    assert count(here, learner) == 1
    key = here.begin()
    here.keep(account, Step("run", "validation", "broken", at=1.0))
    here.keep(key, GUESS)
    elsewhere.adopt(account, key)
    elsewhere.adopt(account, account)
    assert [one.kind for one in here.steps(account)] == ["run", "prediction"]
    assert here.course(account).at == "mask_and_loss"
    with pytest.raises(NoLearner):
        here.steps(key)


def test_a_step_that_is_written_twice_is_there_once(here, elsewhere):
    key, first, later = here.begin(), Step("hint", "validation", "spot"), Step("run", "nan_labels", "broken")
    here.keep(key, first)
    elsewhere.keep(key, first, later)
    here.keep(key, first)
    assert here.steps(key) == [first, later]
    assert here.course(key).at == "nan_labels", "who was slow is not led back"
    alike = Step("hint", "validation", "spot", at=first.at)
    here.keep(key, alike)
    assert len(here.steps(key)) == 3, "to do the same again is another step"


def test_who_begins_and_adopts_twice_has_done_it_once(here, elsewhere):
    key, other = here.begin(), here.begin()
    here.keep(other, GUESS)
    assert elsewhere.begin(key) == key and count(here, learner) == 2
    for _ in range(2):
        here.adopt(key, other)
        assert here.steps(key) == [GUESS] and count(here, learner) == 1
    with pytest.raises(NoLearner):
        here.adopt(other, key)


def test_two_tabs_at_once_lose_nothing(here, elsewhere):
    key, failures = here.begin(), []

    def write(where: Progress, kind: str) -> None:
        try:
            for number in range(20):
                where.keep(key, Step(kind, "validation", str(number)))
        except Exception as failure:
            failures.append(failure)

    threads = [threading.Thread(target=write, args=one) for one in ((here, "hint"), (elsewhere, "run"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not failures and len(here.steps(key)) == 40


def test_two_first_logins_of_one_account_are_one_learner(here, elsewhere):
    """Both have looked, and nobody was there, before either writes. Also where a year ago there was somebody."""
    for subject in range(12):
        account, failures = account_key("https://issuer.example", str(subject)), []
        if subject % 2:
            here.begin(account)
            age(here, YEAR + 60)
        both = threading.Barrier(2)

        def log_in(where: Progress, account=account, failures=failures, both=both) -> None:
            both.wait(10)
            try:
                where.begin(account)
                where.keep(account, Step("hint", "validation", "spot"))
            except Exception as failure:
                failures.append(failure)

        threads = [threading.Thread(target=log_in, args=(one,)) for one in (here, elsewhere)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert not failures and len(here.steps(account)) == 2


# --- the secret


def test_what_was_kept_before_there_was_a_secret_is_found(database_url):
    """The rows of the first form: keys were stored as their SHA-256, steps had no id. Links and accounts go on."""
    account, link, now = account_key("https://issuer.example", "17"), keys.key(), time.time()
    config, engine = database.migrations(), create_engine(database_url)
    with engine.begin() as db:
        config.attributes["connection"] = db
        command.upgrade(config, "0001")
        for number, key in enumerate((account, link), 1):
            old = {"id": number, "key": keys.sealed(key), "began": now, "seen": now, "at": "validation"}
            db.execute(text("INSERT INTO learner VALUES (:id, :key, :began, :seen, :at)"), old)
            for name in ("first", "second"):
                taken = {"id": 10 * number + len(name), "learner": number, "name": name, "at": now}
                db.execute(
                    text("INSERT INTO step VALUES (:id, :learner, 'validation', 'hint', :name, '{}', :at)"), taken
                )
    engine.dispose()
    progress = Progress(database.connect(database_url))
    for key in (account, link):
        assert [one.name for one in progress.steps(key)] == ["first", "second"]
        progress.keep(key, *progress.steps(key), Step("hint", "validation", "third"))
        assert [one.name for one in progress.steps(key)] == ["first", "second", "third"]
    with progress.engine.connect() as db:
        stored = {bytes(key) for key in db.execute(select(learner.c.key)).scalars()}
    assert stored == {progress.stored(account), progress.stored(link)}
    assert not stored & {keys.sealed(account), keys.sealed(link)}
    progress.engine.dispose()


def test_who_has_the_database_cannot_try_account_numbers(here, tmp_path, monkeypatch):
    """Without the secret one account is stored as something else."""
    account = account_key("https://issuer.example", "17")
    monkeypatch.setenv(environment.SECRET, "x" * environment.SHORTEST)
    elsewhere = Progress(database.connect(f"sqlite:///{tmp_path / 'elsewhere.sqlite'}"))
    assert elsewhere.stored(account) not in (here.stored(account), keys.sealed(account))
    elsewhere.engine.dispose()


def test_another_secret_is_one_sentence_and_changes_nothing(database_url, here, monkeypatch):
    key = here.begin()
    here.keep(key, GUESS)
    mine = os.environ[environment.SECRET]
    monkeypatch.setenv(environment.SECRET, "x" * environment.SHORTEST)
    with pytest.raises(BadInput, match=r"^UNMASKED_PROGRESS_SECRET: the progress .* was kept under another one"):
        database.connect(database_url)
    monkeypatch.setenv(environment.SECRET, mine)
    again = Progress(database.connect(database_url))
    assert again.steps(key) == [GUESS]
    again.engine.dispose()


@pytest.mark.parametrize("short", ["", "  ", "x" * 31])
def test_postgresql_takes_no_start_without_a_secret(tmp_path, monkeypatch, short):
    url = empty("postgresql", tmp_path)
    monkeypatch.setenv(environment.SECRET, short)
    with pytest.raises(BadInput, match=r"^UNMASKED_PROGRESS_SECRET: [^\n]+ makes one\.$"):
        database.connect(url)


def test_sqlite_makes_its_secret_once_and_for_its_user_alone(tmp_path, monkeypatch):
    monkeypatch.delenv(environment.SECRET)
    url, file = f"sqlite:///{tmp_path / 'class room.sqlite'}", tmp_path / "class room.sqlite.secret"
    engines = []
    threads = [threading.Thread(target=lambda: engines.append(database.connect(url))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    one, *others = map(Progress, engines)
    assert len(others) == 3 and {other.stored("key") for other in others} == {one.stored("key")}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and len(file.read_bytes()) >= environment.SHORTEST
    assert sorted(path.name for path in tmp_path.iterdir() if "secret" in path.name) == [file.name]
    key, kept = one.begin(), file.read_bytes()
    for lost in (file.unlink, lambda: file.write_bytes(b"")):
        lost()
        with pytest.raises(BadInput, match=r"sqlite\.secret: is missing or cut, .* put it back\.$"):
            database.connect(url)
    file.write_bytes(kept)
    again = Progress(database.connect(url))
    assert again.steps(key) == []
    for each in (again, one, *others):
        each.engine.dispose()


def test_a_step_is_kept_within_milliseconds(here):
    key = here.begin()
    here.keep(key, *(Step("hint", "validation", str(number)) for number in range(1000)))
    began = time.perf_counter()
    for _ in range(20):
        here.keep(key, GUESS)
    assert (time.perf_counter() - began) / 20 < 0.05
