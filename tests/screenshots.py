"""The pictures in README and docs: `python -m tests.screenshots`. Taken from the running app, so they cannot lie."""

from pathlib import Path

from tests.screen import await_, open_lesson, run
from tests.site import ROOT, browsing, serving

SCENES = {  # file -> lesson, preset, size, scheme
    "lesson.png": ("mask_and_loss", "broken", (1280, 720), "light"),
    "lesson-dark.png": ("mask_and_loss", "fixed", (1280, 720), "dark"),
    "lesson-phone.png": ("mask_and_loss", "broken", (390, 844), "light"),
}


def main(folder: Path = ROOT / "docs") -> None:
    folder.mkdir(exist_ok=True)
    with serving() as site, browsing() as browser:
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


if __name__ == "__main__":
    main()
