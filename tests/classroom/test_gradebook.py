"""The gradebook and the report, of real rooms: what counts, how it is rounded, what Moodle and Canvas read."""

import csv
import io
import threading

import pytest

from lessons.classroom import database, learning
from lessons.classroom.gradebook import Form, gradebook
from lessons.classroom.refusal import NotAllowed
from lessons.classroom.room import Rooms
from lessons.classroom.steps import Step
from lessons.course.discovery import LESSONS
from lessons.recipe.bad_input import BadInput
from tests.tools.databases import KINDS, empty

BROKEN, FIXED = ("mask_and_loss", "broken"), ("mask_and_loss", "fixed")
TRUE = {(*BROKEN, 0): 2, (*FIXED, 0): 0, (*BROKEN, 1): 1}
EXERCISE = LESSONS["mask_and_loss"].exercises[0].name
OF = len(LESSONS["mask_and_loss"].exercises)


@pytest.fixture(scope="module", params=KINDS)
def rooms(request, tmp_path_factory):
    engine = database.connect(empty(request.param, tmp_path_factory.mktemp("gradebook")))
    yield Rooms(engine)
    engine.dispose()


def put(
    rooms: Rooms, code: str, key: str, question: tuple[str, str], ballots: list[dict[str, int]], variation=0
) -> int:
    """Ask it, and let each seat vote as `ballots` says."""
    rooms.ask(code, key, *question, variation)
    number = rooms.look(code).question
    for phase, votes in zip(("vote", "revote"), ballots, strict=False):
        rooms.move(code, key, phase)
        for seat, answer in votes.items():
            rooms.vote(code, seat, number, answer)
    rooms.move(code, key, "reveal")
    return number


@pytest.fixture
def taught(rooms):
    """A room after two questions: Ada was right in the end, Grace never, =1+1 only looked on."""
    code, key = rooms.open()
    rooms.require(code, key, "number")
    ada, grace = rooms.join(code, "Ada", identity="00123"), rooms.join(code, "Grace")
    rooms.join(code, "=1+1", identity="77")
    first = put(rooms, code, key, BROKEN, [{ada: 0, grace: 1}, {ada: 2, grace: 1}])
    put(rooms, code, key, FIXED, [{ada: 0}])
    rooms.finish(code, ada, first)
    rooms.note(code, ada, Step("exercise", "mask_and_loss", EXERCISE, {"passed": True, "text": "mine alone"}))
    return code, key, ada, grace


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_each_learner_is_a_row_with_what_they_did(rooms, taught):
    code, key, *_ = taught
    found = rows(gradebook(rooms.log(code, key), TRUE, Form()))
    assert [row["learner"] for row in found] == ["Ada", "Grace", "'=1+1"]
    assert [row["student number"] for row in found] == ["00123", "", "77"]
    kept = "voted of 2", "right first of 2", "right second of 1", "ran of 2", f"exercises passed of {OF}"
    assert [[row[name] for name in kept] for row in found] == [["2", "1", "1", "1", "1"], ["1", *"0000"], [*"00000"]]
    ada = found[0]
    assert [ada["1. mask_and_loss broken: " + name] for name in ("first", "second", "ran")] == ["0", "1", "1"]
    assert ada["2. mask_and_loss fixed: second"] == "", "no second vote is not a wrong one"
    assert ada["joined (UTC)"][:2] == "20" and ada["minutes"] == "0"


@pytest.mark.parametrize(("decimals", "voted"), [(0, "33"), (1, "33.3"), (2, "33.33")])
def test_percentages_are_rounded_as_the_teacher_says(rooms, decimals, voted):
    code, key = rooms.open()
    seat = rooms.join(code)
    put(rooms, code, key, BROKEN, [{seat: 2}])
    for _ in range(2):
        put(rooms, code, key, BROKEN, [{}])
    [row] = rows(gradebook(rooms.log(code, key), TRUE, Form(percent=True, decimals=decimals)))
    assert row["voted %"] == voted and float(row["right first %"]) == 100, "nobody held the other two ballots"


def test_half_is_rounded_up():
    assert [Form().score(1, of) for of in (8, 0)] == ["1", ""]
    assert [Form(percent=True).score(points, 200) for points in (1, 3, 5)] == ["1", "2", "3"]


def test_an_answer_that_nobody_knows_yet_counts_for_nobody(rooms, taught):
    code, key, *_ = taught
    [ada, *_] = rows(gradebook(rooms.log(code, key), {}, Form()))
    assert (ada["voted of 2"], ada["right first of 0"], ada["1. mask_and_loss broken: first"]) == ("2", "", "")


def test_moodle_is_told_who_it_is_by_its_own_names(rooms, taught):
    code, key, *_ = taught
    log = rooms.log(code, key)
    found = rows(gradebook(log, TRUE, Form("moodle", percent=True)))
    assert [row.pop("ID number") for row in found] == ["00123", "77"], "who gave none cannot be found there"
    assert found[0] == {
        f"Unmasked {code}: {name}": value
        for name, value in {
            "voted": "100", "right first": "50", "right second": "100", "ran": "50",
            "exercises passed": Form().number(100 / OF),
        }.items()
    }  # fmt: skip


def test_canvas_finds_columns_and_maxima_where_it_looks_for_them(rooms, taught):
    """As its importer reads: fixed columns up to Section, a row whose first cell has “Points Possible”."""
    code, key, *_ = taught
    head, possible, ada, last = csv.reader(io.StringIO(gradebook(rooms.log(code, key), TRUE, Form("canvas"))))
    assert head[:5] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"] and len(head) == 10
    assert "Points Possible" in possible[0] and possible[5:] == ["2", "2", "1", "2", str(OF)]
    assert ada == ["Ada (00123)", "", "00123", "", "", "2", "1", "1", "1", "1"] and last[2] == "77"
    rooms.require(code, key, "email")
    ada = list(csv.reader(io.StringIO(gradebook(rooms.log(code, key), TRUE, Form("canvas")))))[2]
    assert ada[2:4] == ["", "00123"], "a name to log in with stands in the column for it"


def test_a_nickname_is_no_row_of_maxima_and_no_other_learner(rooms):
    """Canvas takes any row for that of the maxima whose first cell has its words, and else looks for that name."""
    code, key = rooms.open()
    rooms.require(code, key, "number")
    put(rooms, code, key, BROKEN, [{rooms.join(code, "Points Possible", identity="7"): 2}])
    rooms.join(code, "Grace Hopper", identity="no such number")
    _, *others = csv.reader(io.StringIO(gradebook(rooms.log(code, key), TRUE, Form("canvas"))))
    assert ["Points Possible" in row[0] for row in others] == [True, False, False]
    assert [row[0] for row in others[1:]] == ["points possible (7)", "Grace Hopper (no such number)"]


@pytest.mark.parametrize("form", ["moodle", "canvas"])
def test_where_nothing_could_be_reached_there_is_no_column(rooms, form):
    """Moodle takes an empty cell of a new grade item for 0, and grades of a learner “0” for those of the one before."""
    code, key = rooms.open()
    rooms.require(code, key, "number")
    seat = rooms.join(code, "Ada", identity="7")
    rooms.join(code, "Nil", identity="0")
    with pytest.raises(BadInput, match="nothing that counts"):
        gradebook(rooms.log(code, key), TRUE, Form(form))
    put(rooms, code, key, BROKEN, [{seat: 2}])
    head, *others = csv.reader(io.StringIO(gradebook(rooms.log(code, key), TRUE, Form(form, percent=True))))
    scores = [name.partition(": ")[2] for name in head if name.startswith("Unmasked")]
    assert scores == ["voted", "right first", "ran", "exercises passed"], "there was no second vote"
    assert others[-1][-4:] == ["100", "100", "0", "0"] and sum("7" in row for row in others) == len(others) - (
        form == "canvas"
    )


@pytest.mark.parametrize("form", ["moodle", "canvas"])
def test_without_a_name_for_it_no_gradebook_of_another_system(rooms, form):
    code, key = rooms.open()
    with pytest.raises(BadInput, match="who is who"):
        gradebook(rooms.log(code, key), {}, Form(form))


def test_the_plan_has_its_own_questions_in_its_own_order(rooms, taught):
    code, key, ada, _ = taught
    rooms.plan(code, key, "mask_and_loss:answer,mask_and_loss:fixed,mask_and_loss:broken")
    put(rooms, code, key, ("nan_labels", LESSONS["nan_labels"].presets[0].name), [{ada: 0}])
    text = gradebook(rooms.log(code, key), TRUE, Form(plan=True))
    heads = [name for name in text.splitlines()[0].split(",") if name.endswith(": first")]
    assert heads == ["1. mask_and_loss fixed: first", "2. mask_and_loss broken: first"]
    assert rows(text)[0]["voted of 2"] == "2", "what was not asked is no vote that is missing"


def test_a_learner_on_two_devices_is_one_row(rooms, taught):
    code, key, ada, _ = taught
    phone = rooms.join(code, "", identity=" 00123 ")
    put(rooms, code, key, BROKEN, [{ada: 0, phone: 2}])
    found = rows(gradebook(rooms.log(code, key), TRUE, Form()))
    assert len(found) == 3 and found[0]["learner"] == "Ada"
    assert found[0]["voted of 3"] == "3" and found[0]["3. mask_and_loss broken: first"] == "1", "the last vote counts"


def test_what_is_not_asked_for_is_not_kept(rooms):
    code, key = rooms.open()
    seat = rooms.join(code, identity="123")
    with pytest.raises(NotAllowed, match="asks for nothing"):
        rooms.identify(code, seat, "123")
    assert rooms.log(code, key).members[0].identity == ""
    rooms.require(code, key, "username")
    rooms.identify(code, seat, "ada@example.org")
    assert rooms.identity(code, seat) == "ada@example.org"
    rooms.identify(code, seat, "")
    assert rooms.identity(code, seat) == ""


@pytest.mark.parametrize("given", ["=1+1", "-5", "@a", "x" * 81, "a\x00b"])
def test_a_name_for_the_gradebook_is_short_and_no_formula(rooms, given):
    code, key = rooms.open()
    rooms.require(code, key, "number")
    with pytest.raises(BadInput, match="^identity: "):
        rooms.join(code, identity=given)
    with pytest.raises(BadInput, match="^asks: "):
        rooms.require(code, key, "fingerprint")


def test_who_is_removed_is_in_no_gradebook_and_nothing_a_learner_wrote_is_noted(rooms, taught):
    code, key, ada, _ = taught
    assert [dict(step.content) for step in rooms.log(code, key).deeds.popitem()[1]] == [{"passed": True}]
    rooms.remove(code, key, rooms.members(code, key)[0][0])
    assert "00123" not in gradebook(rooms.log(code, key), TRUE, Form())
    with pytest.raises(NotAllowed):
        rooms.note(code, ada, Step("exercise", "mask_and_loss", EXERCISE, {"passed": True}))


def test_a_gradebook_is_of_one_moment_while_votes_come_in(rooms):
    """Whose vote is in it is in it, too; and nobody is refused while it is written."""
    code, key = rooms.open()
    seats = [rooms.join(code) for _ in range(3)]
    rooms.ask(code, key, *BROKEN)
    rooms.move(code, key, "vote")
    stop = threading.Event()
    refused = []

    def vote(seat: str) -> None:
        try:
            while not stop.is_set():
                for answer in range(3):
                    rooms.vote(code, seat, 1, answer)
                    stop.wait(0.01)  # SQLite has one writer at a time, and is fair to none
        except NotAllowed as problem:
            refused.append(problem)

    threads = [threading.Thread(target=vote, args=(seat,)) for seat in seats]
    for thread in threads:
        thread.start()
    sizes = []
    for late in range(5):
        rooms.join(code, f"late {late}")
        log = rooms.log(code, key)
        gradebook(log, TRUE, Form())
        numbers = {member.number for member in log.members}
        assert {vote.member for vote in log.votes} <= numbers
        sizes.append(len(numbers))
    stop.set()
    for thread in threads:
        thread.join()
    assert not refused and sizes == list(range(4, 9))
    assert sum(rooms.tally(code, key).votes[1].values()) == 3


# --- did they learn?


@pytest.fixture
def class_of_twelve(rooms):
    """Twelve learners: 3 right at first, 9 afterwards; of three who stayed wrong two kept to one answer."""
    code, key = rooms.open()
    seats = [rooms.join(code) for _ in range(12)]
    first = dict(zip(seats, [2] * 3 + [0] * 6 + [1] * 3, strict=True))
    second = dict(zip(seats, [2] * 9 + [1, 1, 0], strict=True))
    put(rooms, code, key, BROKEN, [first, second])
    put(rooms, code, key, BROKEN, [dict(zip(seats, [1] * 6 + [0] * 6, strict=True))], variation=1)
    return code, key, seats


def test_the_gain_is_of_those_who_voted_twice(rooms, class_of_twelve):
    code, key, _ = class_of_twelve
    found = learning.report(rooms.log(code, key), TRUE)
    change = found.questions[0].change
    assert (change.learners, change.found, change.lost) == (12, 6, 0)
    assert change.gain == pytest.approx((9 / 12 - 3 / 12) / (9 / 12))
    low, high = change.interval
    assert 0.2 < low < change.gain < high <= 1
    [(_, belief)] = found.stayed
    assert (belief.text, belief.last, belief.kept) == (
        LESSONS["mask_and_loss"].prediction.answers[1].text, 2, 2,
    )  # fmt: skip
    assert found.posttest.learners == 12 and found.posttest.after.share == 0.5
    assert found.posttest.before.share == 0.25


def test_who_voted_once_changes_no_gain(rooms, class_of_twelve):
    code, key, _ = class_of_twelve
    before = learning.report(rooms.log(code, key), TRUE).change
    late = rooms.join(code)
    rooms.ask(code, key, *BROKEN)
    rooms.move(code, key, "vote")
    rooms.vote(code, late, 3, 2)
    assert learning.report(rooms.log(code, key), TRUE).change == before


def test_few_learners_get_no_interval_and_a_full_score_no_gain():
    few = learning.Change(tuple((who, (False, True)) for who in range(learning.FEWEST - 1)))
    assert few.gain == 1 and few.interval is None
    full = learning.Change(tuple((who, (True, who > 0)) for who in range(20)))
    assert full.gain is None and full.interval is None and learning.gained(full) == "all were right before"
    assert learning.gained(learning.Change()) == "nobody voted twice"
    worse = learning.Change(tuple((who, (who < 10, who < 5)) for who in range(20)))
    assert worse.gain == -0.5 and worse.interval[0] < -0.5 < worse.interval[1] < 0


def test_how_sure_they_were_stands_beside_how_often_they_were_right(rooms):
    code, key = rooms.open()
    ada, grace = rooms.join(code), rooms.join(code)
    rooms.ask(code, key, *BROKEN)
    rooms.move(code, key, "vote")
    rooms.vote(code, ada, 1, 2, "certain")
    rooms.vote(code, grace, 1, 0, "certain")
    assert rooms.own_votes(code, ada, 1)[1].confidence == "certain"
    rooms.note(code, ada, Step("twin", *BROKEN, {"answer": 1, "outcome": 1, "confidence": "a guess"}))
    with pytest.raises(BadInput, match="^confidence: "):
        rooms.vote(code, ada, 1, 2, "utterly")
    found = learning.report(rooms.log(code, key), TRUE)
    assert str(found.calibration["certain"][0]) == "1 of 2" and str(found.calibration["a guess"][2]) == "1 of 1"
    assert str(found.twins) == "1 of 1"


def test_the_report_says_what_there_is_not(rooms):
    code, key = rooms.open()
    assert "Nothing has been asked yet" in learning.html(learning.report(rooms.log(code, key), {}), code)
    rooms.ask(code, key, *BROKEN)
    page = learning.html(learning.report(rooms.log(code, key), TRUE), code)
    for words in ("Nobody has voted.", "No vote on a variation yet", "Nobody has said how sure", "takes two votes"):
        assert words in page
    rooms.move(code, key, "vote")
    rooms.vote(code, rooms.join(code), 1, 0)
    page = learning.html(learning.report(rooms.log(code, key), {}), code)
    assert "Of 1 question the answer is not known yet" in page and "no answer to count them against" in page


def test_the_report_shows_what_was_counted(rooms, class_of_twelve):
    code, key, _ = class_of_twelve
    page = learning.html(learning.report(rooms.log(code, key), TRUE), code)
    assert "25% (3 of 12)" in page and "75% (9 of 12)" in page and "0.67 (" in page
    assert "50% (6 of 12)" in page and "2 voted twice for" in page and "Unmasked: did they learn?" in page
