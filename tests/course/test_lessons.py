"""Every lesson of the catalog: whole, and without a control that does nothing."""

import re
from dataclasses import replace

import numpy as np
import pytest

from lessons.course.discovery import LESSONS, find
from lessons.engine.train import trained
from lessons.recipe import losses
from lessons.recipe.bad_input import BadInput
from lessons.recipe.recipe import Recipe
from lessons.recipe.settings import Settings
from lessons.recipe.spec import Choice
from tests.tools.selection import first

SHOWN = [(slug, name) for slug, lesson in LESSONS.items() for name in (*lesson.controls, *lesson.more)]
ONCE = list({name: (slug, name) for slug, name in SHOWN}.values())  # each field in one lesson
CONTROLS = first(2, [*ONCE, *(case for case in SHOWN if case not in ONCE)])

NOTES = "Run it", "What people believe", "Ask in the discussion", "Time"
TITLES = {lesson.title for lesson in LESSONS.values()}


def told(settings: Settings) -> dict[str, np.ndarray]:
    snapshot = trained(Recipe(settings)).snapshot
    return {name: getattr(snapshot, name) for name in ("loss", "val_loss", "gradient", "input_gradient", "error")}


def offered(slug: str, name: str, settings: Settings) -> list:
    spec = settings.spec_of(name)
    if name == "loss":
        values = LESSONS[slug].losses
    else:
        values = spec.options if isinstance(spec, Choice) else spec.offered or (spec.low, spec.high)
    return [value for value in values if value != getattr(settings, name)]


def moves(slug: str, name: str, settings: Settings) -> bool:
    """Whether some value of the control changes what the run tells."""
    before = told(settings)
    for value in offered(slug, name, settings):
        after = told(replace(settings, **{name: value}))
        for key, array in before.items():
            if array.shape != after[key].shape or not np.allclose(array, after[key], rtol=1e-4, equal_nan=True):
                return True
    return False


@pytest.mark.parametrize(("slug", "name"), CONTROLS)
def test_a_control_changes_the_run_or_says_why_not(slug, name):
    lesson = LESSONS[slug]
    opening, repair = lesson.presets[0].settings, lesson.preset(lesson.contrast.repair).settings
    if name in Recipe(opening).idle():
        return
    opening, repair = (replace(settings, epochs=min(settings.epochs, 8)) for settings in (opening, repair))
    # NaN from the first epoch on tells nothing of a control that acts later, such as the learning rate
    nan = not np.isfinite(told(opening)["loss"]).any()
    assert moves(slug, name, opening) or (nan and moves(slug, name, repair)), f"{name} changes nothing in {slug}"


@pytest.mark.parametrize("slug", LESSONS)
def test_a_lesson_is_whole(slug):
    lesson = find(slug)
    assert lesson.slug == slug and lesson.title.endswith("?") and lesson.text
    names = [preset.name for preset in lesson.presets]
    assert names and len(set(names)) == len(names)
    recipes = [preset.settings for preset in lesson.presets]
    assert len(set(recipes)) == len(recipes), "two presets are the same run"
    controls = (*lesson.controls, *lesson.more)
    assert {"mask", "loss", "epsilon"} <= set(lesson.controls)
    assert len(set(controls)) == len(controls) and set(controls) <= set(recipes[0].specs())
    assert all(losses.exists(name) for name in lesson.losses)
    assert {settings.loss for settings in recipes} <= set(lesson.losses)
    for preset in lesson.presets:
        assert preset.label and preset.says.endswith(".")
        assert lesson.preset(preset.name) is preset


@pytest.mark.parametrize("slug", LESSONS)
def test_what_a_preset_sets_can_be_seen_in_the_controls(slug):
    lesson = LESSONS[slug]
    shown = {*lesson.controls, *lesson.more}
    for preset in lesson.presets:
        assert set(preset.settings.to_query(lesson.presets[0].settings)) <= shown


@pytest.mark.parametrize("slug", LESSONS)
def test_a_teacher_finds_aims_and_notes(slug):
    lesson = LESSONS[slug]
    assert 2 <= len(lesson.aims) <= 3 and all(aim.endswith(".") for aim in lesson.aims)
    assert re.findall(r"\*\*(.+?):\*\*", lesson.notes) == list(NOTES)
    named = {preset.label for preset in lesson.presets} | {one.title for one in lesson.experiments} | TITLES
    assert set(re.findall("“(.+?)”", lesson.notes)) <= named
    for answer in lesson.prediction.answers:
        assert answer.text not in lesson.notes, "answers are read off a run"


def test_what_does_not_exist_is_refused_with_what_does():
    with pytest.raises(BadInput, match="nowhere.*mask_and_loss"):
        find("nowhere")
    with pytest.raises(BadInput, match="preset.*nothing.*mask_and_loss.*broken"):
        find("mask_and_loss").preset("nothing")


def test_slugs_and_places_in_the_course_are_unique():
    places = [(lesson.chapter, lesson.order) for lesson in LESSONS.values()]
    assert len(set(places)) == len(places)
    assert all(slug.isidentifier() and slug.islower() for slug in LESSONS)
