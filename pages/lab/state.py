"""What one learner has on one lesson's bench: form, runs, pinned run, luck, map. What is done with them is in bench.

Widgets are keyed `slug:field`, because Streamlit carries a value between equal keys on different pages.
Their values live in the form too: Streamlit forgets a widget that another page does not show.
Whenever a preset or a fix moves them they get new keys: a click made before the browser has seen that still brings the
old widgets' values along, and would undo it.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property, wraps
from typing import Any

import streamlit as st

from lessons.course.lesson import Lesson, Preset
from lessons.doctor.run import next_steps
from lessons.doctor.run.finding import Finding
from lessons.doctor.run.next_step import NextStep
from lessons.recipe import losses
from lessons.recipe.bad_input import BadInput
from lessons.recipe.model import Model
from lessons.recipe.recipe import Pasted, Recipe
from lessons.recipe.settings import OWN_DATA, Settings
from lessons.recipe.table import Table
from lessons.runs import grid
from lessons.runs.comparison import Comparison
from lessons.runs.grid import Grid
from lessons.runs.run import Run
from lessons.server.grid_run import GridRun
from lessons.server.laboratory import ABSENT_AFTER, Training, shared
from lessons.workers.job import Job
from lessons.workers.pool import WorkerPool
from pages.server.presence import watch
from pages.server.run_news import News

LOOK = 0.3  # seconds between two pictures of several runs, or of a map that fills
LARGE_LOOK = 1.0  # the same for a map whose picture is long
LARGE = 1024  # cells
SEEDS = 5  # of “Is it luck?”
LISTS = ("map_x", "map_y", "map_size")  # widgets of the map, and their names in an address
SIZES = ("8x8", "16x16", "32x32")  # of a map
OWN_SIZES = ("5x5", "3x3")  # of one on own data
CLUSTER_SIZES = ("64x64",)  # offered where other machines train
OWN_LOSS = ("loss", "epsilon")  # fields that a pasted loss has in its text
TREATMENTS = (*OWN_DATA, "nan_fill")  # fields that say how own data are treated


@dataclass
class Form:
    """What is set, and the preset that it came from. The one place of a lesson's settings."""

    lesson: Lesson
    preset: Preset
    settings: Settings
    pasted: Pasted | None = None  # a loss from the clinic that is trained in place of the settings' own
    table: Table | None = None  # the learner's own data, trained on in place of the lesson's
    model: Model | None = None  # the learner's own, trained in place of the lesson's
    outset: dict[str, Any] = field(default_factory=dict)  # what runs with that model begin with
    unfit: str = ""  # why the learner's own model cannot be trained on the data that are in use
    hidden: tuple[str, ...] = ()  # fields whose controls an instructor's link leaves out
    laid: int = 0  # how often the fields have been moved in place of the learner

    def key(self, name: str) -> str:
        return f"{self.lesson.slug}:{name}"

    def field_key(self, name: str) -> str:
        """Of the widget of a Settings field."""
        return self.key(name) + f":{self.laid}" * (self.laid > 0)

    @property
    def controls(self) -> list[str]:
        return [name for name in self.lesson.controls if name not in self.hidden]

    @property
    def more(self) -> list[str]:
        return [name for name in self.lesson.more if name not in self.hidden]

    @property
    def treatments(self) -> list[str]:
        """Fields beside the lesson's own that own data bring along."""
        here = (*self.lesson.controls, *self.lesson.more)
        return [name for name in TREATMENTS if name not in here] if self.table else []

    @property
    def own(self) -> bool:
        """Whether the learner's own loss, data or model are in use: no lesson knows what will come of them."""
        return bool(self.pasted or self.table or self.model)

    @property
    def walled(self) -> bool:
        """Whether what Run trains runs behind the walls, where there is room for one training at a time."""
        return bool(self.pasted or self.model)

    @property
    def decided(self) -> dict[str, str]:
        """Fields that the learner's own loss or model decides, each with the reason."""
        own = dict.fromkeys(OWN_LOSS, "your loss runs") if self.pasted else {}
        return own | (self.model.idle(self.table) if self.model else {})

    @property
    def recipe(self) -> Recipe:
        """What Run trains."""
        return self.recipe_of(self.settings)

    def recipe_of(self, settings: Settings) -> Recipe:
        """The recipe of other settings with the loss, the data and the model that are in use."""
        return Recipe(settings, self.table, self.pasted, self.model)

    @property
    def base(self) -> Settings:
        """The preset's settings as own data and model need them; what differs has been changed by the learner."""
        settings, first = self.preset.settings, self.lesson.presets[0].settings
        if self.model:  # what the preset shows stays
            same = [name for name in self.outset if getattr(settings, name) == getattr(first, name)]
            settings = settings.with_changes({name: self.outset[name] for name in same})
        if self.table and self.lesson.open:
            settings = settings.with_changes(self.table.outset)
        return self.fitted(settings)

    def fitted(self, settings: Settings) -> Settings:
        """A loss that own data or an own model cannot be trained with gives way to the one like it that can."""
        if not (self.table or self.model):
            return settings
        return replace(settings, loss=losses.fitting(settings.loss, self.of_classes))

    @property
    def of_classes(self) -> bool:
        """Whether own data or an own model have classes."""
        if self.model:
            return self.model.interface.put_out.labels == "class"
        return self.table is not None and self.table.task == "classes"

    def lay(self, settings: Settings) -> None:
        """Take these settings and set the widgets to them."""
        self.settings = settings
        state = st.session_state
        state[self.key("preset")] = self.preset.name
        values = {name: getattr(settings, name) for name in (*self.lesson.controls, *self.lesson.more, *TREATMENTS)}
        if any(state.get(self.field_key(name), value) != value for name, value in values.items()):
            for name in values:
                state.pop(self.field_key(name), None)
            self.laid += 1
        for name, value in values.items():
            state[self.field_key(name)] = value

    def collect(self) -> None:
        """Take what the widgets stand at."""
        names = (*self.controls, *self.more, *self.treatments)
        shown = {name: st.session_state.get(self.field_key(name)) for name in names}
        self.settings = self.settings.with_changes({name: value for name, value in shown.items() if value is not None})

    def nearest(self, settings: Settings) -> Preset:
        """The preset that these settings are the fewest changes away from."""
        return min(self.lesson.presets, key=lambda preset: len(settings.to_query(preset.settings)))


@dataclass
class Diagnosis:
    """What the doctor said of a run, kept as long as the run is in sight."""

    run: Run
    findings: tuple[Finding, ...]
    fields: tuple[str, ...]  # that the lesson shows: one of them is what to try next
    shown: str = ""  # the code of the finding that the charts show; empty: the worst one's
    nan_origin: Job | None = None

    @cached_property
    def steps(self) -> tuple[NextStep, ...]:
        """What to try next. It takes longer than the findings, and the charts come before it."""
        return next_steps(self.run, self.findings, self.fields)

    @property
    def in_charts(self) -> Finding | None:
        """The finding that is marked in the charts."""
        marked = (finding for finding in self.findings if self.has_marks(finding))
        return next((finding for finding in marked if self.shown in ("", finding.code)), None)

    def has_marks(self, finding: Finding) -> bool:
        return finding.cells is not None or self.band(finding) is not None

    def band(self, finding: Finding) -> tuple[int, int] | None:
        """The epochs to shade: a band over all of them would say nothing."""
        return finding.epochs if finding.epochs != (0, self.run.epochs - 1) else None


@dataclass
class Runs:
    """The training in sight, and what came of it."""

    training: Training | None = None
    watching: bool = False  # the training is under way and this learner has not stopped it
    presses: int = 0  # of Run: pressed again, the same run is played again
    looked: int = 0  # the press whose run has been looked at
    diagnosis: Diagnosis | None = None
    undo: tuple[Settings, Settings] | None = None  # before and after the fix that was applied last
    moves: int = 0  # how often a fix has moved the controls
    told: News | None = None  # what the panel's browser asks after

    @property
    def run(self) -> Run | None:
        """The run in sight as far as it is trained."""
        return self.training.run() if self.training else None

    def news(self, who: Hashable) -> News:
        """What the browser of `who` asks after while the panel waits."""
        if self.told is None or self.told.training is not self.training:
            self.told = News(self.training, who)
        return self.told


@dataclass
class Pin:
    """The run that the next ones are compared with; they keep its seed."""

    settings: Settings | None = None
    training: Training | None = None  # None: a link has pinned it, and Run trains it too
    comparison: Comparison | None = None  # this run and the one in sight, as they were last compared

    def recipe(self, table: Table | None) -> Recipe:
        """That of settings which a link has pinned: it carries no loss and no model."""
        return Recipe(self.settings, table)

    def compared(self, pinned: Run, other: Run) -> Comparison:
        """The comparison of these two runs: the last one, where it is theirs."""
        before = self.comparison
        if before is None or before.pinned is not pinned or before.other is not other:
            self.comparison = Comparison(pinned, other)
        return self.comparison


@dataclass
class Luck:
    """The same settings over several seeds."""

    trainings: list[Training] = field(default_factory=list)

    def begin(self, recipe: Recipe, who: Hashable) -> None:
        settings = recipe.settings
        several = [replace(settings, seed=(settings.seed + step) % 10_000) for step in range(SEEDS)]
        before, self.trainings = self.trainings, [shared().train(Recipe(one, recipe.table), who) for one in several]
        for training in before:
            if under_way(training) and training not in self.trainings:
                training.leave(who)

    def leave(self, trainings: list[Training], who: Hashable) -> None:
        """Those of these that are under way; what is there of them stays."""
        left = [training for training in trainings if under_way(training)]
        for training in left:
            training.leave(who)
        self.trainings = [training.halted() if training in left else training for training in self.trainings]

    def forget_table(self, who: Hashable) -> None:
        self.leave([training for training in self.trainings if training.recipe.table], who)
        self.trainings = [training for training in self.trainings if not training.recipe.table]

    def look(self, who: Hashable) -> bool:
        """Wait a moment for the seeds. Whether some still train."""
        return look_at(filter(under_way, self.trainings), who)


@dataclass
class Map:
    chosen: dict[str, str] = field(default_factory=dict)  # as an address says it; empty: none yet
    grid_run: GridRun | None = None  # the one in sight
    watching: bool = False  # this learner has not stopped it
    opened: tuple[int, int] | None = None  # (row, column) of the cell that was opened

    def choice(self, form: Form) -> dict[str, str]:
        """Fields and size of the map to draw; before one is chosen, two fields that matter to these settings."""
        if self.chosen:
            return self.chosen
        still, fields, specs = form.recipe.idle(), grid.fields_of(form.lesson), form.settings.specs()
        matter = [name for name in fields if name not in still and name not in ("seed", "epochs")]
        ordered = sorted(matter, key=lambda name: specs[name].retraces)  # such as share a graph are sooner
        x, y = (*ordered, *fields)[:2]
        return {"map_x": x, "map_y": y, "map_size": sizes(form)[0]}

    def plan(self, form: Form) -> Grid:
        """Raises BadInput, which says why there is none."""
        return Grid.from_query(self.choice(form), form.lesson, form.settings, form.table)

    def draw(self, form: Form, who: Hashable) -> None:
        self.chosen = self.choice(form)
        try:
            plan = self.plan(form)
        except BadInput:
            return
        if self.grid_run is not None and self.grid_run.grid != plan:
            self.stop(who)
        self.grid_run, self.watching, self.opened = shared().grid_run(plan, who), True, None

    def forget_table(self, who: Hashable) -> None:
        """Let go of a map on own data."""
        if self.grid_run is not None and self.grid_run.grid.table:
            self.stop(who)
            self.grid_run = self.opened = None
        self.chosen = {}  # of a size that other data have no use for

    def stop(self, who: Hashable) -> None:
        if self.grid_run is not None and self.watching:
            self.grid_run.leave(who, ABSENT_AFTER)
        self.watching = False

    def look(self, who: Hashable) -> bool:
        """Wait a moment for more of a map that fills. Whether it still does, for this learner."""
        if self.grid_run is None or not self.watching or self.grid_run.done:
            return False
        watch(self.grid_run, who)
        self.grid_run.wait_beyond(len(self.grid_run.found), LARGE_LOOK if self.grid_run.grid.runs > LARGE else LOOK)
        return not self.grid_run.done


def sizes(form: Form) -> tuple[str, ...]:
    """The sizes of a map that are offered, the usual one first."""
    if form.table:
        return OWN_SIZES
    return SIZES if isinstance(shared().executor, WorkerPool) else SIZES + CLUSTER_SIZES


def verb(deed: Callable) -> Callable:
    """What a learner presses: done with what the widgets stand at now."""

    @wraps(deed)
    def done(mine, *given, **how) -> None:
        mine.collect()
        deed(mine, *given, **how)

    return done


def under_way(training: Training) -> bool:
    return not (training.done or training.job.stopped)


def look_at(trainings: Iterable[Training], who: Hashable) -> bool:
    """Wait a moment for more of the first. Whether one of them still trains."""
    waiting = list(trainings)
    for training in waiting:
        watch(training, who)
    if waiting:
        waiting[0].job.wait_beyond(len(waiting[0].job.items), LOOK)
    return not all(training.done for training in waiting)
