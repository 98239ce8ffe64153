"""A family from outside: two files beside the app's own, and everything works with it.

conv.py and conv_lesson.py are put into a copy of the checkout; nothing else is edited there.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from tests.tools.screen import PATIENCE, address, await_, choose, panel, run, run_button
from tests.tools.site import ROOT, serving

HERE = Path(__file__).parent
SLUG, PRESETS = "conv_lesson", ("broken", "fixed")

# What the command line says, and the oracle: the same model, compiled and fitted by plain Keras. One process for all.
TOLD = """
import contextlib, io, json, sys
import keras
from lessons.__main__ import main
from lessons.course.discovery import find
from lessons.recipe import losses
from lessons.recipe.data import training_batch, validation_batch
from lessons.recipe.recipe import Recipe

def said(*arguments):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert main(arguments) == 0
    return out.getvalue()


chosen = ("conv_lesson", "--preset", sys.argv[1])
run, script = json.loads(said("run", *chosen, "--json")), said("export", *chosen, "--to", "script")
recipe = Recipe(find("conv_lesson").preset(sys.argv[1]).settings)
train, held_out, s = training_batch(recipe), validation_batch(recipe), recipe.settings
model = s.build(train.x.shape[-1])
model.compile(keras.optimizers.Adam(s.learning_rate), losses.find(s.loss), jit_compile=False)
told = model.fit([train.x, train.mask], train.y, validation_data=([held_out.x, held_out.mask], held_out.y),
                 epochs=s.epochs, batch_size=s.sequences, shuffle=False, verbose=0).history
scores = model.predict([train.x, train.mask], verbose=0)
print(json.dumps({"run": run, "script": script, "plain": told | {"scores": scores.tolist()}}))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The app with the family in it."""
    folder = tmp_path_factory.mktemp("house")
    for name in ("lessons", "pages", "docs", ".streamlit"):  # docs has what pages show
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "app.py", folder)
    shutil.copy(HERE / "conv.py", folder / "lessons" / "families")
    shutil.copy(HERE / "conv_lesson.py", folder / "lessons" / "catalog")
    return folder


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True)


def said(folder: Path, *arguments: str) -> str:
    told = python(folder, "-m", "lessons", *arguments)
    assert told.returncode == 0, told.stderr
    return told.stdout


def curve(text: str) -> dict[str, list[float]]:
    """Of what a script has printed: a row for each epoch."""
    rows = [line.split() for line in text.splitlines() if re.match(r"\d+ ", line)]
    return {name: [float(row[place]) for row in rows] for place, name in ((1, "loss"), (2, "val_loss"))}


@pytest.mark.verify
@pytest.mark.parametrize("preset", PRESETS)
def test_it_trains_as_plain_keras_does_and_its_script_prints_the_same(copy, preset):
    process = python(copy, "-c", TOLD, preset)
    assert process.returncode == 0, process.stderr
    found = json.loads(process.stdout.splitlines()[-1])
    told, plain, script = found["run"], found["plain"], copy / f"{preset}.py"
    script.write_text(found["script"])
    alone = python(copy.parent, str(script))
    assert alone.returncode == 0, alone.stderr
    for other in (plain, curve(alone.stdout)):
        for name in ("loss", "val_loss"):
            np.testing.assert_allclose(told[name], other[name], rtol=1e-5)
    scores, real = np.array(told["scores"]), np.array(told["real"])
    np.testing.assert_allclose(scores, plain["scores"], rtol=1e-4, atol=1e-5)
    assert scores.shape == (32, 12, 3) and (scores.argmax(axis=-1) == told["predictions"]).all()
    assert np.shape(told["gradient"]) == (40, 32, 12) and told["error"][-1] < 0.2 < told["baseline"] < 0.7
    leaks = bool(np.array(told["gradient"])[:, ~real].any())
    assert leaks == (preset == "broken") == (told["leak"][0] > 0)
    assert [found["code"] for found in told["findings"]] == ["gradient_on_padding"] * leaks


@pytest.mark.verify
def test_the_command_line_lists_maps_and_exports_it(copy):
    (row,) = [row for row in json.loads(said(copy, "list", "--json")) if row["slug"] == SLUG]
    assert row["presets"] == [*PRESETS] and "width" in row["controls"]
    size = ("--x", "width", "--y", "learning_rate", "--size", "2x2")
    found = json.loads(said(copy, "map", SLUG, *size, "--json"))
    assert len(found["cells"]) == 4 and {cell["outcome"] for cell in found["cells"]} >= {"learned"}
    assert "nbformat" in json.loads(said(copy, "export", SLUG, "--to", "notebook"))


def test_fields_of_another_family_are_unknown(copy):
    for slug, field in ((SLUG, "cell=gru"), ("mask_and_loss", "width=3")):
        told = python(copy, "-m", "lessons", "run", slug, "--set", field)
        assert told.returncode == 2 and f"unknown field “{field.partition('=')[0]}”; the fields are" in told.stderr


def text(page) -> str:
    return page.evaluate("document.body.innerText")


@pytest.mark.verify
def test_a_learner_meets_it(copy, page, browser, tmp_path):
    """Opens, predicts, runs, is shown charts and findings, pins, draws a map, shares a link, is asked in a room."""
    database = f"sqlite:///{tmp_path}/rooms.sqlite"
    with serving(copy / "app.py", folder=copy, UNMASKED_DATABASE_URL=database, ahead=False) as site:
        page.goto(f"{site.url}/?lesson={SLUG}&cell=gru&map_x=width&map_y=learning_rate&map_size=2")
        await_(lambda: (panel(page) or {}).get("picture"), "the data picture")
        assert "unknown field “cell”" in text(page) and "Your data" not in text(page)
        page.get_by_test_id("stRadioGroup").get_by_text("On padding too", exact=True).click()
        page.get_by_role("button", name="certain").or_(page.get_by_role("radio", name="certain")).first.click()
        predict = page.get_by_role("button", name="That is my prediction")
        await_(predict.is_enabled, "the prediction's button")
        predict.click()
        await_(run_button(page).is_enabled, "Run after the prediction")
        first = run(page)
        assert len(first["curve"]) == 40 and any(value for row in first["onPadding"] for value in row)
        await_(lambda: "You predicted" in text(page), "what became of the prediction")
        await_(lambda: "Padding is learned" in text(page), "the finding")
        page.get_by_role("button", name="Pin", exact=True).click()
        await_(lambda: "Pinned:" in text(page), "the pin")
        choose(page, "Loss", "cross-entropy of the right class, one value per step")
        run(page)
        await_(lambda: "predictions are the same, the loss takes them differently" in text(page), "the comparison")
        page.get_by_role("button", name="Draw the map").click()
        await_(lambda: "4 trainings" in text(page), "the map's size")
        await_(lambda: page.evaluate(MAP), "the whole map", 3 * PATIENCE)
        asked = parse_qs(urlsplit(address(page)).query)
        assert asked["loss"] == ["conv_lesson.cross_entropy"] and asked["map_x"] == ["width"]
        other = browser.new_page()
        other.goto(address(page).replace(f"/{SLUG}?", f"/?lesson={SLUG}&"))
        await_(lambda: (panel(other) or {}).get("picture"), "the shared lesson")
        await_(lambda: "Pinned:" in text(other), "the shared pin")
        asked_in_a_room(page, other, site)
        other.close()
        page.goto("about:blank")  # it would complain of the server's end


def asked_in_a_room(page, learner, site) -> None:
    """The instructor asks the lesson's question, a learner sees the family's field and votes, a run answers both."""
    page.goto(f"{site.url}/?page=room")
    page.get_by_role("button", name="Open a room").click()
    code = await_(lambda: re.search(r"room=(\w+)&instructor=", address(page)), "the console")[1]
    choose(page, "Lesson", "Does a classifier know its padding?")
    page.get_by_role("button", name="Ask this").click()
    page.get_by_role("button", name="Vote", exact=True).click()
    learner.goto(f"{site.url}/?room={code}")
    learner.get_by_role("button", name="Join").click()
    await_(lambda: "Kernel width: 3" in text(learner), "what the vote is about")
    learner.locator(".st-key-room-body").get_by_role("button", name="On padding too").click()
    await_(lambda: "Your vote is in" in text(learner), "the acknowledgement")
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("button", name="Reveal").click()
    await_(lambda: re.search(r"On padding too\s+✓ came true", text(learner)), "the answer", 2 * PATIENCE)


MAP = f"""() => {{
  const heat = document.querySelector('.st-key-{SLUG}-map .js-plotly-plot')?.data?.find((one) => one.z);
  return Boolean(heat?.z.flat().every((value) => value !== null));
}}"""
