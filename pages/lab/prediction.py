"""Predict first: the question before Run, and afterwards what came true. People who predict first learn more."""

import streamlit as st

from lessons.course.lesson import CONFIDENCE, UNANSWERED, Lesson
from pages.lab.bench import Bench
from pages.lab.guesses import Guess
from pages.parts.layout import button


def ask(bench: Bench) -> None:
    """The question for this preset, unless it has been answered."""
    name = bench.form.preset.name
    if name in bench.guesses:
        return
    with st.container(key="prediction", border=True, horizontal=True, vertical_alignment="bottom"):
        answer, confidence = question(bench, name, f"Predict first. {bench.lesson.prediction.question}")
        button(st, "That is my prediction", bench.key("predict"), "", bench.predict, name, Guess(answer, confidence),
               disabled=answer is None or confidence is None)  # fmt: skip


def question(bench: Bench, name: str, words: str) -> tuple[int | None, str | None]:
    """The answers on offer and how sure one is: what is chosen so far."""
    answers = bench.lesson.prediction.answers
    answer = st.radio(
        words,
        range(len(answers)),
        format_func=lambda index: answers[index].text,
        index=None,
        key=bench.key(f"answer:{name}"),
    )
    return answer, st.segmented_control("How sure are you?", CONFIDENCE, key=bench.key(f"confidence:{name}"))


def tell(bench: Bench) -> None:
    """What the learner predicted for this preset, and what came true."""
    guess = bench.guesses.get(bench.form.preset.name)
    if guess is None:
        return
    if guess.outcome is None:
        said = bench.lesson.prediction.answers[guess.answer]
        then = f"{UNANSWERED} It counts neither way." if guess.unanswered else "Press Run."
        st.caption(f":material/help: You predict, {guess.confidence}: **{said.text}**. {then}")
    else:
        verdict(bench.lesson, guess)


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
