"""The pictures in README and docs: `python -m tests.tools.screenshots`. Taken from the running app."""

from pathlib import Path
from tempfile import TemporaryDirectory

from lessons.classroom import database
from lessons.classroom.room import Rooms
from tests.tools.screen import await_, open_lesson, run
from tests.tools.site import ROOT, Site, browsing, serving

SCENES = {  # file -> lesson, preset, size, scheme
    "lesson.png": ("mask_and_loss", "broken", (1280, 720), "light"),
    "lesson-dark.png": ("mask_and_loss", "fixed", (1280, 720), "dark"),
    "lesson-phone.png": ("mask_and_loss", "broken", (390, 844), "light"),
}


def main(folder: Path = ROOT / "docs") -> None:
    folder.mkdir(exist_ok=True)
    with TemporaryDirectory() as data:
        url = f"sqlite:///{data}/rooms.sqlite"
        with serving(UNMASKED_DATABASE_URL=url) as site, browsing() as browser:
            pictures(folder, browser, site)
            room(folder, browser, site, Rooms(database.connect(url)))


def pictures(folder: Path, browser, site: Site) -> None:
    """Lessons, the front page and the clinic."""
    for file, (slug, preset, (width, height), scheme) in SCENES.items():
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
        open_lesson(page, site, slug, preset=preset)
        run(page)
        page.screenshot(path=folder / file)
        page.close()
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.goto(site.url)
    await_(lambda: page.get_by_role("heading", name="Unmasked").count(), "the front page")
    page.wait_for_timeout(500)
    page.screenshot(path=folder / "home.png")
    page.goto(f"{site.url}/?page=clinic&example=threshold")
    page.locator(".st-key-clinic-examine button").click()
    page.locator(".st-key-finding-minimum_not_at_truth .js-plotly-plot").first.wait_for(timeout=60_000)
    await_(lambda: not page.get_by_text("looking for a mended version").count(), "the end of the search")
    page.locator(".st-key-finding-minimum_not_at_truth").first.scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    page.screenshot(path=folder / "clinic.png")


def room(folder: Path, browser, site: Site, rooms: Rooms) -> None:
    """The reveal on the wall, after two votes of a class of which half was convinced by its neighbours."""
    code, key = rooms.open()
    rooms.ask(code, key, "mask_and_loss", "broken")
    class_ = [rooms.join(code) for _ in range(24)]
    for phase, share in (("vote", 10), ("revote", 18)):
        rooms.move(code, key, phase)
        for place, learner in enumerate(class_):
            rooms.vote(code, learner, 1, 2 if place < share else place % 2)
    rooms.move(code, key, "reveal")
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.goto(f"{site.url}/?room={code}&view=projector")
    page.get_by_text("came true").last.wait_for(timeout=60_000)
    await_(lambda: page.locator(".ballot-right").count(), "the answer that came true")
    await_(lambda: page.locator(".st-key-wall .js-plotly-plot").count() == 2, "the run beside the votes")
    page.wait_for_timeout(500)
    page.screenshot(path=folder / "room.png")


if __name__ == "__main__":
    main()
