"""Rooms in real databases: who may do what when, and that it is there for every process that looks."""

import csv
import io
import os
import sqlite3
import threading
import time
from itertools import cycle

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, func, inspect, select, text

from lessons.classroom import database, environment, keys
from lessons.classroom.refusal import NoRoom, NotAllowed
from lessons.classroom.room import NICKNAME_LONGEST, Rooms
from lessons.classroom.room_state import OwnVote
from lessons.classroom.schema import member, metadata, room, vote
from lessons.recipe.bad_input import BadInput
from tests.tools.screen import await_

LESSON = "mask_and_loss", "broken"


@pytest.fixture
def rooms(database_url):
    engine = database.connect(database_url)
    yield Rooms(engine)
    engine.dispose()


@pytest.fixture
def elsewhere(database_url, rooms):
    """The same rooms, as another server process has them."""
    engine = database.connect(database_url)
    yield Rooms(engine)
    engine.dispose()


def voting(rooms: Rooms) -> tuple[str, str]:
    code, key = rooms.open()
    rooms.ask(code, key, *LESSON)
    rooms.move(code, key, "vote")
    return code, key


def count(rooms: Rooms, table) -> int:
    with rooms.engine.connect() as db:
        return db.scalar(select(func.count()).select_from(table))


def test_the_migrations_make_the_tables_of_the_schema(rooms):
    with rooms.engine.connect() as db:
        assert set(metadata.tables) <= set(inspect(db).get_table_names())
        assert compare_metadata(MigrationContext.configure(db), metadata) == []


def test_two_processes_see_one_room(rooms, elsewhere):
    code, key = voting(rooms)
    learner = elsewhere.join(code, "Ada")
    elsewhere.vote(code, learner, 1, 2)
    assert rooms.tally(code, key).votes == {1: {2: 1}}
    assert elsewhere.look(code) == rooms.look(code)


def test_many_who_start_at_once_bring_one_database_up_to_date(database_url):
    engines, faults = [], []

    def start():
        try:
            engines.append(database.connect(database_url))
        except Exception as fault:
            faults.append(fault)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for engine in engines:
        engine.dispose()
    assert faults == [] and len(engines) == 4


def test_many_who_open_a_new_file_of_sqlite_at_once_are_all_let_in(tmp_path):
    """Without a wait of our own a few of 1,600 were refused: SQLite's busy timeout does not cover this."""
    together, faults = threading.Barrier(8), []

    def openings():
        for number in range(200):
            together.wait()
            connection = sqlite3.connect(tmp_path / f"{number}.sqlite")
            try:
                database.open_sqlite(connection, None)
            except sqlite3.OperationalError as fault:
                faults.append(fault)
            connection.close()

    threads = [threading.Thread(target=openings) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


def test_who_joins_votes_and_finishes_twice_has_done_it_once(rooms, elsewhere):
    """A page that heard nothing of the first time does it again."""
    code, key = voting(rooms)
    seat = keys.key()
    for where in (rooms, elsewhere):
        assert where.join(code, "Ada", seat) == seat
        where.vote(code, seat, 1, 2)
        where.finish(code, seat, 1)
    tally = rooms.tally(code, key)
    assert (tally.joined, tally.votes, tally.done) == (1, {1: {2: 1}}, 1)


def test_the_last_vote_before_it_closes_counts(rooms):
    code, key = voting(rooms)
    learner = rooms.join(code)
    rooms.vote(code, learner, 1, 0)
    rooms.vote(code, learner, 1, 1)
    assert rooms.tally(code, key).votes == {1: {1: 1}} and rooms.own_votes(code, learner, 1) == {1: OwnVote(1)}


def test_the_second_vote_stands_beside_the_first(rooms):
    code, key = voting(rooms)
    learners = [rooms.join(code) for _ in range(3)]
    for answer, learner in enumerate(learners):
        rooms.vote(code, learner, 1, answer)
    rooms.move(code, key, "revote")
    for learner in learners:
        rooms.vote(code, learner, 1, 2)
    assert rooms.tally(code, key).votes == {1: {0: 1, 1: 1, 2: 1}, 2: {2: 3}}


@pytest.mark.parametrize("phase", ["waiting", "discuss", "run", "reveal"])
def test_a_vote_is_refused_where_none_is_open(rooms, phase):
    code, key = voting(rooms)
    learner = rooms.join(code)
    rooms.move(code, key, phase)
    with pytest.raises(NotAllowed, match="closed"):
        rooms.vote(code, learner, 1, 0)
    assert count(rooms, vote) == 0


def test_a_vote_for_the_question_before_is_refused(rooms):
    code, key = voting(rooms)
    learner = rooms.join(code)
    rooms.ask(code, key, *LESSON)
    rooms.move(code, key, "vote")
    with pytest.raises(NotAllowed):
        rooms.vote(code, learner, 1, 0)


def test_no_vote_comes_after_the_close(rooms, elsewhere):
    """Votes race the instructor: what is counted when the ballot has closed stays the count."""
    code, key = voting(rooms)
    learners = [rooms.join(code) for _ in range(8)]
    refused = []

    def cast(learner):
        try:
            for answer in cycle(range(3)):
                elsewhere.vote(code, learner, 1, answer)
                time.sleep(0.002)  # SQLite is not fair: eight who never pause can keep the ninth out on a busy machine
        except NotAllowed:
            refused.append(learner)

    threads = [threading.Thread(target=cast, args=(learner,)) for learner in learners]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    rooms.move(code, key, "discuss")
    closed = rooms.tally(code, key)
    for thread in threads:
        thread.join()
    assert rooms.tally(code, key) == closed and len(refused) == len(learners)


def test_nothing_is_shown_before_the_reveal(rooms):
    code, key = voting(rooms)
    seat, before = rooms.join(code), rooms.look(code)
    rooms.vote(code, seat, 1, 0)
    assert rooms.look(code) == before, "whoever looks cannot tell that somebody has voted"
    for phase in ("vote", "discuss", "revote", "run"):
        rooms.move(code, key, phase)
        assert rooms.revealed(code) is None
    rooms.move(code, key, "reveal")
    assert rooms.revealed(code).votes == {1: {0: 1}}


@pytest.mark.parametrize(("phase", "then"), [("vote", "discuss"), ("revote", "run")])
def test_a_vote_closes_by_itself(rooms, elsewhere, phase, then):
    """On every server, without anybody doing it; and a vote that comes later is refused."""
    code, key = voting(rooms)
    learner = rooms.join(code)
    rooms.move(code, key, phase, 0.5)
    rooms.vote(code, learner, 1, 0)
    before = rooms.look(code)
    assert before.phase == phase
    await_(lambda: elsewhere.look(code).phase == then, "the end of the vote")
    with pytest.raises(NotAllowed, match="closed"):
        elsewhere.vote(code, learner, 1, 1)
    assert rooms.news(before.watch) != before.state, "pages are told"
    assert rooms.own_votes(code, learner, 1) == {before.ballot: OwnVote(0)} and rooms.tally(code, key).voted == 1
    rooms.move(code, key, phase)
    assert rooms.look(code).closes == 0, "opened again by hand it stays open"


def test_a_second_console_that_has_not_looked_yet_moves_nothing(rooms, elsewhere):
    """Both show question 1. The first goes on to the next; what the second clicks was meant for question 1."""
    code, key = voting(rooms)
    rooms.vote(code, rooms.join(code), 1, 0)
    rooms.ask(code, key, *LESSON, after=1)
    rooms.move(code, key, "vote", question=2)
    before = rooms.look(code)
    with pytest.raises(NotAllowed, match="Meanwhile"):
        elsewhere.ask(code, key, *LESSON, after=1)
    with pytest.raises(NotAllowed, match="Meanwhile"):
        elsewhere.move(code, key, "reveal", question=1)
    assert rooms.look(code) == before and elsewhere.revealed(code) is None


def test_a_room_of_the_form_before_is_all_there_after_an_update(database_url):
    """SQLite makes a table anew for some changes, and dropping the old one would delete what hangs on it."""
    engine = create_engine(database_url)
    with engine.begin() as db:
        config = database.migrations()
        config.attributes |= {"connection": db, "secret": os.environ[environment.SECRET].encode()}
        command.upgrade(config, "0003")
    with engine.begin() as db:
        columns = "code, watch, instructor, opened, expires, slug, preset, question, phase, following, plan"
        values = "'AAAAAAA', 'w', :key, 1, 4000000000, 'nan_labels', 'outside', 2, 'vote', :yes, ''"
        given = {"key": keys.sealed("mine"), "yes": True}
        db.execute(text(f"INSERT INTO room ({columns}) VALUES ({values})"), given)
        db.execute(
            text("INSERT INTO member (room, key, nickname, joined, removed) SELECT id, :key, 'Ada', 1, :no FROM room"),
            {"key": b"k" * 32, "no": False},
        )
        db.execute(
            text(
                "INSERT INTO vote (room, member, question, ballot, slug, preset, answer, at) "
                "SELECT room, id, 1, 1, 'mask_and_loss', 'broken', 2, 5 FROM member"
            )
        )
    engine.dispose()
    engine = database.connect(database_url)
    log = Rooms(engine).log("AAAAAAA", "mine")
    engine.dispose()
    assert [(one.nickname, one.identity) for one in log.members] == [("Ada", "")]
    assert [(vote.answer, vote.confidence) for vote in log.votes] == [(2, "")]
    assert [(one.question, one.slug) for one in log.asked] == [(1, "mask_and_loss"), (2, "nan_labels")]


ACTIONS = {
    "ask": lambda rooms, code, key: rooms.ask(code, key, *LESSON),
    "move": lambda rooms, code, key: rooms.move(code, key, "reveal"),
    "require": lambda rooms, code, key: rooms.require(code, key, "number"),
    "log": lambda rooms, code, key: rooms.log(code, key),
    "follow": lambda rooms, code, key: rooms.follow(code, key, False),
    "plan": lambda rooms, code, key: rooms.plan(code, key, "mask_and_loss:broken"),
    "remove": lambda rooms, code, key: rooms.remove(code, key, 1),
    "end": lambda rooms, code, key: rooms.end(code, key),
    "members": lambda rooms, code, key: rooms.members(code, key),
    "tally": lambda rooms, code, key: rooms.tally(code, key),
    "export": lambda rooms, code, key: rooms.export(code, key),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_only_the_instructors_key_opens_the_console(rooms, action):
    code, key = voting(rooms)
    learner = rooms.join(code)
    _, other = rooms.open()
    before = rooms.look(code)
    for wrong in (learner, other, "", key[:-1], key.swapcase()):
        with pytest.raises(NotAllowed):
            ACTIONS[action](rooms, code, wrong)
    assert rooms.look(code) == before
    ACTIONS[action](rooms, code, key)


def test_keys_are_stored_as_hashes_only(rooms):
    code, key = voting(rooms)
    learner = rooms.join(code)
    with rooms.engine.connect() as db:
        stored = db.execute(select(room.c.instructor, member.c.key).join(member)).one()
    assert tuple(stored) == (keys.sealed(key), keys.sealed(learner))


def test_a_learner_votes_for_nobody_else(rooms):
    code, key = voting(rooms)
    rooms.join(code)
    for wrong in ("", "1", key):
        with pytest.raises(NotAllowed):
            rooms.vote(code, wrong, 1, 0)
        with pytest.raises(NotAllowed):
            rooms.own_votes(code, wrong, 1)


def test_a_member_of_another_room_is_none_of_this(rooms):
    code, _ = voting(rooms)
    other, _ = voting(rooms)
    stranger = rooms.join(other)
    with pytest.raises(NotAllowed):
        rooms.vote(code, stranger, 1, 0)


def test_who_is_removed_is_out_and_their_votes_are_gone(rooms):
    code, key = voting(rooms)
    learner = rooms.join(code, "<b>rude</b>")
    rooms.vote(code, learner, 1, 0)
    ((number, name),) = rooms.members(code, key)
    assert name == "<b>rude</b>"
    rooms.remove(code, key, number)
    assert rooms.members(code, key) == [] and rooms.tally(code, key).votes == {} and rooms.tally(code, key).joined == 0
    with pytest.raises(NotAllowed):
        rooms.vote(code, learner, 1, 0)
    assert "rude" not in rooms.export(code, key)


def test_the_sheet_has_every_vote_with_the_belief_behind_it(rooms):
    code, key = voting(rooms)
    learner = rooms.join(code, "=1+1")
    rooms.vote(code, learner, 1, 0)
    rooms.move(code, key, "revote")
    rooms.vote(code, learner, 1, 1)
    rows = list(csv.DictReader(io.StringIO(rooms.export(code, key))))
    assert [(row["ballot"], row["answer"], row["slug"], row["preset"]) for row in rows] == [
        ("1", "0", *LESSON),
        ("2", "1", *LESSON),
    ]
    assert {row["nickname"] for row in rows} == {"'=1+1"}  # no spreadsheet takes it for a formula
    assert all(row["text"] and row["belief"] for row in rows)


def test_who_has_run_it_is_counted_once(rooms):
    code, key = voting(rooms)
    learner = rooms.join(code)
    rooms.finish(code, learner, 1)
    rooms.finish(code, learner, 1)
    assert rooms.tally(code, key).done == 1


def test_a_room_that_is_ended_leaves_nothing(rooms):
    code, key = voting(rooms)
    rooms.vote(code, rooms.join(code), 1, 0)
    rooms.end(code, key)
    assert [count(rooms, table) for table in (room, member, vote)] == [0, 0, 0]
    with pytest.raises(NoRoom):
        rooms.look(code)


def test_a_room_expires_and_goes_when_the_next_is_opened(rooms):
    code, _ = rooms.open(lifetime=0.2)
    rooms.join(code)
    time.sleep(0.3)
    with pytest.raises(NoRoom):
        rooms.look(code)
    rooms.open()
    assert (count(rooms, room), count(rooms, member)) == (1, 0)


@pytest.mark.parametrize("cut", [0, 3, 4])
def test_a_code_is_read_as_people_type_it(rooms, cut):
    code, _ = rooms.open()
    assert rooms.look(f" {code[:cut]}-{code[cut:]} ".lower()).code == code


@pytest.mark.parametrize("typed", ["", "AAAAAAA", "' OR 1=1 --", "x" * 5000, "\x00", "АВСЕНКМ"])
def test_a_code_that_is_none_gets_one_sentence(rooms, typed):
    with pytest.raises(NoRoom, match=r"^room: got .{0,22}; there is no open room of that code\.$"):
        rooms.look(typed)


@pytest.mark.parametrize("nickname", ["x" * (NICKNAME_LONGEST + 1), "a\x00b", "a\u202eb"])
def test_a_nickname_is_short_and_printable(rooms, nickname):
    code, _ = rooms.open()
    with pytest.raises(BadInput, match="^nickname: "):
        rooms.join(code, nickname)


def test_codes_are_many_and_easy_to_read():
    codes = {keys.code() for _ in range(1000)}
    assert len(codes) == 1000 and not set("".join(codes)) & set("01OIL")
    assert len(keys.ALPHABET) ** keys.CODE_LENGTH > 1e10
