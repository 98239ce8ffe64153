"""The twin of every preset: other numbers, and still a question with one answer."""

from dataclasses import replace

import pytest

from lessons.course.discovery import LESSONS
from lessons.course.variation import VARIED, variation, variation_words
from lessons.families.recurrent import Recurrent
from tests.tools.runs import run_of
from tests.tools.selection import first

PRESETS = [(slug, preset.name) for slug, lesson in LESSONS.items() for preset in lesson.presets]
OPENING = [(slug, lesson.presets[0].name) for slug, lesson in LESSONS.items()]
# What comes true here is the seed's: with another seed alone it is another answer too.
LUCK = {("not_learning", "luck"), ("validation", "multiplied"), ("validation", "held"), ("small_epsilon", "dead")}


@pytest.mark.parametrize(("slug", "name"), first(1, [*OPENING, *(case for case in PRESETS if case not in OPENING)]))
def test_an_answer_comes_true_and_it_is_the_same_idea(slug, name):
    lesson = LESSONS[slug]
    settings = lesson.preset(name).settings
    outcomes = [lesson.prediction.outcome(run_of(each)) for each in (settings, variation(settings))]
    assert None not in outcomes
    assert outcomes[0] == outcomes[1] or (slug, name) in LUCK


@pytest.mark.parametrize(("slug", "name"), PRESETS)
def test_a_twin_differs_in_numbers_only(slug, name):
    settings = LESSONS[slug].preset(name).settings
    twins = [variation(settings, number) for number in (1, 2)]
    assert len({settings, *twins}) == 3
    for twin in twins:
        changed = set(twin.to_query(settings))
        assert "seed" in changed and len(changed) > 1 and changed <= {"seed", *VARIED}
        assert variation_words(settings, twin)


def test_what_is_outside_the_usual_stays():
    odd = Recurrent(timesteps=48, padding_share=0.0, seed=9995)
    twin = variation(odd)
    assert twin == replace(odd, seed=6)
