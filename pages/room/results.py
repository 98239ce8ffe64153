"""What comes of a room, for the instructor: the gradebook, and a report on whether they learned. Also while it runs."""

import streamlit as st

from lessons.classroom.agenda import Agenda
from lessons.classroom.gradebook import DECIMALS, FORMS, Form, gradebook, item, learners, questions
from lessons.classroom.learning import STYLE, body, html, report
from lessons.classroom.room_state import ASKS, Log
from lessons.recipe.bad_input import BadInput
from lessons.recipe.words import plural
from pages.parts.download import MADE_WITHIN, offer
from pages.parts.layout import button, row
from pages.parts.quotation import warn
from pages.parts.waiting import poll
from pages.room.ballot import outcomes
from pages.room.visit import spelled
from pages.server.store import rooms

PATIENCE = MADE_WITHIN / 2  # seconds that a file waits for runs whose answer is not known yet
UNITS = {False: "points", True: "percent"}


def results(code: str, key: str) -> None:
    try:
        log = rooms().log(code, key)
    except BadInput as problem:
        warn(problem)
        return
    head(log)
    known = outcomes(log.asked)
    if any(item(one) not in known for one in log.asked):
        poll(lambda: len(outcomes(log.asked)) > len(known), "Running what was asked, to see which answers come true.")
    grades(log, key)
    report_of(log, key)


def head(log: Log) -> None:
    place = row("results-head")
    place.markdown(f"### Results of room {spelled(log.code)}")
    button(place, "Back to the room", "results:back", "arrow_back", leave, quiet=True)
    button(place, "Read again", "results:again", "refresh", lambda: None, quiet=True,
           help="What has come in since this page was drawn. A file has it in any case.")  # fmt: skip


def leave() -> None:
    del st.query_params["view"]


def grades(log: Log, key: str) -> None:
    with st.container(border=True, key="results-grades"):
        st.markdown("#### Gradebook")
        form = chosen(log)
        named = sum(one.known for one in learners(log, {}))
        st.caption(
            "Voted, right in the first and in the second vote, ran, exercises passed, minutes from joining to the last "
            "thing done. It holds what learners did in the room, and on lessons’ pages while they had a seat. "
            "A ballot counts where it was held and its answer is known."
        )
        if form.form != "table" and not log.asks:
            st.info("Ask learners for something that your gradebook knows them by: “Asks for” in the console.")
            return
        if form.form != "table" and not questions(log, form):
            st.info("Nothing that counts has been asked yet.")
            return
        if form.form != "table":
            missing = len(learners(log, {})) - named
            st.caption(f"{plural(named, 'learner')} gave their {ASKS[log.asks]}; {missing} did not, and are left out.")
        if form.form == "moodle":
            st.caption(
                "In Moodle: Grades, Import, CSV file; UTF-8, separated by commas. A new grade item there takes up to "
                "100: choose percent. It refuses the whole file for one learner whom it does not know, and names them."
            )
        if form.form == "canvas":
            st.caption("In Canvas: Grades, Import. Each column becomes an assignment, its maximum is in the file.")

        def made() -> str:
            now = rooms().log(log.code, key)
            return gradebook(now, outcomes(now.asked, PATIENCE), form)

        offer(st, "Download the gradebook", f"gradebook-{log.code}.csv", made, "results:grades",
              icon=":material/download:", type="primary")  # fmt: skip


def chosen(log: Log) -> Form:
    """As the widgets say it."""
    place = row("results-form", vertical_alignment="bottom")
    form = place.selectbox("As", list(FORMS), format_func=FORMS.get, key="results:form", width=160)
    percent = place.selectbox("In", list(UNITS), format_func=UNITS.get, key="results:unit", width=140)
    decimals = place.selectbox("Decimals", DECIMALS, key="results:decimals", width=110)
    planned = Agenda.kept(log.plan)[0].items
    plan = place.toggle("The plan only", key="results:plan", help="The questions of the plan, in its order.") \
        if planned else False  # fmt: skip
    return Form(form, percent, decimals, plan)


def report_of(log: Log, key: str) -> None:
    def made() -> str:
        now = rooms().log(log.code, key)
        return html(report(now, outcomes(now.asked, PATIENCE)), now.code)

    offer(st, "Open the report", f"report-{log.code}.html", made, "results:report", icon=":material/print:",
          help="One file, to print or to keep.")  # fmt: skip
    with st.container(border=True, key="results-report"):
        st.html(f"<style>{STYLE}</style>{body(report(log, outcomes(log.asked)), log.code)}")
