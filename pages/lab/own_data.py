"""Use your own data: a file, what was understood of it, how it is treated, and the way back to the lesson's."""

import numpy as np
import streamlit as st

from lessons.own_data import reading, sample
from lessons.own_data.brought import Brought
from lessons.recipe import table
from lessons.recipe.table import Table
from lessons.recipe.words import plural, shortened
from pages.lab.arrival import PROBLEM, UPLOADS, arrive, arriving, bring_bytes, named, refusals
from pages.lab.bench import Bench, forget_data
from pages.lab.brought import OWN
from pages.lab.controls import control
from pages.lab.roles import role_controls
from pages.lab.state import Form
from pages.parts.download import offer
from pages.parts.layout import button, row
from pages.parts.quotation import quoted, warn

HOW = "How they are read"
ENDINGS = ["csv", "tsv", "txt", "dat", "gz", "zip", "parquet", "npz", "npy", "arff", "ts"]
FORMAT = (
    f"CSV or TSV (perhaps .gz or .zip), Parquet, .npz, .npy, .arff or .ts, up to {reading.MEGABYTES} MB. A row for "
    "each step, or a column for each time. What the columns are is guessed, shown, and yours to change."
)
NAMES = (
    "One long series is cut into windows; several sequences are told apart by a column. Without a label the next "
    "value is predicted. Cells may be empty and times may be missing."
)
PRIVACY = "Your data stay in this session: no link and no other learner gets them."
CLASSES_SHOWN = 6


def own_data_row(bench: Bench) -> None:
    """Which data are in use, how they are treated, and a switch: as soon as the session has some."""
    arriving()
    brought: Brought | None = st.session_state.get(OWN)
    if brought is None or not bench.form.settings.takes_table:
        return
    place = row("own_data")
    if bench.lesson.open:
        place.markdown(f"**{named(brought.name)}**")
    else:
        st.session_state.setdefault(bench.key("own_data"), True)
        words = f"Train on **{named(brought.name)}** in place of this lesson's data"
        place.toggle(words, key=bench.key("own_data"))
    if brought.problem:
        warn(brought.problem)
    if brought.problem or (bench.form.table and not bench.lesson.open):
        key = bench.key("own_read")
        fold = place.popover(HOW, icon=":material/table:", type="tertiary", key=key, on_change="rerun")
        if fold.open:
            with fold:
                understood(bench.form, brought)
    place.button("Forget them", key=bench.key("own_forget"), type="tertiary", on_click=forget_data)


def shown_at_once(bench: Bench) -> None:
    """On a bench with nothing preset: what was understood, open until there is a run."""
    brought: Brought | None = st.session_state.get(OWN)
    if brought and bench.lesson.open:
        begun = bench.runs.training is not None
        key = bench.key(f"own_shown:{begun}:{st.session_state.get(UPLOADS, 0)}")
        fold = st.expander(HOW, not begun, icon=":material/table:", key=key, on_change="rerun")
        if fold.open:
            with fold:
                understood(bench.form, brought)


def bring_data(bench: Bench, place) -> None:
    """The place where a file is brought. It closes when one is taken, for its key is another then."""
    if not bench.form.settings.takes_table:  # this family trains on what it generates
        return
    key = bench.key(f"bring:{st.session_state.get(UPLOADS, 0)}")
    with place.popover("Your data", icon=":material/upload_file:", type="tertiary", key=key):
        uploader(bench)


def uploader(bench: Bench) -> None:
    """A file of the learner's, or the sample; and why the last one was refused."""
    if problem := st.session_state.get(PROBLEM):
        warn(problem)
    key = bench.key(f"file:{refusals()}")  # another key is another uploader: the one before drops its file
    st.file_uploader(
        FORMAT,
        type=ENDINGS,
        max_upload_size=reading.MEGABYTES,
        key=key,
        help=NAMES,
        on_change=lambda: take_file(key),
    )
    pair = st.container(horizontal=True, gap="small")
    button(pair, "Try a sample", bench.key("sample"), "science", take_sample)
    offer(pair, "Download the sample", sample.NAME, sample.sample(), bench.key("sample_file"),
          icon=":material/download:", type="tertiary")  # fmt: skip
    st.caption(PRIVACY)


def take_sample() -> None:
    """It is ours, so that it is read here."""
    arrive(Brought.parse(sample.sample(), sample.NAME))


def take_file(key: str) -> None:
    file = st.session_state[key]
    if file is not None:  # else it was removed from the list
        bring_bytes(file.getvalue(), file.name)


# --- what was understood


def understood(form: Form, brought: Brought) -> None:
    """What the file was taken for, and how it is treated."""
    reasons = form.recipe.idle() if form.table else {}
    with st.container(key="own_data_read"):
        if form.table:
            st.markdown(description(form))
        st.caption("The first rows, and what each column is for:")
        first_rows(brought)
        role_controls(brought)
        if not form.table:
            return
        places = st.columns(2)
        for index, name in enumerate(form.treatments):
            with places[index % 2]:
                control(form, name, reasons.get(name))
    if "nan_fill" not in form.treatments:
        st.caption("What becomes of missing labels is among this lesson's controls.")


def first_rows(brought: Brought) -> None:
    """The first rows as the file says them."""
    sheet = brought.sheet
    rows = {column.name: [column.said(value) for value in column.values[:4]] for column in sheet.columns[:24]}
    st.dataframe(rows, hide_index=True, height="content", key="own_first_rows")


def description(form: Form) -> str:
    """The table in words."""
    mine, (padding, _) = form.table, form.table.shares(form.settings)
    columns, lengths = mine.columns, mine.lengths(form.settings)
    labels, inputs = mine.missing(form.settings)
    sizes, left = mine.sizes(form.settings), mine.left_out(form.settings)
    features = ", ".join(f"**{quoted(name)}**" for name in columns.features)
    told_apart = f"sequence **{quoted(columns.id)}**" if columns.id else "one series"
    in_time = f"time **{quoted(columns.time)}**" if columns.time else "the rows in their order"
    label = f"label **{quoted(columns.label)}**" + f", {plural(columns.ahead, 'step')} ahead" * bool(columns.ahead)
    which = "the last third of the time, a window's length apart" if mine.held else "the seed draws which"
    lines = [
        f"**{named(mine.name)}**: {told_apart}, {in_time}, features {features}, {label}.",
        f"{sizes[0]} sequences to train on, {sizes[1]} held out for validation: {which}."
        + f" {left} more are left out, for time: the seed draws which." * bool(left),
        "Scale, categories and what fills a missing value come from the sequences that are trained, and sequences of "
        "one id stay together: what is held out tells them nothing.",
        f"{lengths.min()} to {lengths.max()} steps, so {table.percent(padding)} is padding: see the data picture.",
        f"Missing: {labels} of {lengths.sum()} labels, {inputs} of {lengths.sum() * mine.features} inputs. "
        + gaps_told(mine),
    ]
    if mine.classes:
        lines.append(classes_told(mine))
    if mine.unscaled and form.settings.scale == "none":
        far = ", ".join(f"**{quoted(name)}**" for name in mine.unscaled)
        lines.append(f":orange[Far from mean 0 and deviation 1: {far}. Models learn that slowly; the scale is below.]")
    brought: Brought | None = st.session_state.get(OWN)
    lines += [quoted(note) for note in brought.notes] if brought and brought.table is mine else []
    return "\n".join(f"- {line}" for line in lines)


def classes_told(mine: Table) -> str:
    """How many labels are of which class; of labels of whole sequences how many sequences."""
    labels = np.concatenate([one.y[-1:] if mine.whole else one.y for one in mine.series])
    counts = np.bincount(labels[~np.isnan(labels)].astype(int), minlength=len(mine.classes))
    shown = [f"**{quoted(shortened(name, 20))}** {count}" for name, count in zip(mine.classes, counts, strict=True)]
    more = f" and {len(shown) - CLASSES_SHOWN} more" if len(shown) > CLASSES_SHOWN else ""
    of = "sequences" if mine.whole else "steps"
    single = f" {plural(int((counts == 1).sum()), 'class')} with one only." * (1 in counts)
    return f"{len(mine.classes)} classes, {of} of each: {', '.join(shown[:CLASSES_SHOWN])}{more}.{single}"


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
