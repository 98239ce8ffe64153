"""Predict first: the question before Run, and afterwards what came true. People who predict first learn more."""

import streamlit as st

from lessons.classroom.steps import Step
from lessons.course.lesson import CONFIDENCE, UNANSWERED, Lesson
from lessons.runs.run import Run
from pages.lab.form import Desk, Guess
from pages.learner import identity


def recall(desk: Desk) -> None:
    """Put back what this learner predicted before: on another day, or in another browser."""
    for step in identity.kept(desk.lesson.slug):
        if step.kind == "prediction" and (guess := guess_of(desk.lesson, step)):
            before = desk.guesses.get(step.name)
            if before is None or (before.outcome is None and guess.outcome is not None):
                desk.guesses[step.name] = guess


def guess_of(lesson: Lesson, step: Step) -> Guess | None:
    """As it was kept; None where the lesson has other answers by now."""
    answers = range(len(lesson.prediction.answers))
    answer, outcome = step.told.get("answer"), step.told.get("outcome")
    if answer not in answers or outcome not in (None, *answers):
        return None
    return Guess(answer, str(step.told.get("confidence")), outcome)


def ask(desk: Desk) -> None:
    """The question for this preset, unless it has been answered."""
    if desk.preset.name in desk.guesses:
        return
    name = desk.preset.name
    with st.container(key="prediction", border=True, horizontal=True, vertical_alignment="bottom"):
        answer, confidence = question(desk, name, f"**Predict first.** {desk.lesson.prediction.question}")
        st.button(
            "That is my prediction",
            key=desk.key("predict"),
            disabled=answer is None or confidence is None,
            on_click=lambda: predict(desk, name, Guess(answer, confidence)),
        )


def question(desk: Desk, name: str, words: str) -> tuple[int | None, str | None]:
    """The answers on offer and how sure one is: what is chosen so far."""
    answers = desk.lesson.prediction.answers
    answer = st.radio(
        words,
        range(len(answers)),
        format_func=lambda index: answers[index].text,
        index=None,
        key=desk.key(f"answer:{name}"),
    )
    return answer, st.segmented_control("How sure are you?", CONFIDENCE, key=desk.key(f"confidence:{name}"))


def predict(desk: Desk, name: str, guess: Guess) -> None:
    desk.guesses[name] = guess
    identity.keep("prediction", desk.lesson.slug, name, told_of(desk.lesson, guess))


def told_of(lesson: Lesson, guess: Guess) -> dict:
    """What is kept of a prediction: its words too, for a lesson may have others some day."""
    answers = lesson.prediction.answers
    told = {"answer": guess.answer, "text": answers[guess.answer].text, "confidence": guess.confidence}
    came = {} if guess.outcome is None else {"came": answers[guess.outcome].text}
    return {**told, "outcome": guess.outcome, **came}


def judge(desk: Desk, run: Run) -> None:
    """Read off a finished run which answer came true, for a prediction that waits for it; and keep that it was run."""
    name, slug = desk.preset.name, desk.lesson.slug
    guess = desk.guesses.get(name)
    if guess and guess.outcome is None:
        guess.outcome = desk.lesson.prediction.outcome(run)
        guess.unanswered = guess.outcome is None
        if not guess.unanswered:
            identity.keep("prediction", slug, name, told_of(desk.lesson, guess))
    if not desk.presenting and not any(step.kind == "run" and step.name == name for step in identity.kept(slug)):
        identity.keep("run", slug, name, {"epochs": run.epochs, "changed": desk.changed})


def tell(desk: Desk) -> None:
    """What the learner predicted for this preset, and what came true."""
    guess = desk.guesses.get(desk.preset.name)
    if guess is None:
        return
    if guess.outcome is None:
        said = desk.lesson.prediction.answers[guess.answer]
        then = f"{UNANSWERED} It counts neither way." if guess.unanswered else "Press Run."
        st.caption(f":material/help: You predict, {guess.confidence}: **{said.text}**. {then}")
    else:
        verdict(desk.lesson, guess)


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
