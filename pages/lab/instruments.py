"""The panel of a bench, with what is told of the run in it."""

import time

import streamlit as st

from lessons.recipe.recipe import Recipe
from lessons.recipe.words import first_line
from lessons.runs.run import Run
from lessons.server.laboratory import shared
from pages.lab.again import ask_again
from pages.lab.bench import Bench
from pages.lab.comparison_panel import hint
from pages.lab.diagnosis import diagnosis_below, shade_of, status_words
from pages.lab.model_metrics import model_metrics
from pages.lab.prediction import tell
from pages.lab.state import Diagnosis
from pages.parts import quotation
from pages.parts.charts import content, lab
from pages.parts.quotation import fail
from pages.server.run_news import LOADING, waiting

INSTRUMENTS = "instruments"  # the name of their fragment
# Seconds that a browser has for the charts of a run that has ended, before the findings come: they are as much work for
# it, and in one message with the charts they keep the first point of the curve waiting for a quarter of its time.
CURVE_FIRST = 0.1


@st.fragment(key=INSTRUMENTS)
def instruments(bench: Bench) -> None:
    """The panel, with as much of the run as there is by now; the browser asks for more while it trains.

    A fragment of its own, for that asking: sixty learners' pages ask several times a second.
    """
    if bench.redraw:
        st.rerun()
    ended = bench.look()
    runs, form, news = bench.runs, bench.form, bench.runs.news(bench.me())
    known = news.state()  # before anything is drawn of it: what comes now is news
    if bench.asks:
        tell(bench)
    if not (form.own or runs.watching):
        shared().prepare(Recipe(form.settings))  # what is in view goes before the lesson's other presets
    training, run = runs.training, runs.run
    diagnosis = bench.diagnosis(run)
    lab(
        bench.key("lab"),
        content(
            form.recipe,
            f"{runs.presses}:{run.epochs}:{runs.watching}" if run else "",
            lambda: training.text(run, live=runs.watching),
            status(bench, run, diagnosis),
            shade=shade_of(diagnosis),
            reveal=runs.moves,
            news={"path": news.address, "state": known},
        ),
    )
    if ended:
        time.sleep(CURVE_FIRST)
    if training and training.failure:
        fail(f"This cannot be trained: {first_line(training.failure)}")
    for warning in run.opening.warnings if run else ():
        quotation.tell(f"Keras warns: {warning}")
    if bench.asks:
        ask_again(bench)
    if diagnosis:
        diagnosis_below(bench, run, diagnosis)
    if run and run.metrics:
        model_metrics(run)


def status(bench: Bench, run: Run | None, diagnosis: Diagnosis | None) -> dict:
    """How far things are, in words, for the panel's status line. `live`: the panel shall ask again."""
    training = bench.runs.training
    if training is None:
        if trouble := shared().trouble:
            return {"live": False, "words": trouble, "share": 0}
        ready = shared().ready()
        return {"live": not ready, "words": "" if ready else LOADING, "share": 0}
    trained, wanted = (run.epochs if run else 0), training.recipe.settings.epochs
    if bench.runs.watching:
        words = f"epoch {trained} of {wanted}" if run else waiting(training)
    elif training.failure:
        words = "not trained"
    elif trained < wanted:
        words = f"stopped after {trained} of {wanted} epochs"
    else:
        keras = run.opening.versions["keras"]
        words = f"{trained} epochs in {spent(run)}, Keras {keras}{status_words(diagnosis)}{hint(bench)}"
        words += f" · {run.measured}" if run.measured else ""
    stale = "The settings have changed since: press Run." if bench.outdated else ""
    return {"live": bench.runs.watching, "words": words, "share": trained / wanted, "stale": stale}


def spent(run: Run) -> str:
    seconds = run.closing.seconds if run.closing else 0
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
