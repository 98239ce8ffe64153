"""Use your own data: a file, what was understood of it, how it is treated, and the way back to the lesson's."""

from functools import cache

import streamlit as st

from lessons.recipe import table, table_file
from lessons.recipe.bad_input import BadInput
from lessons.recipe.table import Table
from lessons.recipe.words import shortened
from pages.lab.bench import OWN, Bench, forget_data
from pages.lab.controls import control
from pages.lab.state import Form
from pages.parts.download import offer
from pages.parts.layout import button, row
from pages.parts.quotation import quoted, warn

PROBLEM = "own:problem"  # session keys: why the last file was refused,
UPLOADS = "own:uploads"  # how many were taken,
REFUSALS = "own:refusals"  # and how many were refused
SAMPLE = "sample.csv"
NAME_LONGEST = 30  # letters of a file's name
FORMAT = (
    "A CSV file: sequence id, time, features, label, and a row for each step. "
    f"Up to {table_file.MEGABYTES} MB, {table_file.SEQUENCES[1]} sequences of {table_file.STEPS} steps, "
    f"{table_file.FEATURES} features. Cells may be empty and times may be missing."
)
NAMES = (
    "The first line names the columns: sequence or id, time, t or step, and label, y or target are recognised; else "
    "the first column is taken for the id, the second for the time and the last for the label. Times are numbers or "
    "dates."
)
PRIVACY = "Your data stay in this session: no link and no other learner gets them."


def own_data_row(bench: Bench) -> None:
    """Which data are in use, how they are treated, and a switch: as soon as the session has some."""
    brought: Table | None = st.session_state.get(OWN)
    if brought is None or not bench.form.settings.takes_table:
        return
    st.session_state.setdefault(bench.key("own_data"), True)
    place = row("own_data")
    place.toggle(f"Train on **{named(brought)}** in place of this lesson's data", key=bench.key("own_data"))
    if bench.form.table:
        with place.popover("How they are read", icon=":material/table:", type="tertiary", key=bench.key("own_read")):
            understood(bench.form)
    place.button("Forget them", key=bench.key("own_forget"), type="tertiary", on_click=forget_data)


def bring_data(bench: Bench, place) -> None:
    """The place where a file is brought. It closes when one is taken, for its key is another then."""
    if not bench.form.settings.takes_table:  # this family trains on what it generates
        return
    uploads, refusals = (st.session_state.get(key, 0) for key in (UPLOADS, REFUSALS))
    with place.popover("Your data", icon=":material/upload_file:", type="tertiary", key=bench.key(f"bring:{uploads}")):
        if problem := st.session_state.get(PROBLEM):
            warn(problem)
        key = bench.key(f"file:{uploads}:{refusals}")  # another key is another uploader: the one before drops its file
        st.file_uploader(
            FORMAT,
            type=["csv", "tsv", "txt"],
            max_upload_size=table_file.MEGABYTES,
            key=key,
            help=NAMES,
            on_change=lambda: take_file(bench, key),
        )
        pair = st.container(horizontal=True, gap="small")
        button(pair, "Try a sample", bench.key("sample"), "science", lambda: take(bench, sample()))
        offer(pair, "Download the sample", SAMPLE, table_file.sample(), bench.key("sample_file"),
              icon=":material/download:", type="tertiary")  # fmt: skip
        st.caption(PRIVACY)


@cache
def sample() -> Table:
    return Table.parse(table_file.sample(), SAMPLE)


def take_file(bench: Bench, key: str) -> None:
    file = st.session_state[key]
    if file is None:  # removed from the list
        return
    try:
        take(bench, Table.parse(file.getvalue(), file.name))
    except BadInput as problem:
        st.session_state[PROBLEM] = f"{shortened(file.name, NAME_LONGEST)}, {problem}"
        count(REFUSALS)


def take(bench: Bench, brought: Table) -> None:
    st.session_state[OWN] = brought
    st.session_state[bench.key("own_data")] = True
    st.session_state.pop(PROBLEM, None)
    count(UPLOADS)


def count(key: str) -> None:
    st.session_state[key] = st.session_state.get(key, 0) + 1


# --- what was understood


def understood(form: Form) -> None:
    """What the file was taken for, and how it is treated."""
    reasons = form.recipe.idle()
    with st.container(key="own_data_read"):
        st.markdown(description(form))
        places = st.columns(2)
        for index, name in enumerate(form.treatments):
            with places[index % 2]:
                control(form, name, reasons.get(name))
    if "nan_fill" not in form.treatments:
        st.caption("What becomes of missing labels is among this lesson's controls.")


def description(form: Form) -> str:
    """The table in words."""
    mine, (padding, _) = form.table, form.table.shares(form.settings)
    columns, lengths = mine.columns, mine.lengths(form.settings)
    labels, inputs = mine.missing(form.settings)
    features = ", ".join(f"**{quoted(name)}**" for name in columns.features)
    lines = [
        f"**{named(mine)}**: sequence id **{quoted(columns.id)}**, time **{quoted(columns.time)}**, "
        f"features {features}, label **{quoted(columns.label)}**.",
        f"{mine.sizes[0]} sequences to train on, {mine.sizes[1]} held out for validation: the seed draws which.",
        f"{lengths.min()} to {lengths.max()} steps, so {table.percent(padding)} is padding: see the data picture.",
        f"Missing: {labels} of {lengths.sum()} labels, {inputs} of {lengths.sum() * mine.features} inputs. "
        + gaps_told(mine),
    ]
    if columns.guessed:
        guessed = ", ".join(table_file.ROLES[role] for role in columns.guessed)
        lines.insert(1, f"Taken by position, because no name was recognised: {guessed}.")
    if mine.unscaled and form.settings.scale == "none":
        far = ", ".join(f"**{quoted(name)}**" for name in mine.unscaled)
        lines.append(f":orange[Far from mean 0 and deviation 1: {far}. Models learn that slowly; the scale is below.]")
    return "\n".join(f"- {line}" for line in lines)


def gaps_told(mine: Table) -> str:
    if not mine.gaps:
        return "No gaps in time."
    step = duration(mine.tick) if mine.dated else f"{mine.tick:g}"
    return f"{table.steps_words(mine.gaps)} times have no row; a step is {step}."


def duration(seconds: float) -> str:
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} seconds"


def named(mine: Table) -> str:
    return quoted(shortened(mine.name, NAME_LONGEST))
