"""Ask again: after a prediction that did not come true, the same question about a variation of the preset.

It has a run of its own: the form's settings, charts and address stay as they are.
"""

import streamlit as st

from lessons.course.lesson import UNANSWERED
from lessons.course.variation import variation_words
from pages.lab.bench import Bench
from pages.lab.guesses import Guess, Twin
from pages.lab.prediction import question, verdict
from pages.parts.layout import button
from pages.parts.quotation import warn
from pages.parts.waiting import poll


def ask_again(bench: Bench) -> None:
    """The variation of the preset on the form, if its prediction was wrong."""
    preset = bench.form.preset
    guess = bench.guesses.get(preset.name)
    if guess is None or guess.outcome in (None, guess.answer):
        return
    twin = bench.twin()
    trains = bench.look_at_twin(twin)
    numbers = variation_words(preset.settings, twin.settings)
    with st.container(key="again", border=True):
        if trains:
            poll(lambda: not bench.look_at_twin(twin), "The variation is training.")
        elif twin.guess and twin.guess.unanswered:
            st.caption(f":material/help: The variation ({numbers}): {UNANSWERED}")
        elif twin.guess and twin.guess.outcome is not None:
            verdict(bench.lesson, twin.guess, f"Of the variation ({numbers}) you predicted")
        else:
            offer(bench, twin, numbers)


def offer(bench: Bench, twin: Twin, numbers: str) -> None:
    """The question, and the button that answers it."""
    words = f"**Once more, with other numbers:** {numbers}. {bench.lesson.prediction.question}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        answer, confidence = question(bench, f"again:{bench.form.preset.name}", words)
        button(st, "Run the variation", bench.key("run_twin"), "play_arrow", bench.run_twin, twin,
               Guess(answer, confidence), disabled=answer is None or confidence is None)  # fmt: skip
    if twin.problem:
        warn(twin.problem)
