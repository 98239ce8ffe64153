"""Use your own data: a file, what was understood of it, how it is treated, and the way back to the lesson's."""

from functools import cache

import streamlit as st

from lessons.recipe import table, table_file
from lessons.recipe.bad_input import BadInput
from lessons.recipe.settings import OWN_DATA
from lessons.recipe.table import Table
from pages.lab.controls import control
from pages.lab.form import OWN, Form
from pages.parts.quotation import quoted, warn

PROBLEM = "own:problem"  # session keys: why the last file was refused,
UPLOADS = "own:uploads"  # how many were taken,
REFUSALS = "own:refusals"  # how many were refused,
TREATED = "own:treated"  # and how the data were treated last, whatever the lesson
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


def settle(form: Form) -> bool:
    """Bring the form to the data that the session has. Before anything is drawn; whether they are others now."""
    wanted = form.settings.takes_table and st.session_state.get(form.key("own_data"), True)
    brought = st.session_state.get(OWN) if wanted else None
    changed = form.table != brought
    form.table = brought
    if changed and brought:
        form.lay(form.settings.with_changes(st.session_state.get(TREATED, {})))
    if brought:
        st.session_state[TREATED] = {name: getattr(form.settings, name) for name in OWN_DATA}
    return changed


def own_data_row(form: Form) -> None:
    """Which data are in use, how they are treated, and a switch: as soon as the session has some."""
    brought: Table | None = st.session_state.get(OWN)
    if brought is None or not form.settings.takes_table:
        return
    st.session_state.setdefault(form.key("own_data"), True)
    row = st.container(key="own_data", horizontal=True, vertical_alignment="center", gap="small")
    row.toggle(f"Train on **{named(brought)}** in place of this lesson's data", key=form.key("own_data"))
    if form.table:
        with row.popover("How they are read", icon=":material/table:", type="tertiary", key=form.key("own_read")):
            understood(form)
    row.button("Forget them", key=form.key("own_forget"), type="tertiary", on_click=forget)


def bring_data(form: Form, place) -> None:
    """The place where a file is brought. It closes when one is taken, for its key is another then."""
    if not form.settings.takes_table:  # this family trains on what it generates
        return
    uploads = st.session_state.get(UPLOADS, 0)
    with place.popover("Your data", icon=":material/upload_file:", type="tertiary", key=form.key(f"bring:{uploads}")):
        if problem := st.session_state.get(PROBLEM):
            warn(problem)
        refusals = st.session_state.get(REFUSALS, 0)
        key = form.key(f"file:{uploads}:{refusals}")  # another key is another uploader: the one before drops its file
        st.file_uploader(
            FORMAT,
            type=["csv", "tsv", "txt"],
            max_upload_size=table_file.MEGABYTES,
            key=key,
            help=NAMES,
            on_change=lambda: take_file(form, key),
        )
        row = st.container(horizontal=True, gap="small")
        row.button(
            "Try a sample", key=form.key("sample"), icon=":material/science:", on_click=lambda: take(form, sample())
        )
        row.download_button(
            "Download the sample",
            table_file.sample(),
            SAMPLE,
            "text/csv",
            key=form.key("sample_file"),
            icon=":material/download:",
            type="tertiary",
            on_click="ignore",
        )
        st.caption(PRIVACY)


SAMPLE = "sample.csv"


@cache
def sample() -> Table:
    return Table.parse(table_file.sample(), SAMPLE)


def take_file(form: Form, key: str) -> None:
    file = st.session_state[key]
    if file is None:  # removed from the list
        return
    try:
        take(form, Table.parse(file.getvalue(), file.name))
    except BadInput as problem:
        st.session_state[PROBLEM] = f"{shortened(file.name)}, {problem}"
        count(REFUSALS)


def take(form: Form, brought: Table) -> None:
    st.session_state[OWN] = brought
    st.session_state[form.key("own_data")] = True
    st.session_state.pop(PROBLEM, None)
    count(UPLOADS)


def forget() -> None:
    """Let go of the data, and of every run on them: the laboratory keeps none that nobody holds."""
    st.session_state.pop(OWN, None)
    st.session_state.pop(TREATED, None)
    for form in [value for value in st.session_state.to_dict().values() if isinstance(value, Form)]:
        form.forget_table()


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
    return quoted(shortened(mine.name))


def shortened(name: str) -> str:
    return name if len(name) <= 30 else f"{name[:29]}…"
