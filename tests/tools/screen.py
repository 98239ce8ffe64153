"""What browser tests look at: the lesson page, its panel and its address, polled until they show what is waited for."""

import time
from contextlib import suppress

from tests.tools.patience import PATIENCE, patient
from tests.tools.site import Site

SLUG = "mask_and_loss"


PANEL = """() => {
  const root = document.querySelector('.lab');
  const panel = root?.panel;
  const trace = (name, index, what) => panel?.plots[name]?.data?.[index]?.[what] ?? null;
  return root && {
    state: root.dataset.state, token: panel?.token, epoch: root.dataset.epoch,
    words: root.querySelector('.lab-words').textContent,
    playing: Boolean(panel?.playing), curve: trace('curve', 0, 'y'), error: trace('curve', 3, 'y'),
    onReal: trace('gradient', 0, 'z'), onPadding: trace('gradient', 1, 'z'), picture: trace('picture', 1, 'z'),
    mask: panel?.plots.picture?.data?.find((t) => t.name?.startsWith('mask'))?.x ?? null,
  };
}"""


def await_(look, wanted: str, patience: float = PATIENCE):
    """What `look` returns once it is true. Polled from here: wait_for_function fails under our CSP."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.03)
    raise AssertionError(f"{wanted}: not within {patience} s")


def open_lesson(page, site: Site, slug: str = SLUG, **query: str) -> None:
    asked = "&".join(f"{name}={value}" for name, value in {"lesson": slug, "mode": "present", **query}.items())
    page.goto(f"{site.url}/?{asked}")
    await_(lambda: (panel(page) or {}).get("picture"), "the data picture")
    ready(page)


def ready(page) -> None:
    """Wait for TensorFlow: till then the panel asks several times a second, and a click can be lost in that."""
    await_(lambda: "warming up" not in panel(page)["words"], "TensorFlow", 3 * PATIENCE)


def panel(page) -> dict | None:
    return page.evaluate(PANEL)


def address(page) -> str:
    """Asked of the browser: `page.url` only moves while Playwright handles events."""
    return page.evaluate("location.href")


def run_button(page):
    """Of the lesson: a finding has one that applies its fix and runs."""
    return page.locator(".st-key-bar").get_by_role("button", name="Run")


def run(page) -> dict:
    """Press Run and wait for the charts of the whole run."""
    before = panel(page)["token"]
    run_button(page).click()

    def finished():
        now = panel(page)
        trained = now["state"] == "done" and not now["playing"] and "epochs in" in now["words"]
        return now if trained and now["token"] != before else None

    return await_(finished, "the charts of a whole run")


def choose(page, label: str, option: str) -> None:
    """Open a list and take one of it. A list closes when its page is drawn in this moment: it is opened again."""
    from playwright.sync_api import TimeoutError as Late

    def taken() -> bool:
        page.get_by_role("combobox", name=label).first.click()
        with suppress(Late):
            page.get_by_role("option", name=option).first.click(timeout=1000 * patient(3))
            return True
        return False

    await_(taken, f"{option} of {label}")
