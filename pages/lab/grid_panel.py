"""The map of failure: a grid of real trainings over two toggles, coloured by how each ended; a click opens one."""

import streamlit as st

from lessons.figures.grid_figures import NAMES, cell_words, counts, grid_figure, grid_words, meaning
from lessons.figures.marks import number
from lessons.figures.run_figures import curve_figure, run_words
from lessons.recipe.bad_input import BadInput
from lessons.recipe.words import first_line
from lessons.runs import grid
from lessons.runs.grid import Cell, Grid, squares
from lessons.runs.outcome import late, outcome_of
from lessons.runs.run import Run
from lessons.server.grid_run import GridRun
from pages.lab.bench import Bench
from pages.lab.link import query
from pages.lab.state import LISTS, sizes
from pages.parts.charts import chart
from pages.parts.layout import button, row
from pages.parts.quotation import fail, quoted

EMPTY = (
    "A map trains these settings again and again, with two toggles moved: **each cell is one real run**, coloured by "
    "how it ended. It shows how far the failure reaches, and what is next to it. Click a cell to open its run."
)
VIEWS = {"outcome": "outcome", "error": "error on real steps"}


@st.fragment
def map_of_failure(bench: Bench) -> None:
    """Choose two fields, draw, watch it fill, open a cell."""
    if bench.redraw:
        st.rerun()
    st.markdown("#### Map of failure")
    if bench.form.walled:
        st.caption("A map trains this lesson’s own losses and model: it is off while one of yours is in use.")
        return
    live = bench.map.look(bench.me("map"))
    plan = choose(bench, live)
    if bench.map.grid_run is None:
        st.markdown(EMPTY)
    else:
        show(bench, bench.map.grid_run, plan, live)
    bench.address.write(query(bench))


# --- what to draw


def choose(bench: Bench, live: bool) -> Grid | None:
    """The two fields and the size, the button, and what keeps it from being pressed."""
    form = bench.form
    wanted = bench.map.choice(form)
    for name in LISTS:
        if st.session_state.get(bench.key(name)) != wanted[name]:
            st.session_state[bench.key(name)] = wanted[name]
    place = row("map-choice", vertical_alignment="bottom")
    fields = [name for name in grid.fields_of(bench.lesson) if name not in form.hidden or name in wanted.values()]
    for name, label in (("map_x", "Across"), ("map_y", "Up")):
        place.selectbox(label, fields, format_func=lambda field: form.settings.specs()[field].label,
                        key=bench.key(name), on_change=bench.choose_map)  # fmt: skip
    offered = list(dict.fromkeys((*sizes(form), wanted["map_size"])))
    place.selectbox("Size", offered, format_func=lambda size: size.replace("x", " × "),
                    key=bench.key("map_size"), on_change=bench.choose_map)  # fmt: skip
    plan, problem = None, ""
    try:
        plan = bench.map.plan(form)
    except BadInput as refusal:
        problem = str(refusal)
    button(place, "Draw the map", bench.key("map-draw"), "grid_on", bench.draw_map, disabled=plan is None)
    if live:
        button(place, "Stop", bench.key("map-stop"), "stop", bench.stop_map)
    place.caption(quoted(problem) if problem else f"{plan.runs} trainings")
    return plan


# --- the map


def show(bench: Bench, grid_run: GridRun, wanted: Grid | None, live: bool) -> None:
    """The map as far as it is filled, what its colours mean, and the cell that was opened."""
    cells, plan = grid_run.cells, grid_run.grid
    with st.container():  # also where nothing is told: the map keeps its place on the page, and is not mounted anew
        tell(grid_run, cells, live)
        if wanted is None or not same_map(plan, wanted):
            st.caption("The settings or the fields have changed since: draw the map again.")
    left, right = st.columns([1.7, 1], gap="medium")
    with left:
        view = st.segmented_control(
            "Colours", list(VIEWS), default="outcome", format_func=VIEWS.get, required=True, key=bench.key("map-view"),
            label_visibility="collapsed",
        )  # fmt: skip
        chart(
            bench.key("map"),
            grid_figure(plan, cells, bench.form.settings, view),
            grid_words(plan, cells),
            height=min(600, max(300, 110 + 26 * len(plan.ys))),
            live=live or opening_trains(bench),
            on_cell=bench.open_cell,
        )
    with right:
        legend(cells)
        opened(bench, plan, cells)


def same_map(drawn: Grid, wanted: Grid) -> bool:
    """Whether a plan would draw the same map: where the form stands on the two axes does not matter."""
    axes = {name: getattr(drawn.base, name) for name in (drawn.x, drawn.y)}
    return (drawn.x, drawn.y, drawn.xs, drawn.ys, drawn.seeds, drawn.table) == (
        wanted.x, wanted.y, wanted.xs, wanted.ys, wanted.seeds, wanted.table,
    ) and wanted.base.with_changes(axes) == drawn.base  # fmt: skip


def tell(grid_run: GridRun, cells: list[Cell], live: bool) -> None:
    """How far it is."""
    there, wanted = len(cells), grid_run.grid.runs
    if live:
        st.progress(there / wanted, f"{there} of {wanted} trained")
    elif grid_run.failure is not None:
        fail(f"The map cannot be finished: {first_line(grid_run.failure)}")
    elif there < wanted:
        st.caption(f"Stopped: {there} of {wanted} trained.")


def legend(cells: list[Cell]) -> None:
    """What the outcomes mean, and how many cells ended so."""
    for word, count in counts(cells).items():
        st.markdown(f"**{count} {quoted(NAMES.get(word, word))}** :gray[{quoted(meaning(word))}]")


# --- one cell


def opening_trains(bench: Bench) -> bool:
    return bench.map.opened is not None and bench.runs.watching and not bench.runs.training.done


def opened(bench: Bench, plan: Grid, cells: list[Cell]) -> None:
    """The cell that was opened, what its run by itself came to, and whether that is what the map says."""
    if bench.map.opened is None:
        st.caption("Click a cell, or focus the map and use the arrow keys and Enter: its run opens here and above.")
        return
    row, column = bench.map.opened
    square = squares(cells).get(bench.map.opened)
    st.markdown(f"**Opened:** {quoted(cell_words(plan, row, column, square))}")
    training = bench.runs.training
    if bench.locked:
        st.caption("Its settings are on the form above. Predict first, then press Run.")
    elif training is None or training.recipe != plan.recipe(row, column):
        kept = f" The pinned run keeps its seed, {bench.pin.settings.seed}." if bench.pin.settings else ""
        st.caption(f"The run in sight above is another.{kept}")
    elif training.failure:
        st.caption(f"It cannot be trained: {quoted(first_line(training.failure))}")
    elif not training.done:
        st.caption("Running it by itself.")
    elif (run := training.run()) and run.closing:
        cell = next((cell for cell in cells if (cell.row, cell.column, cell.seed) == (row, column, 0)), None)
        st.markdown(compared(run, cell))
        chart(bench.key("map-curve"), curve_figure(run), run_words(run)["curve"], height=230)


def compared(run: Run, cell: Cell | None) -> str:
    """The run's own outcome, and the map's where it is another."""
    own = outcome_of(run)
    words = f"Run by itself: **{NAMES.get(own, own)}**, error {number(late(run.snapshot.error))}"
    if cell is None:
        return f"{words}. The map has not trained it yet."
    if cell.outcome == own:
        return f"{words}, as the map says."
    if cell.failure:
        return f"{words}. **On the map it could not be trained:** {quoted(cell.failure)}"
    return (
        f"{words}. **The map says {NAMES.get(cell.outcome, cell.outcome)}.** A map’s graphs are compiled and round "
        "otherwise: this cell lies where that decides."
    )
