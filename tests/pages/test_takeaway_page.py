"""Downloads as a person clicks them: a real server, real workers, real Chromium; the files are read."""

import ast
import csv
import io
import struct

import nbformat
import numpy as np
import pytest

from lessons.course.discovery import LESSONS
from lessons.export.bundle import Bundle
from lessons.export.script import script
from lessons.recipe.recipe import Recipe
from tests.tools.screen import PATIENCE, SLUG, await_, open_lesson, panel, run

FIRST = LESSONS[SLUG].presets[0]
WITHIN = 1000 * PATIENCE  # milliseconds


def download(page, button) -> tuple[str, bytes]:
    """Name and content of the file that a click brings."""
    with page.expect_download(timeout=WITHIN) as caught:
        button.click()
    with open(caught.value.path(), "rb") as file:
        return caught.value.suggested_filename, file.read()


def open_menu(page) -> None:
    page.get_by_role("button", name="Take it home").click()
    await_(lambda: page.get_by_role("button", name="Script .py").count(), "what can be taken")


def take(page, label: str) -> tuple[str, str]:
    name, data = download(page, page.get_by_role("button", name=label))
    return name, data.decode()


def test_script_and_notebook_come_before_a_run_and_follow_the_controls(page, site):
    open_lesson(page, site, epochs="7", seed="3")
    open_menu(page)
    settings = FIRST.settings.with_changes({"epochs": 7, "seed": 3})
    name, text = take(page, "Script .py")
    assert name == f"{SLUG}-{FIRST.name}.py" and text == script(Bundle(SLUG, FIRST.name, Recipe(settings)))
    ast.parse(text)
    name, text = take(page, "Notebook .ipynb")
    assert name == f"{SLUG}-{FIRST.name}.ipynb"
    nbformat.validate(nbformat.reads(text, as_version=4))
    assert page.get_by_text("Press Run: its curve").count()
    assert page.get_by_role("button", name="Curve .csv").count() == 0


def test_after_a_run_its_numbers_and_figures_can_be_taken(page, site):
    open_lesson(page, site, epochs="5")
    shown = run(page)
    open_menu(page)
    name, text = take(page, "Curve .csv")
    assert name == f"{SLUG}-{FIRST.name}-curve.csv"
    rows = list(csv.DictReader(io.StringIO(text)))
    np.testing.assert_allclose([float(row["loss"]) for row in rows], shown["curve"], rtol=1e-4)
    name, text = take(page, "Gradients .csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 5 * FIRST.settings.sequences * FIRST.settings.timesteps
    last = [row for row in rows if row["epoch"] == "5"]
    padding = np.log10([float(row["gradient"]) for row in last if row["real"] == "0"])
    drawn = [value for row in shown["onPadding"] for value in row if value is not None]
    np.testing.assert_allclose(np.sort(padding), np.sort(drawn), atol=2e-3)
    name, text = take(page, "Figures .html")
    assert name == f"{SLUG}-{FIRST.name}-figures.html" and text.count("Plotly.newPlot(") == 5


def save(page, chart: str, kind: str) -> tuple[str, bytes]:
    menu = page.locator(f"[data-panel={chart}] .lab-save")
    menu.locator("summary").click()
    return download(page, menu.get_by_role("button", name=kind))


@pytest.mark.verify
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_a_chart_is_saved_at_print_size_on_a_solid_ground(browser, site, scheme):
    context = browser.new_context(viewport={"width": 1280, "height": 720}, color_scheme=scheme)
    page = context.new_page()
    open_lesson(page, site, epochs="5")
    run(page)
    for chart in ("curve", "picture", "gradient", "prediction"):
        name, data = save(page, chart, "PNG")
        assert name == f"{SLUG}-{FIRST.name}-{chart}.png" and data.startswith(b"\x89PNG\r\n")
        assert struct.unpack(">II", data[16:24]) == (2000, 1240) and len(data) > 20_000
    corner = page.evaluate(
        """async (bytes) => {
          const image = await createImageBitmap(new Blob([new Uint8Array(bytes)]));
          const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
          canvas.drawImage(image, 0, 0);
          return [...canvas.getImageData(2, 2, 1, 1).data];
        }""",
        list(data),
    )
    assert corner[3] == 255 and (sum(corner[:3]) > 600) == (scheme == "light")
    name, data = save(page, "curve", "SVG")
    text = data.decode()
    assert name.endswith("-curve.svg") and text.startswith("<svg") and "real steps only" in text and ">Loss<" in text
    context.close()


@pytest.mark.verify
def test_the_script_can_be_read_on_the_page(page, site):
    open_lesson(page, site)
    assert page.get_by_text("import tensorflow as tf").count() == 0  # made when it is opened
    page.get_by_text("The whole run as a script").click()
    await_(lambda: page.locator("code", has_text="model.compile(").count(), "the script")
    assert (panel(page) or {})["picture"]
