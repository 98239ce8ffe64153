"""Ask again: after a prediction that did not come true, the same question about the preset's twin with other numbers.

It has a run of its own: the form's settings, charts and address stay as they are.
"""

from __future__ import annotations

import streamlit as st

from lessons.course.lesson import UNANSWERED
from lessons.course.variation import variation, variation_words
from lessons.recipe.recipe import Recipe
from lessons.server.laboratory import shared
from pages.lab.form import Again, Form, Guess
from pages.lab.prediction import guess_of, question, record_of, verdict
from pages.learner import identity
from pages.parts.quotation import warn
from pages.server import presence

LOOK = 0.3  # seconds between two looks at a twin's run


def ask_again(form: Form) -> None:
    """The twin of the preset on the form, if its prediction was wrong."""
    guess = form.guesses.get(form.preset.name)
    if guess is None or guess.outcome in (None, guess.answer):
        return
    twin = twin_of(form)
    with st.container(key="again", border=True):
        if twin.training and not twin.training.done:
            st.caption(":material/hourglass_empty: The twin is training.")
            st.fragment(watch, run_every=LOOK)(form, twin)
            return
        if twin.training and twin.guess.outcome is None:
            judge(form, twin)
        if twin.guess and twin.guess.unanswered:
            st.caption(
                f":material/help: The twin ({variation_words(form.preset.settings, twin.settings)}): {UNANSWERED}"
            )
        elif twin.guess and twin.guess.outcome is not None:
            numbers = variation_words(form.preset.settings, twin.settings)
            verdict(form.lesson, twin.guess, f"Of the twin ({numbers}) you predicted")
        else:
            offer(form, twin)


def twin_of(form: Form) -> Again:
    name, slug = form.preset.name, form.lesson.slug
    if name not in form.again:
        kept = [step for step in identity.kept(slug) if step.kind == "twin" and step.name == name]
        guess = guess_of(form.lesson, kept[-1]) if kept else None
        twin = form.again[name] = Again(variation(form.preset.settings), guess)
        if guess is None:
            shared().prepare(Recipe(twin.settings))  # while the learner thinks
    return form.again[name]


def offer(form: Form, twin: Again) -> None:
    """The question, and the button that answers it."""
    name = f"again:{form.preset.name}"
    words = f"**Once more, with other numbers:** {variation_words(form.preset.settings, twin.settings)}."
    with st.container(horizontal=True, vertical_alignment="bottom"):
        answer, confidence = question(form, name, f"{words} {form.lesson.prediction.question}")
        st.button(
            "Run the twin",
            key=form.key("run_twin"),
            icon=":material/play_arrow:",
            disabled=answer is None or confidence is None,
            on_click=lambda: begin(twin, Guess(answer, confidence)),
        )
    if twin.problem:
        warn(twin.problem)


def begin(twin: Again, guess: Guess) -> None:
    twin.guess, twin.problem = guess, ""
    twin.training = shared().train(Recipe(twin.settings), id(twin))


def watch(form: Form, twin: Again) -> None:
    """Draws nothing: asks for a new page when the twin's run is there."""
    presence.watch(twin.training, id(twin))
    if twin.training.done:
        st.rerun()


def judge(form: Form, twin: Again) -> None:
    """Let the twin's run say which answer came true."""
    training, twin.training = twin.training, None
    run = None if training.failure else training.run()
    if run is None or run.epochs < twin.settings.epochs:
        twin.guess, twin.problem = None, "The twin was not trained to its end. Try it again."
        return
    twin.guess.outcome = form.lesson.prediction.outcome(run)
    if twin.guess.outcome is None:
        twin.guess.unanswered = True
        return
    numbers = {name: getattr(twin.settings, name) for name in twin.settings.to_query(form.preset.settings)}
    identity.keep("twin", form.lesson.slug, form.preset.name, record_of(form.lesson, twin.guess) | {"numbers": numbers})
