"""The workshop room in a real browser, on two servers that share a PostgreSQL."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from lessons.classroom.own_question import CASE, OWN, OwnQuestion
from lessons.classroom.refusal import NoRoom
from lessons.course.case import Case
from lessons.course.model_examples import EXAMPLES
from pages.server.watch import EVERY
from tests.tools.line import line_to
from tests.tools.replicas import two_replicas, voting
from tests.tools.screen import PATIENCE, address, await_

FIRST = next(iter(EXAMPLES.values()))
CONFIDENTIAL = Case("confidential = 7", "def mine(y_true, y_pred):\n    return (y_true - y_pred) ** 2", "mine")


@pytest.fixture(scope="module")
def replicas(tmp_path_factory):
    with two_replicas("postgresql", tmp_path_factory.mktemp("rooms"), logs=True) as found:
        yield found


@pytest.fixture
def learner(browser):
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    yield context.new_page()
    context.close()


def text(page) -> str:
    return page.evaluate("document.body.innerText")


@pytest.mark.verify
def test_a_class_goes_through_the_cycle(page, learner, replicas):
    """The instructor's clicks on one server reach a phone on the other without a reload."""
    here, there, _ = replicas
    page.goto(f"{here.url}/?page=room")
    page.get_by_role("button", name="Open a room").click()
    code = await_(lambda: re.search(r"room=(\w+)&instructor=", address(page)), "the console")[1]
    learner.goto(f"{there.url}/?room={code}")
    learner.get_by_label("Nickname").fill("Ada")
    learner.get_by_role("button", name="Join").click()
    await_(lambda: "begins soon" in text(learner), "the seat")
    page.get_by_role("button", name="Ask this").click()
    page.get_by_role("button", name="Vote", exact=True).click()
    await_(lambda: "Vote now" in text(learner), "the vote")
    assert learner.evaluate("document.documentElement.scrollWidth") <= 390
    learner.locator(".st-key-room-body button").first.click()
    await_(lambda: "Your vote is in" in text(learner), "the acknowledgement")
    learner.reload()
    await_(lambda: "Your vote is in" in text(learner), "the seat after a reload")
    page.get_by_role("button", name="Run", exact=True).click()
    await_(lambda: "Run it" in text(learner), "the run's phase")
    learner.get_by_role("button", name="Run").click()
    await_(lambda: "epochs in" in text(learner), "the run", 3 * PATIENCE)
    await_(lambda: "1 have run it" in text(page), "that one has run it")
    learner.get_by_role("link", name="Open it in the laboratory").click()
    await_(lambda: learner.locator(".st-key-companion").count(), "the laboratory")
    page.get_by_role("button", name="Reveal").click()
    await_(lambda: "came true" in text(learner) and "yours" in text(learner), "follow me, to the reveal")
    assert learner.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_votes_are_taken_home_and_the_room_is_ended(page, replicas):
    here, _, rooms = replicas
    code, key = voting(rooms)
    rooms.vote(code, rooms.join(code, "Ada"), 1, 0)
    page.goto(f"{here.url}/?room={code}&instructor={key}")
    await_(lambda: "1 voted" in text(page), "the console")
    with page.expect_download() as taken:
        page.get_by_role("button", name="CSV").click()
    sheet = Path(taken.value.path()).read_text()
    assert taken.value.suggested_filename == f"room-{code}.csv" and "Ada" in sheet and "belief" in sheet
    assert rooms.look(code).phase == "vote", "the room is still open"
    page.get_by_role("button", name="End", exact=True).click()
    page.get_by_role("button", name="Delete it all").click()
    await_(lambda: "Open a room" in text(page), "the door")
    with pytest.raises(NoRoom):
        rooms.look(code)


@pytest.mark.verify
def test_gradebook_and_report_are_taken_home_while_the_vote_goes_on(page, replicas):
    """The file waits for the run that says which answer came true."""
    here, _, rooms = replicas
    code, key = voting(rooms)
    rooms.vote(code, rooms.join(code, "Ada"), 1, 2)
    page.goto(f"{here.url}/?room={code}&instructor={key}")
    await_(lambda: "1 voted" in text(page), "the console")
    page.get_by_role("button", name="Results").click()
    for name, file, words in (
        ("Download the gradebook", f"gradebook-{code}.csv", "Ada"),
        ("Open the report", f"report-{code}.html", "First vote against second"),
    ):
        with page.expect_download() as taken:
            page.get_by_role("button", name=name).click()
        assert taken.value.suggested_filename == file and words in Path(taken.value.path()).read_text()
    await_(lambda: "100% (1 of 1)" in text(page), "what the run has shown", 3 * PATIENCE)
    assert rooms.look(code).phase == "vote"
    page.get_by_role("button", name="Back to the room").click()
    await_(lambda: "1 voted" in text(page), "the console again")


@pytest.mark.verify
def test_at_a_free_pace_nobody_is_taken_along(page, replicas):
    here, _, rooms = replicas
    code, key = voting(rooms)
    rooms.follow(code, key, False)
    seat = rooms.join(code)
    page.goto(f"{here.url}/?room={code}&me={seat}")
    await_(lambda: "Vote now" in text(page), "the seat")
    page.get_by_role("link", name="Folklore").first.click()
    await_(lambda: page.locator(".st-key-companion").count(), "the folklore page")
    rooms.move(code, key, "discuss")
    await_(lambda: "discuss" in page.locator(".st-key-companion").inner_text(), "where the room is")
    assert "/folklore" in address(page)
    page.get_by_role("link", name="Back to the room").click()
    await_(lambda: "The vote is closed" in text(page), "the room")
    page.get_by_role("button", name="Leave").click()
    await_(lambda: "Open a room" in text(page), "the door")


def voting_on(page):
    """The answers, once the page has all that it loads: the code below them comes last."""
    answers = page.locator(".st-key-room-body button")
    await_(lambda: "No vote yet" in text(page) and "def " in text(page) and answers.count(), "the vote")
    return answers


FOR = [3, 20]  # seconds that the network is gone


@pytest.mark.verify
@pytest.mark.parametrize("seconds", FOR)
def test_a_vote_on_a_line_that_stands_still_arrives_once(learner, replicas, seconds):
    here, _, rooms = replicas
    code, key = voting(rooms)
    with line_to(here.url) as line:
        learner.goto(f"{line.url}/?room={code}&me={rooms.join(code)}")
        answers = voting_on(learner)
        line.hold()
        answers.first.click()
        time.sleep(seconds)
        assert rooms.tally(code, key).votes == {} and "Your vote is in" not in text(learner)
        line.let_go()
        await_(lambda: "Your vote is in" in text(learner), "the vote, or word that it is lost")
    [vote] = rooms.log(code, key).votes
    assert (vote.answer, vote.ballot) == (0, 1)


@pytest.mark.verify
@pytest.mark.parametrize("seconds", FOR)
def test_a_vote_that_is_lost_with_its_line_is_told_as_not_given(learner, replicas, seconds):
    """The touch is on its way when the line breaks. The page comes back by itself, and says how it stands."""
    here, _, rooms = replicas
    code, key = voting(rooms)
    with line_to(here.url) as line:
        learner.goto(f"{line.url}/?room={code}&me={rooms.join(code)}")
        answers = voting_on(learner)
        line.hold()
        answers.first.click()
        time.sleep(seconds)
        line.cut()
        await_(lambda: answers.first.is_disabled(), "answers that cannot be touched while the line is down")
        line.mend()
        await_(lambda: answers.first.is_enabled() and "No vote yet" in text(learner), "word that there is no vote")
        assert rooms.tally(code, key).votes == {}
        answers.nth(1).click()
        await_(lambda: "Your vote is in" in text(learner), "the vote given again")
    assert rooms.tally(code, key).votes == {1: {1: 1}}


@pytest.mark.verify
def test_a_phone_whose_clock_is_an_hour_off_votes_like_any_other(browser, replicas):
    """Nothing of its clock is sent or believed: neither when a vote came, nor how long one is open."""
    here, _, rooms = replicas
    code, key = voting(rooms)
    rooms.move(code, key, "vote", 3600)
    context = browser.new_context()
    off = "const now = Date.now.bind(Date); Date.now = () => now() + 3600e3;"
    context.add_init_script(off + "const D = Date; Date = class extends D { constructor(...a) "
                            "{ a.length ? super(...a) : super(D.now()) } };")  # fmt: skip
    phone = context.new_page()
    phone.goto(f"{here.url}/?room={code}&me={rooms.join(code)}")
    await_(lambda: "This vote closes by itself" in text(phone), "the vote, open for an hour")
    assert phone.evaluate("new Date().getTime()") / 1000 > time.time() + 3000, "its clock is off"
    bar = await_(lambda: phone.query_selector(".vote-clock span"), "the time that is left")
    left = bar.evaluate("bar => parseFloat(getComputedStyle(bar).animationDuration)")
    assert 3500 < left <= 3600
    phone.locator(".st-key-room-body button").first.click()
    await_(lambda: "Your vote is in" in text(phone), "the vote")
    context.close()
    [vote] = rooms.log(code, key).votes
    assert abs(vote.at - time.time()) < 600


# --- a case goes from its teacher to a class


def fold(page, name: str):
    return page.get_by_test_id("stExpander").get_by_text(name)


def typed(page, name: str) -> list[str]:
    return page.get_by_role("textbox", name=name).evaluate_all("boxes => boxes.map((box) => box.value)")


def models(page) -> list[str]:
    return typed(page, "Your model")


def losses(page) -> list[str]:
    return typed(page, "Your loss")


def test_a_case_is_published_read_taken_and_withdrawn(page, learner, replicas):
    """What was typed stays where the name is missing; nobody is moved by it, and opening it runs nothing."""
    here, there, rooms = replicas
    code, key = rooms.open()
    seat = rooms.join(code)
    learner.goto(f"{there.url}/?room={code}&me={seat}")
    await_(lambda: "begins soon" in text(learner), "the seat")
    page.goto(f"{here.url}/?page=your_case")
    await_(lambda: models(page) == [FIRST], "the page of a teacher who has opened no console")
    assert not page.get_by_role("button", name="Publish to the room").count()
    page.goto(f"{here.url}/?room={code}&instructor={key}")
    await_(lambda: "0 of 20" in text(page), "the console, with no case yet")
    page.get_by_role("link", name="Your case").first.click()
    page.get_by_role("button", name="Publish to the room").click()
    await_(lambda: "stored on this server until the room ends" in text(page), "what publishing means")
    page.get_by_role("button", name="Publish it").press("Enter")
    await_(lambda: "takes 1 to 60 letters" in text(page), "that it needs a name")
    page.get_by_label("Its name in the room").fill("*Whose* mask?")
    page.get_by_label("Its name in the room").press("Enter")
    page.get_by_role("button", name="Publish it").press("Enter")
    await_(lambda: "Published as “*Whose* mask?”" in text(page), "that it is there")
    await_(lambda: fold(learner, "*Whose* mask?").count() == 1, "the case on the learner, without a reload")
    assert rooms.case(code, "*Whose* mask?").model == FIRST
    learner.reload()
    await_(lambda: fold(learner, "*Whose* mask?").count() == 1, "the case after a reload")
    fold(learner, "*Whose* mask?").click()
    take = learner.get_by_role("button", name="Take it to “Your case”")
    await_(take.count, "its text")
    await_(lambda: "layers.Masking()" in text(learner), "all of it")
    assert learner.evaluate("document.documentElement.scrollWidth") <= 390
    take.click()
    await_(
        lambda: models(learner) == [FIRST] and "nothing of it has run" in text(learner), "the case where it can be run"
    )
    assert not learner.get_by_role("button", name="Train it").count()
    rooms.withdraw(code, key, "*Whose* mask?")
    assert learner.get_by_role("link", name="Back to the room").count(), "who works on it is not called away"
    learner.get_by_role("link", name="Back to the room").click()
    await_(lambda: "begins soon" in text(learner), "the room")
    assert not learner.get_by_test_id("stExpander").count()


@pytest.mark.verify
def test_a_press_leads_on_however_often_the_room_moves(learner, replicas):
    """Of 15 two were forgotten where the script, not a callback, did what was pressed, and two led to an empty page."""
    _, there, rooms = replicas
    code, key = rooms.open()
    rooms.publish(code, key, "Whose mask?", CONFIDENTIAL)
    seat, over = rooms.join(code), Event()
    # Its browser asks for news twenty times as often.
    learner.add_init_script(
        "const later = window.setTimeout;"
        f"window.setTimeout = (task, delay, ...given) => later(task, delay === {EVERY} ? 60 : delay, ...given)"
    )

    def move() -> None:
        while not over.wait(0.05):
            rooms.publish(code, key, "Another", CONFIDENTIAL)
            rooms.withdraw(code, key, "Another")

    with ThreadPoolExecutor(1) as pool:
        moving = pool.submit(move)
        try:
            for _ in range(15):
                learner.goto(f"{there.url}/?room={code}&me={seat}")
                fold(learner, "Whose mask?").click()
                learner.get_by_role("button", name="Take the loss to the clinic").press("Enter")
                await_(lambda: losses(learner) == [CONFIDENTIAL.loss], "the loss")
        finally:
            over.set()
        moving.result()


@pytest.mark.verify
def test_a_question_names_a_case_that_the_class_runs(page, learner, replicas):
    here, there, rooms = replicas
    code, key = rooms.open()
    rooms.publish(code, key, "Whose mask?", Case(FIRST))
    question = OwnQuestion("Which layer loses it?", ("the first", "the second"), 1, run=(CASE, "Whose mask?"))
    rooms.ask(code, key, OWN, question.name)
    rooms.move(code, key, "vote")
    seat = rooms.join(code)
    learner.goto(f"{there.url}/?room={code}&me={seat}")
    await_(lambda: "layers.Masking()" in text(learner), "the text while they vote")
    assert not learner.get_by_role("button", name="Take it").count()
    page.goto(f"{here.url}/?room={code}&view=projector")
    await_(lambda: "layers.Masking()" in text(page), "the text on the wall")
    page.goto(f"{here.url}/?room={code}&instructor={key}")
    page.get_by_role("button", name="Run", exact=True).click()
    learner.get_by_role("button", name="Take it").first.click()
    await_(lambda: models(learner) == [FIRST], "the case")
    assert rooms.counts(code).done == 0
    learner.get_by_role("button", name="Look at it").click()
    await_(lambda: rooms.counts(code).done == 1, "that it was run")
    await_(lambda: learner.get_by_role("button", name="Train it").count(), "what was found", 3 * PATIENCE)
    fold(page, "Whose mask?").click()
    page.get_by_role("button", name="Withdraw").click()
    await_(lambda: "0 of 20" in text(page), "that it is gone")
    page.get_by_role("button", name="Reveal").click()
    await_(lambda: "is not published in this room" in text(learner), "what has become of it")


@pytest.mark.verify
def test_a_file_is_published_and_a_loss_goes_to_the_clinic_and_no_log_has_it(page, learner, replicas):
    here, there, rooms = replicas
    code, key = rooms.open()
    page.goto(f"{here.url}/?room={code}&instructor={key}")
    page.get_by_role("button", name="Publish a case").click()
    page.get_by_label("Its name in the room").fill("Mine")
    page.get_by_role("button", name="Publish it").press("Enter")
    await_(lambda: "there is no file yet" in text(page), "that a file is missing")
    assert page.get_by_label("Its name in the room").input_value() == "Mine", "what was typed"
    uploader = page.get_by_test_id("stPopoverBody").locator("input[type=file]")
    data = CONFIDENTIAL.to_text().encode()
    uploader.set_input_files({"name": "case.json", "mimeType": "application/json", "buffer": data})
    await_(lambda: page.get_by_test_id("stFileChip").count(), "the file")
    page.get_by_role("button", name="Publish it").press("Enter")

    def published() -> bool:
        if "there is no file yet" in text(page):  # it shows a file before that has come
            page.get_by_role("button", name="Publish it").press("Enter")
        return rooms.cases(code) == ["Mine"]

    await_(published, "the case")
    learner.goto(f"{there.url}/?room={code}&me={rooms.join(code)}")
    fold(learner, "Mine").click()
    learner.get_by_role("button", name="Take the loss to the clinic").press("Enter")
    await_(lambda: losses(learner) == [CONFIDENTIAL.loss], "the loss")
    assert not re.search("Examined with", text(learner))
    rooms.end(code, key)
    for site in (here, there):
        log = site.log.read_text()
        assert "URL" in log and "confidential" not in log and "Mine" not in log
