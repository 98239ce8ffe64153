"""The workshop room over the messages: two real servers that share one real database."""

from __future__ import annotations

import asyncio
import re

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState

from lessons.course.discovery import LESSONS
from tests.tools.databases import KINDS
from tests.tools.load import Session
from tests.tools.replicas import LESSON, two_replicas, voting
from tests.tools.selection import first
from tests.tools.site import plain

ANSWERS = [answer.text for answer in LESSONS[LESSON[0]].prediction.answers]
BELIEFS = [answer.belief for answer in LESSONS[LESSON[0]].prediction.answers]


@pytest.fixture(scope="module", params=first(1, KINDS[::-1]))
def replicas(request, tmp_path_factory):
    with two_replicas(request.param, tmp_path_factory.mktemp("rooms")) as found:
        yield found


def words(session: Session) -> str:
    """All text on a page, as it is read: without the marks that keep Markdown from it."""
    kinds = ("markdown", "alert", "html", "button", "expandable", "popover")
    texts = []
    for kind in kinds:
        for shown in session.elements(kind):
            texts.append(getattr(shown.proto, "body", "") or getattr(shown.proto, "label", ""))
    return plain("\n".join(texts))


async def seated(site, code: str, name: str = "") -> Session:
    session = await Session.open(site.url, f"room={code}")
    if name:
        await session.set("room:name", name)
    await session.click("Join")
    return session


async def hears(session: Session) -> None:
    """What the page's script does when the small route has told it news."""
    await session.trigger("room:watch", "news", "")


@pytest.mark.verify
def test_two_servers_show_one_room(replicas):
    here, there, _ = replicas

    async def lesson() -> None:
        console = await Session.open(here.url, "page=room")
        await console.click("Open a room")
        query = dict(part.split("=") for part in console.client.query_string.lstrip("?").split("&"))
        learners = [await seated(site, query["room"]) for site in (here, there, there)]
        await console.set("console:lesson", LESSONS[LESSON[0]].title)
        await console.click("console:ask")
        await console.click("console:phase:vote")
        for learner, answer in zip(learners, (0, 0, 2), strict=True):
            await hears(learner)
            await learner.click(f"room:vote:1:1:{answer}")
            assert f"Your vote is in: “{ANSWERS[answer]}”" in words(learner)
        await console.click("console:phase:discuss")
        assert "**3** joined · **3** voted" in words(console)
        await console.click("console:phase:revote")
        for learner in learners:
            await hears(learner)
            await learner.click("room:vote:1:2:2")
        await console.click("console:phase:reveal")
        for learner in learners:
            await hears(learner)
            while "Running it" in words(learner):  # TensorFlow loads: the page asks again
                await asyncio.sleep(0.2)
                await hears(learner)
            shown = words(learner)
            first, second = (re.findall(rf'ballot-{ballot}">.*?ballot-count">(\d+)', shown) for ballot in (1, 2))
            assert (first, second) == (["2", "0", "1"], ["0", "0", "3"])
            assert shown.count("✓ came true") == 1 and not learner.errors
        assert not console.errors

    asyncio.run(lesson())


def test_a_room_follows_its_session_plan(replicas):
    here, _, rooms = replicas
    plan = "mask_and_loss:fixed,nan_labels:" + LESSONS["nan_labels"].presets[0].name

    async def follow() -> None:
        console = await Session.open(here.url, f"page=room&plan={plan}")
        await console.click("Open a room")
        code = re.search(r"room=(\w+)", console.client.query_string)[1]
        await console.click("console:next")
        assert (rooms.look(code).slug, rooms.look(code).preset) == ("mask_and_loss", "fixed")
        assert "**Plan** · 1 of 2" in words(console)
        await console.click("console:next")
        assert rooms.look(code).slug == "nan_labels" and "**Plan** · 2 of 2" in words(console)
        assert LESSONS["nan_labels"].aims[0] in words(console) and not console.errors

    asyncio.run(follow())


def test_a_teacher_asks_questions_of_their_own_one_after_the_other(replicas):
    """Typed on the spot: the first is asked, the next waits in the plan. Nobody else learns which answer is right."""
    here, there, rooms = replicas
    code, key = voting(rooms)
    text = "Is it *so*?\n- no\n* yes\n> Because.\nAnd this?\n* one\n- two"

    async def teach() -> None:
        console = await Session.open(here.url, f"room={code}&instructor={key}")
        await console.set("console:own:text", text.replace("*", "-"))
        await console.click("console:own:Ask it now")
        assert "is marked as the right one" in words(console) and rooms.look(code).question == 1
        await console.set("console:own:text", text)
        await console.click("console:own:Ask it now")
        assert "**Plan** · 1 of 2" in words(console), "what was not asked waits in the plan"
        await console.click("console:phase:vote")
        learner, wall = await seated(there, code), await Session.open(there.url, f"room={code}&view=projector")
        for page in (learner, wall):
            assert "Is it *so*?" in words(page) and "Because" not in words(page) and "✓" not in words(page)
        await learner.click("room:vote:2:1:1")
        assert "console:phase:run" not in [shown.key for shown in console.elements("button")], "nothing is run"
        await console.click("console:phase:reveal")
        await hears(learner)
        assert "✓ right" in words(learner) and "Because." in words(learner) and "Because." in words(console)
        await console.click("console:next")
        await console.click("console:phase:vote")
        await hears(learner)
        assert "And this?" in words(learner) and "**Plan** · 2 of 2" in words(console)
        assert not any(page.errors for page in (console, learner, wall))

    asyncio.run(teach())


def test_who_presses_join_twice_has_one_seat(replicas):
    here, _, rooms = replicas
    code, _ = voting(rooms)

    async def join() -> None:
        learner = await Session.open(here.url, f"room={code}")
        [button] = [shown for shown in learner.elements("button") if shown.label == "Join"]
        await learner.click("Join")
        await learner.rerun("", [WidgetState(id=button.id, trigger_value=True)])  # on a page that was slow to go
        assert rooms.counts(code).joined == 1 and not learner.errors

    asyncio.run(join())


@pytest.mark.parametrize("phase", ["vote", "discuss", "revote", "run"])
def test_before_the_reveal_only_the_instructor_sees_votes(replicas, phase):
    here, _, rooms = replicas
    code, key = voting(rooms)

    async def look() -> None:
        rooms.vote(code, rooms.join(code, "Grace"), 1, 1)
        rooms.move(code, key, phase)
        learner, wall = await seated(here, code), await Session.open(here.url, f"room={code}&view=projector")
        console = await Session.open(here.url, f"room={code}&instructor={key}")
        for page in (learner, wall):
            shown = words(page)
            assert ANSWERS[1] in shown or phase == "run"
            assert (
                'class="ballot-' not in shown and "Grace" not in shown and BELIEFS[1] not in shown and not page.errors
            )
        assert 'class="ballot-bar' in words(console) and "Grace" in words(console)
        assert wall.elements("button") == []

    asyncio.run(look())


def test_a_reload_after_the_close_changes_nothing(replicas):
    here, there, rooms = replicas
    code, key = voting(rooms)
    seat = rooms.join(code)

    async def reload() -> None:
        learner = await Session.open(here.url, f"room={code}&me={seat}")
        await learner.click("room:vote:1:1:2")
        rooms.move(code, key, "discuss")
        before = rooms.log(code, key)
        for site in (here, there):
            again = await Session.open(site.url, f"room={code}&me={seat}")
            assert "your vote" in words(again) and not again.errors
            assert not [shown for shown in again.elements("button") if shown.key.startswith("room:vote")]
        assert rooms.log(code, key) == before

    asyncio.run(reload())


def test_a_learner_on_two_devices_has_one_vote(replicas):
    """The address of a seat, opened on another device too: the last touch counts, and both show it."""
    here, there, rooms = replicas
    code, key = voting(rooms)
    seat = rooms.join(code)

    async def vote() -> None:
        devices = [await Session.open(site.url, f"room={code}&me={seat}") for site in (here, there)]
        for answer, device in enumerate(devices):
            await device.click(f"room:vote:1:1:{answer}")
        assert rooms.tally(code, key).votes == {1: {1: 1}} and rooms.counts(code).joined == 1
        rooms.move(code, key, "run")
        for device in devices:
            await hears(device)
            assert f"You voted: **{ANSWERS[1]}**" in words(device) and not device.errors

    asyncio.run(vote())


def test_two_consoles_of_one_teacher_do_not_undo_each_other(replicas):
    """At the desk and on a phone. What the one that has not looked yet clicks is refused in a sentence."""
    here, there, rooms = replicas
    code, key = voting(rooms)
    rooms.plan(code, key, "mask_and_loss:broken,mask_and_loss:fixed")

    async def teach() -> None:
        desk, phone = [await Session.open(site.url, f"room={code}&instructor={key}") for site in (here, there)]
        await desk.click("console:next")
        await desk.click("console:phase:vote")
        rooms.vote(code, rooms.join(code), 2, 0)
        await phone.click("console:phase:reveal")
        assert "Meanwhile another question was asked" in words(phone)
        assert (rooms.look(code).question, rooms.look(code).phase) == (2, "vote")
        await phone.click("console:phase:discuss")
        assert rooms.look(code).phase == "discuss" and not desk.errors and not phone.errors

    asyncio.run(teach())


def test_the_instructor_takes_home_what_came_of_it(replicas):
    """The results page, while the room goes on; and for nobody who lacks the key."""
    here, _, rooms = replicas
    code, key = voting(rooms)
    seat = rooms.join(code, "Ada")

    async def look() -> None:
        console = await Session.open(here.url, f"room={code}&instructor={key}")
        await console.click("console:results")
        shown = words(console)
        assert "Did they learn?" in shown and "Nobody has voted." in shown and "Gradebook" in shown
        assert rooms.look(code).phase == "vote" and not console.errors
        for query in (f"room={code}&me={seat}&view=results", f"room={code}&instructor={seat}&view=results"):
            other = await Session.open(here.url, query)
            assert "Did they learn" not in words(other) and "Gradebook" not in words(other)

    asyncio.run(look())


def test_how_sure_a_voter_is_and_what_the_gradebook_knows_them_by(replicas):
    here, _, rooms = replicas
    code, key = voting(rooms)
    rooms.require(code, key, "number")

    async def say() -> None:
        learner = await Session.open(here.url, f"room={code}")
        assert "into their gradebook" in words(learner), "it is said where one joins"
        await learner.set("room:identity", "00123")
        await learner.click("Join")
        await learner.click("room:vote:1:1:2")
        await learner.click("room:sure:1:1:2")
        [member], [vote] = rooms.log(code, key).members, rooms.log(code, key).votes
        assert (member.identity, vote.answer, vote.confidence) == ("00123", 2, "certain") and not learner.errors

    asyncio.run(say())


def test_a_vote_from_a_page_that_has_not_heard_of_the_close_is_refused(replicas):
    here, _, rooms = replicas
    code, key = voting(rooms)

    async def vote() -> None:
        learner = await seated(here, code)
        stale = learner._find("room:vote:1:1:0", {"button"})
        rooms.move(code, key, "discuss")
        await learner.click(stale.key)
        assert "You have not voted." in words(learner) and rooms.tally(code, key).votes == {}
        assert not learner.errors

    asyncio.run(vote())


def test_a_vote_from_a_page_that_has_not_heard_of_the_second_ballot_is_shown_in_it(replicas):
    here, _, rooms = replicas
    code, key = voting(rooms)

    async def vote() -> None:
        learner = await seated(here, code)
        await learner.click("room:vote:1:1:0")
        rooms.move(code, key, "discuss")
        rooms.move(code, key, "revote")
        await learner.click("room:vote:1:1:2")
        assert rooms.tally(code, key).votes == {1: {0: 1}, 2: {2: 1}}
        assert "Vote again" in words(learner) and learner._find("room:vote:1:2:2", {"button"}).proto.type == "primary"
        assert not learner.errors

    asyncio.run(vote())


def test_names_are_text(replicas):
    here, _, rooms = replicas
    code, key = voting(rooms)
    name = "<b>*A*</b> :red[x] $1$"

    async def look() -> None:
        await seated(here, code, name)
        console = await Session.open(here.url, f"room={code}&instructor={key}")
        (label,) = [shown.label for shown in console.elements("button") if shown.key.startswith("console:remove")]
        assert plain(label) == name
        assert not re.search(r"(?<!\\)[<*:\[$]", label), "every sign of Markdown is escaped"

    asyncio.run(look())


def test_who_is_removed_is_told_and_votes_no_more(replicas):
    here, _, rooms = replicas
    code, key = voting(rooms)

    async def remove() -> None:
        learner = await seated(here, code, "rude")
        console = await Session.open(here.url, f"room={code}&instructor={key}")
        (button,) = [shown for shown in console.elements("button") if shown.key.startswith("console:remove")]
        await console.click(button.key)
        assert "Who is here · 0" in words(console)
        await learner.click("room:vote:1:1:0")
        assert "You are not in this room" in words(learner) and rooms.tally(code, key).votes == {}

    asyncio.run(remove())


def test_a_room_that_is_ended_says_so_everywhere(replicas):
    here, there, rooms = replicas
    code, key = voting(rooms)

    async def end() -> None:
        learner, wall = await seated(there, code), await Session.open(here.url, f"room={code}&view=projector")
        console = await Session.open(here.url, f"room={code}&instructor={key}")
        await console.click("console:end")
        await hears(learner)
        await wall.rerun(wall.elements("markdown")[0].fragment_id)
        assert "This room has ended." in words(learner) and "This room has ended." in words(wall)
        assert not any(page.errors for page in (learner, wall, console))

    asyncio.run(end())


@pytest.mark.parametrize(
    "query, says",
    [
        ("room=ZZZZZZZ", "there is no open room of that code"),
        ("room=" + "x" * 3000, "there is no open room of that code"),
        ("room={code}&instructor=wrong", "This link is not the instructor’s of this room."),
        ("room={code}&me=wrong", "You are not in this room"),
        ("page=room&plan=nonsense", "steps: got “nonsense”; takes LESSON:PRESET"),
        ("room={code}&view=nonsense", ""),
    ],
)
def test_nonsense_in_the_address_gets_one_sentence(replicas, query, says):
    here, _, rooms = replicas
    code, _ = voting(rooms)

    async def look() -> None:
        page = await Session.open(here.url, query.format(code=code))
        assert says in words(page) and not page.errors

    asyncio.run(look())


def test_codes_are_not_guessed_on_and_on(replicas):
    here, _, rooms = replicas
    code, _ = voting(rooms)

    async def guess() -> None:
        page = await Session.open(here.url, "page=room")
        for _ in range(6):
            await page.set("room:code", "AAAAAAA")
            await page.click("Join")
        assert "wrong code: 5 a minute at most; go on in" in words(page)
        await page.set("room:code", code)
        await page.click("Join")
        assert "wrong code: 5 a minute" in words(page), "a right one waits too, or it would be told apart"

    asyncio.run(guess())


def test_one_session_votes_so_often_and_no_more(replicas):
    here, _, rooms = replicas
    code, key = voting(rooms)

    async def vote() -> None:
        learner = await seated(here, code)
        for at in range(21):
            await learner.click(f"room:vote:1:1:{at % 3}")
        assert "vote: 20 a minute at most" in words(learner)
        assert rooms.tally(code, key).votes == {1: {19 % 3: 1}}, "the last one that was taken stands"

    asyncio.run(vote())
