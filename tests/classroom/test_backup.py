"""The database as a file: what was there is there again after everything was deleted, on each kind and across them."""

import json
import re
import stat

import pytest
from sqlalchemy import create_engine, select, text

from lessons.__main__ import main
from lessons.classroom import backup, database, environment
from lessons.classroom.progress import Progress
from lessons.classroom.room import Rooms
from lessons.classroom.schema import metadata
from lessons.classroom.steps import Step
from lessons.course.case import Case
from lessons.recipe.bad_input import BadInput
from tests.tools.databases import KINDS, empty

LESSON = "mask_and_loss", "broken"
STEP = Step("prediction", *LESSON, {"answer": 0, "text": "“–é”\n"}, 1.5)


@pytest.fixture(scope="module", params=KINDS)
def filled(request, tmp_path_factory):
    """The address of a database with a room in the middle of a vote, and a learner; and their keys."""
    url = empty(request.param, tmp_path_factory.mktemp("backup"))
    engine = database.connect(url)
    rooms, progress = Rooms(engine), Progress(engine)
    code, key = rooms.open()
    rooms.require(code, key, "number")
    seat = rooms.join(code, "Ada", identity="00123")
    rooms.ask(code, key, *LESSON)
    rooms.move(code, key, "vote")
    rooms.vote(code, seat, 1, 2, "certain")
    rooms.publish(code, key, "Ada’s", Case("model = 1"))
    rooms.finish(code, seat, 1)
    rooms.note(code, seat, Step("exercise", "mask_and_loss", "x", {"passed": True}))
    link = progress.begin()
    progress.keep(link, STEP)
    engine.dispose()
    return url, code, key, seat, link


def rows(url: str) -> dict[str, list]:
    engine = create_engine(url)
    with engine.connect() as db:
        found = {table.name: [tuple(row) for row in db.execute(select(table).order_by(table.c.id))]
                 for table in metadata.sorted_tables}  # fmt: skip
    engine.dispose()
    return found


def delete_all(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as db:
        for table in reversed(metadata.sorted_tables):
            db.execute(table.delete())
    engine.dispose()


@pytest.fixture
def file(filled, tmp_path):
    found = tmp_path / "classroom.dump"
    backup.dump(filled[0], found)
    return found


def test_what_was_deleted_is_there_again_and_goes_on(filled, tmp_path, monkeypatch, capsys):
    """By the command line, as a server's owner does it. The room is in the middle of a vote: the vote goes on."""
    url, code, key, seat, link = filled
    monkeypatch.setenv(environment.URL, url)
    file, before = tmp_path / "classroom.dump", rows(url)
    assert main(["database", "dump", str(file)]) == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600, "it tells who voted what: nobody else may read it"
    delete_all(url)
    engine = create_engine(url)
    with engine.begin() as db:  # what a server would find there is gone, down to the tables
        db.execute(text("DROP TABLE deed"))
        db.execute(text("DROP TABLE alembic_version"))
        for table in reversed(metadata.sorted_tables):
            db.execute(text(f"DROP TABLE IF EXISTS {table.name}"))
    engine.dispose()
    assert main(["database", "load", str(file)]) == 0
    assert rows(url) == before and "1 of member" in capsys.readouterr().out
    engine = database.connect(url)
    rooms = Rooms(engine)
    rooms.vote(code, seat, 1, 0)
    other = rooms.join(code)  # rows that are new get numbers of their own
    rooms.vote(code, other, 1, 0)
    assert rooms.tally(code, key).votes == {1: {0: 2}} and Progress(engine).steps(link) == [STEP]
    rooms.remove(code, key, rooms.members(code, key)[1][0])
    engine.dispose()


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_one_kind_of_database_fills_the_other(filled, file, kind, tmp_path):
    there = empty(kind, tmp_path)
    backup.load(there, file)
    assert rows(there) == rows(filled[0])


def test_a_database_with_something_in_it_is_replaced_only_when_told(filled, file):
    url, before = filled[0], rows(filled[0])
    with pytest.raises(BadInput, match="--replace"):
        backup.load(url, file)
    engine = database.connect(url)
    Rooms(engine).open()
    engine.dispose()
    backup.load(url, file, replace=True)
    assert rows(url) == before


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda lines: lines[:-1], "cut"),
        (lambda lines: lines[:3] + lines[4:], "other rows"),
        (lambda lines: [*lines[:-1], lines[-1][:9]], "no JSON"),
        (lambda lines: lines[1:], "database dump"),
        (lambda lines: ["", *lines], "no JSON"),
        (lambda lines: [lines[0], json.dumps({"table": "alembic_version", "row": {}}), *lines[1:]], "no such table"),
        (lambda lines: [re.sub(r"\b0\d{3}\b", "9999", lines[0]), *lines[1:]], "later version"),
    ],
)
def test_a_file_that_was_cut_or_changed_changes_nothing(filled, file, harm, says):
    url, before = filled[0], rows(filled[0])
    file.write_text("\n".join(harm(file.read_text().splitlines())))
    with pytest.raises(BadInput, match=says):
        backup.load(url, file, replace=True)
    assert rows(url) == before


def test_another_secret_is_refused_for_nobodys_progress_would_be_found(file, tmp_path, monkeypatch):
    there = empty("sqlite", tmp_path)
    monkeypatch.setenv(environment.SECRET, "another one, of more than 32 characters")
    with pytest.raises(BadInput, match=environment.SECRET):
        backup.load(there, file)
    assert rows(there)["learner"] == []


def test_a_file_of_the_version_before_is_brought_up_to_date(tmp_path):
    """Its rows lack what this version has added."""
    old = tmp_path / "old.dump"
    learner = {"id": 7, "key": {"base64": "a2s="}, "began": 1.0, "seen": 4e9, "at": ""}
    room = {"id": 3, "code": "AAAAAAA", "watch": "w", "instructor": {"base64": "a2s="}, "opened": 1.0, "expires": 4e9,
            "slug": "nan_labels", "preset": "outside", "question": 1, "phase": "vote", "following": True,
            "plan": ""}  # fmt: skip
    lines = [{"format": backup.FORMAT, "revision": "0002"}, {"table": "learner", "row": learner},
             {"table": "room", "row": room}, {"rows": {"learner": 1, "room": 1}}]  # fmt: skip
    old.write_text("".join(json.dumps(line) + "\n" for line in lines))
    there = empty("sqlite", tmp_path)
    backup.load(there, old)
    found = rows(there)
    assert [row[0] for row in found["learner"]] == [7] and found["learner"][0][1] != b"kk", "the key is wrapped now"
    assert found["asked"][0][2:4] == (1, "nan_labels")


def test_what_cannot_be_done_is_said_in_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(environment.URL, empty("sqlite", tmp_path))
    for arguments, says in (
        (["load", str(tmp_path / "none.dump")], "No such file"),
        (["dump", str(tmp_path / "no" / "x.dump")], "No such file"),
        (["dump", "x", "--replace"], "for load only"),
        (["drop", "x"], "invalid choice"),
    ):
        assert main(["database", *arguments]) == 2
        told = capsys.readouterr().err
        assert says in told and told.count("\n") == 1
