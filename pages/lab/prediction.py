"""Predict first: the question before Run, and afterwards what came true. People who predict first learn more."""

import streamlit as st

from lessons.classroom.steps import Step
from lessons.course.lesson import CONFIDENCE, UNANSWERED, Lesson
from lessons.runs.run import Run
from pages.lab.form import Form, Guess
from pages.learner import identity


def recall(form: Form) -> None:
    """Put back what this learner predicted before: on another day, or in another browser."""
    for step in identity.kept(form.lesson.slug):
        if step.kind == "prediction" and (guess := guess_of(form.lesson, step)):
            before = form.guesses.get(step.name)
            if before is None or (before.outcome is None and guess.outcome is not None):
                form.guesses[step.name] = guess


def guess_of(lesson: Lesson, step: Step) -> Guess | None:
    """As it was kept; None where the lesson has other answers by now."""
    answers = range(len(lesson.prediction.answers))
    answer, outcome = step.content.get("answer"), step.content.get("outcome")
    if answer not in answers or outcome not in (None, *answers):
        return None
    return Guess(answer, str(step.content.get("confidence")), outcome)


def ask(form: Form) -> None:
    """The question for this preset, unless it has been answered."""
    if form.preset.name in form.guesses:
        return
    name = form.preset.name
    with st.container(key="prediction", border=True, horizontal=True, vertical_alignment="bottom"):
        answer, confidence = question(form, name, f"**Predict first.** {form.lesson.prediction.question}")
        st.button(
            "That is my prediction",
            key=form.key("predict"),
            disabled=answer is None or confidence is None,
            on_click=lambda: predict(form, name, Guess(answer, confidence)),
        )


def question(form: Form, name: str, words: str) -> tuple[int | None, str | None]:
    """The answers on offer and how sure one is: what is chosen so far."""
    answers = form.lesson.prediction.answers
    answer = st.radio(
        words,
        range(len(answers)),
        format_func=lambda index: answers[index].text,
        index=None,
        key=form.key(f"answer:{name}"),
    )
    return answer, st.segmented_control("How sure are you?", CONFIDENCE, key=form.key(f"confidence:{name}"))


def predict(form: Form, name: str, guess: Guess) -> None:
    form.guesses[name] = guess
    identity.keep("prediction", form.lesson.slug, name, record_of(form.lesson, guess))


def record_of(lesson: Lesson, guess: Guess) -> dict:
    """What is kept of a prediction: its words too, for a lesson may have others some day."""
    answers = lesson.prediction.answers
    told = {"answer": guess.answer, "text": answers[guess.answer].text, "confidence": guess.confidence}
    came = {} if guess.outcome is None else {"came": answers[guess.outcome].text}
    return {**told, "outcome": guess.outcome, **came}


def judge(form: Form, run: Run) -> None:
    """Read off a finished run which answer came true, for a prediction that waits for it; and keep that it was run."""
    name, slug = form.preset.name, form.lesson.slug
    guess = form.guesses.get(name)
    if guess and guess.outcome is None:
        guess.outcome = form.lesson.prediction.outcome(run)
        guess.unanswered = guess.outcome is None
        if not guess.unanswered:
            identity.keep("prediction", slug, name, record_of(form.lesson, guess))
    if not form.presenting and not any(step.kind == "run" and step.name == name for step in identity.kept(slug)):
        identity.keep("run", slug, name, {"epochs": run.epochs, "changed": form.changed})


def tell(form: Form) -> None:
    """What the learner predicted for this preset, and what came true."""
    guess = form.guesses.get(form.preset.name)
    if guess is None:
        return
    if guess.outcome is None:
        said = form.lesson.prediction.answers[guess.answer]
        then = f"{UNANSWERED} It counts neither way." if guess.unanswered else "Press Run."
        st.caption(f":material/help: You predict, {guess.confidence}: **{said.text}**. {then}")
    else:
        verdict(form.lesson, guess)


def verdict(lesson: Lesson, guess: Guess, begins: str = "You predicted") -> None:
    """A prediction beside what came true."""
    said, true = (lesson.prediction.answers[index] for index in (guess.answer, guess.outcome))
    if said is true:
        st.markdown(f":green[:material/check: {begins}, {guess.confidence}, “{said.text}”. It came true.]")
    else:
        st.markdown(
            f":orange[:material/lightbulb: {begins}, {guess.confidence}, “{said.text}”. "
            f"What came true: **{true.text}**.] {said.belief}"
        )
