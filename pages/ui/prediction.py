"""Predict first: the question before Run, and afterwards what came true. People who predict first learn more."""

import streamlit as st

from lessons.lesson import CONFIDENCE
from lessons.run import Run
from pages.ui.desk import Desk, Guess


def ask(desk: Desk) -> None:
    """The question for this preset, unless it has been answered."""
    if desk.preset.name in desk.guesses:
        return
    question = desk.lesson.prediction
    with st.container(key="prediction", border=True, horizontal=True, vertical_alignment="bottom"):
        answer = st.radio(
            f"**Predict first.** {question.question}",
            range(len(question.answers)),
            format_func=lambda index: question.answers[index].text,
            index=None,
            key=desk.key(f"answer:{desk.preset.name}"),
        )
        confidence = st.segmented_control(
            "How sure are you?", CONFIDENCE, key=desk.key(f"confidence:{desk.preset.name}")
        )
        st.button(
            "That is my prediction",
            key=desk.key("predict"),
            disabled=answer is None or confidence is None,
            on_click=lambda: desk.guesses.update({desk.preset.name: Guess(answer, confidence)}),
        )


def judge(desk: Desk, run: Run) -> None:
    """Read off a finished run which answer came true, for a prediction that waits for it."""
    guess = desk.guesses.get(desk.preset.name)
    if guess and guess.outcome is None:
        guess.outcome = desk.lesson.prediction.outcome(run)


def tell(desk: Desk) -> None:
    """What the learner predicted for this preset, and what came true."""
    guess = desk.guesses.get(desk.preset.name)
    if guess is None:
        return
    answers = desk.lesson.prediction.answers
    said = answers[guess.answer]
    if guess.outcome is None:
        st.caption(f":material/help: You predict, {guess.confidence}: **{said.text}**. Press Run.")
        return
    true = answers[guess.outcome]
    if guess.answer == guess.outcome:
        st.markdown(f":green[:material/check: You predicted, {guess.confidence}, “{said.text}”. It came true.]")
    else:
        st.markdown(
            f":orange[:material/lightbulb: You predicted, {guess.confidence}, “{said.text}”. "
            f"What came true: **{true.text}**.] {said.belief}"
        )
