"""The map of failure: a grid of real trainings over two toggles, coloured by how each ended; a click opens one."""

from collections.abc import Callable

import streamlit as st

from lessons.course.lesson import Lesson
from lessons.figures.grid_figures import NAMES, cell_words, counts, grid_figure, grid_words, meaning
from lessons.figures.marks import number
from lessons.figures.run_figures import curve_figure, run_words
from lessons.recipe.bad_input import BadInput
from lessons.recipe.recipe import Recipe
from lessons.recipe.settings import Settings
from lessons.runs import grid
from lessons.runs.grid import Cell, Grid, squares
from lessons.runs.outcome import late, outcome_of
from lessons.runs.run import Run
from lessons.server.grid_run import GridRun
from lessons.server.laboratory import ABSENT_AFTER, shared
from lessons.workers.pool import WorkerPool
from pages.lab.form import Form
from pages.parts.charts import chart
from pages.parts.quotation import fail, first_line, quoted
from pages.server.presence import watch

LOOK = 0.3  # seconds between two pictures of a map that fills
LARGE_LOOK = 1.0  # the same for a map whose picture is long
LARGE = 1024  # cells
LISTS = ("map_x", "map_y", "map_size")  # the widgets, and their names in an address
SIZES = ("8x8", "16x16", "32x32")
CLUSTER_SIZES = ("64x64",)  # offered where other machines train
EMPTY = (
    "A map trains these settings again and again, with two toggles moved: **each cell is one real run**, coloured by "
    "how it ended. It shows how far the failure reaches, and what is next to it. Click a cell to open its run."
)
VIEWS = {"outcome": "outcome", "error": "error on real steps"}


@st.fragment
def map_of_failure(form: Form, start: Callable[[Form], None]) -> None:
    """Choose two fields, draw, watch it fill, open a cell. `start` runs the settings on the form."""
    form.catch_up()
    st.markdown("##### Map of failure")
    if form.own:
        st.caption("A map trains this lesson’s losses and data: it is off while your own are in use.")
        return
    live = look(form)
    plan = choose(form, live)
    if form.grid_run is None:
        st.markdown(EMPTY)
    else:
        show(form, form.grid_run, start, plan, live)
    form.address.write(form.query())


def look(form: Form) -> bool:
    """Wait a moment for more of a map that fills. Whether it still does, for this learner."""
    grid_run = form.grid_run
    if grid_run is None or not form.surveying or grid_run.done:
        return False
    watch(grid_run, id(form))
    grid_run.wait_beyond(len(grid_run.found), LARGE_LOOK if grid_run.grid.runs > LARGE else LOOK)
    return not grid_run.done


# --- what to draw


def choose(form: Form, live: bool) -> Grid | None:
    """The two fields and the size, the button, and what keeps it from being pressed."""
    wanted = choice(form)
    for name in LISTS:
        if st.session_state.get(form.key(name)) != wanted[name]:
            st.session_state[form.key(name)] = wanted[name]
    row = st.container(key="map-choice", horizontal=True, vertical_alignment="bottom", gap="small")
    fields = [name for name in grid.fields_of(form.lesson) if name not in form.hidden or name in wanted.values()]
    for name, label in (("map_x", "Across"), ("map_y", "Up")):
        row.selectbox(label, fields, format_func=lambda field: form.settings.specs()[field].label, key=form.key(name),
                      on_change=lambda: remember(form))  # fmt: skip
    row.selectbox("Size", sizes(wanted["map_size"]), format_func=lambda size: size.replace("x", " × "),
                  key=form.key("map_size"), on_change=lambda: remember(form))  # fmt: skip
    plan, problem = planned(form)
    row.button(
        "Draw the map",
        key=form.key("map-draw"),
        icon=":material/grid_on:",
        disabled=plan is None,
        on_click=lambda: draw(form),
    )
    if live:
        row.button("Stop", key=form.key("map-stop"), icon=":material/stop:", on_click=lambda: stop(form))
    row.caption(quoted(problem) if problem else f"{plan.runs} trainings")
    return plan


def planned(form: Form) -> tuple[Grid | None, str]:
    """The map of the present settings, or why there is none."""
    try:
        return Grid.from_query(choice(form), form.lesson, form.settings), ""
    except BadInput as refusal:
        return None, str(refusal)


def choice(form: Form) -> dict[str, str]:
    return form.map or first_choice(form.lesson, form.settings)


def first_choice(lesson: Lesson, settings: Settings) -> dict[str, str]:
    """Two fields that matter to these settings; such as share one graph are drawn the soonest."""
    still = Recipe(settings).idle()
    matter = [name for name in grid.fields_of(lesson) if name not in still and name not in ("seed", "epochs")]
    ordered = sorted(matter, key=lambda name: settings.specs()[name].retraces)  # stable: the lesson's order within
    x, y = (*ordered, *grid.fields_of(lesson))[:2]
    return {"map_x": x, "map_y": y, "map_size": SIZES[0]}


def sizes(wanted: str) -> list[str]:
    cluster = () if isinstance(shared().executor, WorkerPool) else CLUSTER_SIZES
    return list(dict.fromkeys((*SIZES, *cluster, wanted)))


def remember(form: Form) -> None:
    """Keep what the three lists stand at, for the address."""
    form.map = {name: st.session_state[form.key(name)] for name in LISTS}


def draw(form: Form) -> None:
    form.collect()
    form.map = choice(form)
    plan, _ = planned(form)
    if plan is None:  # the settings above have changed since the button was drawn: it says now what is wrong
        return
    if form.grid_run is not None and form.grid_run.grid != plan:
        stop(form)
    form.grid_run, form.surveying, form.opened = shared().grid_run(plan, id(form)), True, None


def stop(form: Form) -> None:
    if form.grid_run is not None and form.surveying:
        form.grid_run.leave(id(form), ABSENT_AFTER)
    form.surveying = False


# --- the map


def show(form: Form, grid_run: GridRun, start: Callable[[Form], None], wanted: Grid | None, live: bool) -> None:
    """The map as far as it is filled, what its colours mean, and the cell that was opened."""
    cells, plan = grid_run.cells, grid_run.grid
    with st.container():  # also where nothing is told: the map keeps its place on the page, and is not mounted anew
        tell(grid_run, cells, live)
        if wanted is None or not same_map(plan, wanted):
            st.caption("The settings or the fields have changed since: draw the map again.")
    left, right = st.columns([1.7, 1], gap="medium")
    with left:
        view = st.segmented_control(
            "Colours", list(VIEWS), default="outcome", format_func=VIEWS.get, required=True, key=form.key("map-view"),
            label_visibility="collapsed",
        )  # fmt: skip
        chart(
            form.key("map"),
            grid_figure(plan, cells, form.settings, view),
            grid_words(plan, cells),
            height=min(600, max(300, 110 + 26 * len(plan.ys))),
            live=live or opening_trains(form),
            on_cell=lambda row, column: open_cell(form, plan, row, column, start),
        )
    with right:
        legend(cells)
        opened(form, plan, cells)


def same_map(drawn: Grid, wanted: Grid) -> bool:
    """Whether a plan would draw the same map: where the form stands on the two axes does not matter."""
    axes = {name: getattr(drawn.base, name) for name in (drawn.x, drawn.y)}
    return (drawn.x, drawn.y, drawn.xs, drawn.ys, drawn.seeds) == (
        wanted.x, wanted.y, wanted.xs, wanted.ys, wanted.seeds,
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


def open_cell(form: Form, plan: Grid, row: int, column: int, start: Callable[[Form], None]) -> None:
    """Put a cell's settings on the form and run them by themselves."""
    if not (row < len(plan.ys) and column < len(plan.xs)):
        return
    form.opened = row, column
    form.problems = []
    form.lay(plan.settings(row, column))
    if not form.locked:
        start(form)


def opening_trains(form: Form) -> bool:
    return form.opened is not None and form.watching and not form.training.done


def opened(form: Form, plan: Grid, cells: list[Cell]) -> None:
    """The cell that was opened, what its run by itself came to, and whether that is what the map says."""
    if form.opened is None:
        st.caption("Click a cell, or focus the map and use the arrow keys and Enter: its run opens here and above.")
        return
    row, column = form.opened
    square = squares(cells).get(form.opened)
    st.markdown(f"**Opened:** {quoted(cell_words(plan, row, column, square))}")
    training = form.training
    if form.locked:
        st.caption("Its settings are on the form above. Predict first, then press Run.")
    elif training is None or training.recipe.asked != plan.settings(row, column):
        kept = f" The pinned run keeps its seed, {form.pinned.seed}." if form.pinned else ""
        st.caption(f"The run in sight above is another.{kept}")
    elif training.failure:
        st.caption(f"It cannot be trained: {quoted(first_line(training.failure))}")
    elif not training.done:
        st.caption("Running it by itself.")
    elif (run := training.run()) and run.closing:
        cell = next((cell for cell in cells if (cell.row, cell.column, cell.seed) == (row, column, 0)), None)
        st.markdown(compared(run, cell))
        chart(form.key("map-curve"), curve_figure(run), run_words(run)["curve"], height=230)


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
