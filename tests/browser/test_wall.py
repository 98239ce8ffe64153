"""The wall of a room at 1280×720: in each phase of each lesson everything fits, and no letter is below 18 pixels.

A projector cannot be scrolled, and the last row cannot come closer. What is long scrolls by itself.
"""

import pytest

from lessons.classroom import database
from lessons.classroom.own_question import LONGEST, MOST, OWN, OwnQuestion, typed
from lessons.classroom.phase import BALLOTS
from lessons.classroom.posed import posed
from lessons.classroom.room import Rooms
from lessons.course.discovery import LESSONS
from tests.tools.screen import PATIENCE, await_
from tests.tools.selection import first
from tests.tools.site import serving

SIZE = {"width": 1280, "height": 720}
SMALLEST = 18  # pixels of letters
ROUNDED = 0.5  # pixels that a browser may round away
PHASES = ("vote", "discuss", "run", "reveal")  # `revote` shows what `vote` does
WORDS = "padding where no step is, and real steps before "
LONGEST_OWN = OwnQuestion(
    (5 * WORDS)[: LONGEST["question"]].strip(), tuple(f"{n} {2 * WORDS}".strip() for n in range(MOST)), 1,
    (5 * WORDS)[: LONGEST["why"]].strip(),
)  # fmt: skip
[OWN_WITH_RUN] = typed("Which of these is a mean over real steps?\n- one\n* two\n> Since.", ("mask_and_loss", "broken"))
OWNS = [
    pytest.param(OWN, LONGEST_OWN.name, id="own", marks=pytest.mark.verify),
    pytest.param(OWN, OWN_WITH_RUN.name, id="own with a run", marks=pytest.mark.verify),
]

# Every text that is seen: its size, and how far it reaches below and to the right of the screen.
SEEN = """() => {
  const wall = document.querySelector('.st-key-wall'), found = [];
  const whole = (plot) => plot.data && Math.abs(plot._fullLayout.width - plot.clientWidth) <= 1;
  const walk = document.createTreeWalker(wall, NodeFilter.SHOW_TEXT);
  for (let node; node = walk.nextNode();) {
    const element = node.parentElement, style = getComputedStyle(element);
    if (!node.textContent.trim() || element.closest('style, script, .lab-save')) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    const scrolls = element.closest('.st-key-wall-code');
    const place = scrolls ? scrolls.getBoundingClientRect() : box;
    found.push({ text: node.textContent.trim().slice(0, 60), size: parseFloat(style.fontSize),
                 below: place.bottom - innerHeight, right: place.right - innerWidth });
  }
  const plots = [...wall.querySelectorAll('.lab-plot')].map((plot) => plot.getBoundingClientRect());
  return { found, plots: plots.map((box) => ({ height: box.height, below: box.bottom - innerHeight })),
           drawn: [...wall.querySelectorAll('.lab-plot')].filter(whole).length };
}"""
CHARTS = {"vote": 1, "discuss": 1, "run": 2, "reveal": 2}
PHASE_WORDS = {"vote": "Vote", "discuss": "Discuss", "run": ("Run it", "The votes are closed"), "reveal": "What "}


def measured(page, phase: str, charts: int) -> dict:
    """What the wall shows once it shows all of this phase."""

    def whole():
        if not page.locator(".st-key-wall").count():
            return None
        seen = page.evaluate(SEEN)
        there = any(one["text"].startswith(PHASE_WORDS[phase]) for one in seen["found"])
        ready = phase != "reveal" or page.locator(".ballot-right").count()
        return seen if seen["drawn"] == charts and there and ready else None

    return await_(whole, f"all charts of {phase}", 3 * PATIENCE)


def misfits(seen: dict) -> list[str]:
    """In words: what is too small, and what is cut."""
    small = [f"{one['size']} px: {one['text']}" for one in seen["found"] if one["size"] < SMALLEST - ROUNDED]
    cut = [f"{max(one['below'], one['right']):.0f} px outside: {one['text']}" for one in seen["found"]
           if max(one["below"], one["right"]) > ROUNDED]  # fmt: skip
    return small + cut + [f"a chart {one['below']:.0f} px outside" for one in seen["plots"] if one["below"] > ROUNDED]


@pytest.fixture(scope="module")
def wall(tmp_path_factory, browser):
    """A page on the wall of a room, and the room."""
    url = f"sqlite:///{tmp_path_factory.mktemp('wall')}/rooms.sqlite"
    with serving(ahead=False, UNMASKED_DATABASE_URL=url) as site:
        rooms = Rooms(database.connect(url))
        code, key = rooms.open()
        context = browser.new_context(viewport=SIZE)
        page = context.new_page()
        page.goto(f"{site.url}/?room={code}&view=projector")
        yield page, rooms, code, key
        context.close()
        rooms.engine.dispose()


def votes(rooms: Rooms, code: str, key: str, answers: int) -> None:
    """Two votes on the present question, on every answer."""
    number = rooms.look(code).question
    for phase in BALLOTS:
        rooms.move(code, key, phase)
        for answer in range(answers):
            rooms.vote(code, rooms.join(code), number, answer)


ITEMS = [(slug, lesson.presets[0].name) for slug, lesson in LESSONS.items()]
ITEMS = sorted(ITEMS, key=lambda item: item[0] != "small_epsilon")  # the longest loss


@pytest.mark.parametrize(("slug", "preset"), [*first(1, ITEMS), *OWNS])
def test_each_phase_fits_and_can_be_read_from_the_last_row(wall, slug, preset):
    page, rooms, code, key = wall
    rooms.ask(code, key, slug, preset)
    asked = posed(slug, preset)
    found = {}
    for phase in PHASES:
        if phase == "reveal":
            votes(rooms, code, key, len(asked.answers))
        rooms.move(code, key, phase)
        seen = measured(page, phase, CHARTS[phase] if asked.preset else 0)
        found[phase] = misfits(seen)
        if phase == "run" and asked.preset:
            assert all(plot["height"] > SIZE["height"] / 2 for plot in seen["plots"]), "charts use the height"
    assert found == {phase: [] for phase in PHASES}
