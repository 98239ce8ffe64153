"""What one learner has on one lesson's form: settings, the preset they came from, the training in sight.

Widgets are keyed `slug:field`, because Streamlit carries a value between equal keys on different pages.
Their values live in the form too: Streamlit forgets a widget that another page does not show.
Whenever a preset or a fix moves them they get new keys: a click made before the browser has seen that still brings the
old widgets' values along, and would undo it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st

from lessons.course.lesson import Lesson, Preset
from lessons.doctor.run.advice import NextStep
from lessons.doctor.run.finding import Finding
from lessons.recipe.bad_input import BadInput
from lessons.recipe.recipe import Pasted, Recipe
from lessons.recipe.settings import OWN_DATA, Settings
from lessons.recipe.table import Table
from lessons.runs import grid
from lessons.runs.comparison import Comparison
from lessons.runs.grid import Grid
from lessons.server.grid_run import GridRun
from lessons.server.laboratory import Training
from lessons.workers.job import Job
from pages.parts.address import Address

PRESENT = "present"
PIN = "pin."  # before the fields of the pinned run in an address
BROUGHT = "clinic:brought"  # session key of the loss that the learner wants to train
OWN = "own:table"  # session key of the learner's own data
TREATMENTS = (*OWN_DATA, "nan_fill")  # fields that say how own data are treated


@dataclass
class Guess:
    """What a learner predicted for a preset, and what the first run after it that could answer showed."""

    answer: int
    confidence: str
    outcome: int | None = None  # the answer that came true
    unanswered: bool = False  # the last run could not answer; the next may


@dataclass
class Again:
    """The twin of a preset, as far as this learner has got with it."""

    settings: Settings
    guess: Guess | None = None
    training: Training | None = None
    problem: str = ""


@dataclass
class Diagnosis:
    """What the doctor said of a run, kept as long as the run is in sight."""

    seen: tuple[int, int, int]  # which press, which run, how many epochs
    findings: tuple[Finding, ...]
    steps: tuple[NextStep, ...]
    shown: str = ""  # the code of the finding that the charts show; empty: the worst one's
    nan_origin: Job | None = None

    @property
    def in_charts(self) -> Finding | None:
        """The finding that is marked in the charts."""
        marked = (finding for finding in self.findings if self.has_marks(finding))
        return next((finding for finding in marked if self.shown in ("", finding.code)), None)

    def has_marks(self, finding: Finding) -> bool:
        return finding.cells is not None or self.band(finding) is not None

    def band(self, finding: Finding) -> tuple[int, int] | None:
        """The epochs to shade: a band over all of them would say nothing."""
        _, _, trained = self.seen
        return finding.epochs if finding.epochs != (0, trained - 1) else None


@dataclass
class Form:
    lesson: Lesson
    preset: Preset
    settings: Settings
    training: Training | None = None
    pasted: Pasted | None = None  # a loss from the clinic that is trained in place of the settings' own
    table: Table | None = None  # the learner's own data, trained on in place of the lesson's
    watching: bool = False  # the training is under way and this learner has not stopped it
    problems: list[str] = field(default_factory=list)  # what the address asked for and cannot be had
    address: Address = field(default_factory=Address)
    laid: int = 0  # how often the fields have been moved in place of the learner
    presses: int = 0  # of Run: pressed again, the same run is played again
    looked: int = 0  # the press whose run has been looked at
    delivered: str = ""  # which run the browser was sent last
    guesses: dict[str, Guess] = field(default_factory=dict)  # by preset
    again: dict[str, Again] = field(default_factory=dict)  # by preset: its twin, asked about after a wrong guess
    luck: list[Training] = field(default_factory=list)  # the same settings over several seeds
    asked: dict[str, tuple] = field(default_factory=dict)  # of each experiment, what was last measured
    pinned: Settings | None = None  # the run that the next ones are compared with; they keep its seed
    pinned_training: Training | None = None  # None: a link has pinned it, and Run trains it too
    comparison: Comparison | None = None  # the pinned run and the one in sight, as they were last compared
    map: dict[str, str] = field(default_factory=dict)  # which map is chosen, as an address says it; empty: none yet
    grid_run: GridRun | None = None  # the map in sight
    surveying: bool = False  # this learner has not stopped it
    opened: tuple[int, int] | None = None  # (row, column) of the map's cell that was opened
    diagnosis: Diagnosis | None = None  # what the doctor said of the run in sight
    undo: tuple[Settings, Settings] | None = None  # before and after the fix that was applied last
    moves: int = 0  # how often a fix has moved the controls
    drawn: tuple = ()  # what of this form the page shows
    exercised: int = 0  # how often something of the exercises was pressed
    exercised_drawn: int = 0  # how many of these presses the page shows
    pages: Mapping[str, Any] = field(default_factory=dict)  # the course's st.Page of each slug
    presenting: bool = False
    hidden: tuple[str, ...] = ()  # fields whose controls an instructor's link leaves out

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
        """Whether the learner's own loss or data are in use: no lesson knows what will come of them."""
        return bool(self.pasted or self.table)

    @property
    def recipe(self) -> Recipe:
        """What Run trains."""
        return Recipe(self.settings, self.table, self.pasted)

    def lay(self, settings: Settings) -> None:
        """Take these settings and set the widgets to them. While a run is pinned its seed stays."""
        if self.pinned:
            settings = replace(settings, seed=self.pinned.seed)
        self.settings = settings
        st.session_state[self.key("preset")] = self.preset.name
        state = st.session_state
        values = {name: getattr(settings, name) for name in (*self.lesson.controls, *self.lesson.more, *TREATMENTS)}
        if any(state.get(self.field_key(name), value) != value for name, value in values.items()):
            for name in values:
                state.pop(self.field_key(name), None)
            self.laid += 1
        for name, value in values.items():
            state[self.field_key(name)] = value

    def collect(self) -> None:
        """Take what the widgets stand at, before anything is drawn from the settings or done with them.

        A button's callback has to ask too: a click right after a widget was moved comes with it in one message, and no
        script has run between the two.
        """
        names = (*self.controls, *self.more, *self.treatments)
        shown = {name: st.session_state.get(self.field_key(name)) for name in names}
        self.settings = self.settings.with_changes({name: value for name, value in shown.items() if value is not None})

    def take(self, preset: Preset) -> None:
        self.preset = preset
        self.problems = []
        kept = {name: getattr(self.settings, name) for name in OWN_DATA} if self.table else {}
        self.lay(preset.settings.with_changes(kept))

    def query(self) -> dict[str, str]:
        """The address of this form: the preset, what differs from it, and how the page is shown."""
        shown = {"mode": PRESENT} if self.presenting else {}
        hidden = {"hide": ",".join(self.hidden)} if self.hidden else {}
        present = {"preset": self.preset.name, **self.settings.to_query(self.preset.settings)}
        return {**present, **self._query_of_pinned(), **self.map, **shown, **hidden}

    def _query_of_pinned(self) -> dict[str, str]:
        if self.pinned is None:
            return {}
        preset = self.nearest(self.pinned)
        query = {"preset": preset.name, **self.pinned.to_query(preset.settings)}
        return {PIN + name: value for name, value in query.items()}

    def read(self, query: dict[str, str]) -> None:
        """Set up what an address asks for. What cannot be had is told, the rest is taken."""
        pinned = {name.removeprefix(PIN): value for name, value in query.items() if name.startswith(PIN)}
        query = {name: value for name, value in query.items() if not name.startswith(PIN)}
        problems = [
            *self._read_pinned(pinned),
            self._read_mode(query.pop("mode", "")),
            *self._read_hidden(query.pop("hide", "")),
        ]
        chosen = {name: query.pop(name) for name in grid.QUERY if name in query}
        self.preset = self.lesson.presets[0]
        try:
            self.preset = self.lesson.preset(query.pop("preset", self.preset.name))
        except BadInput as problem:
            problems.append(str(problem))
        settings, refused = Settings.read(query, self.preset.settings)
        if self.pinned and "seed" in query and settings.seed != self.pinned.seed:
            problems.append(
                f"seed: got “{settings.seed}”; while a run is pinned it takes that run’s, {self.pinned.seed}."
            )
        self.lay(settings)
        problems.append(self._read_map(chosen))
        self.problems = [problem for problem in problems if problem] + [str(problem) for problem in refused]

    def _read_pinned(self, query: dict[str, str]) -> list[str]:
        """The pinned run that an address asks for; a run of these settings that is there already is kept."""
        before, self.pinned = self.pinned, None
        problems: list[str] = []
        if query:
            preset = self.lesson.presets[0]
            try:
                preset = self.lesson.preset(query.pop("preset", preset.name))
            except BadInput as problem:
                problems.append(str(problem))
            self.pinned, refused = Settings.read(query, preset.settings)
            problems += [str(problem) for problem in refused]
        if self.pinned != before:
            self.pinned_training = self.comparison = None
        return [f"Of the pinned run: {problem}" for problem in problems]

    def _read_map(self, query: dict[str, str]) -> str:
        self.map = {}
        try:
            if query:
                across, up = grid.size(query.get("map_size", ""))  # as asked: a field can have fewer values
                plan = Grid.from_query(query, self.lesson, self.settings)
                self.map = plan.to_query(self.lesson) | {"map_size": f"{across}x{up}"}
        except BadInput as problem:
            return str(problem)
        return ""

    def _read_mode(self, mode: str) -> str:
        self.presenting = mode == PRESENT
        return "" if mode in ("", PRESENT) else f"mode: got “{mode[:40]}”; takes {PRESENT}."

    def _read_hidden(self, names: str) -> list[str]:
        asked = [name.strip() for name in names.split(",") if name.strip()]
        here = (*self.lesson.controls, *self.lesson.more)
        self.hidden = tuple(name for name in asked if name in here)
        unknown = [name[:40] for name in asked if name not in here]
        return [f"hide: got “{name}”; this lesson has {', '.join(here)}." for name in unknown]

    def nearest(self, settings: Settings) -> Preset:
        """The preset that these settings are the fewest changes away from."""
        return min(self.lesson.presets, key=lambda preset: len(settings.to_query(preset.settings)))

    def forget_table(self) -> None:
        """Let go of own data and of every run on them."""
        for name in ("training", "pinned_training"):
            training = getattr(self, name)
            if training is not None and training.recipe.table:
                training.leave(id(self))
                setattr(self, name, None)
                self.watching, self.comparison, self.diagnosis = False, None, None
        self.leave_luck(training for training in self.luck if training.recipe.table)
        self.luck = [training for training in self.luck if not training.recipe.table]
        self.table = None

    @property
    def luck_watcher(self) -> tuple:
        """Who watches the seeds of “Is it luck?”: the run in sight can be one of them, and is left by itself."""
        return id(self), "luck"

    def leave_luck(self, trainings: Iterable[Training]) -> None:
        for training in trainings:
            training.leave(self.luck_watcher)

    @property
    def standing(self) -> tuple:
        """What the page around the panel and the map is drawn from."""
        chosen = self.settings, self.preset.name, self.presenting, self.pinned, self.pasted, self.table
        asked = tuple(self.asked.items()), tuple(map(id, self.luck)), id(self.grid_run), self.surveying
        return *chosen, self.presses, *asked

    def catch_up(self) -> None:
        """For a fragment that the browser asks for by itself: draw the whole page where more than that has changed.

        Streamlit joins a click and such an asking into one message, calls the click's callback, and then runs the one
        fragment only.
        """
        self.collect()
        if self.standing != self.drawn or self.exercised != self.exercised_drawn:
            st.rerun()

    @property
    def changed(self) -> list[str]:
        """Fields that differ from the preset, but for a seed that the pinned run has set and the care of own data."""
        differing = self.settings.to_query(self.preset.settings)
        return [name for name in differing if not (self.pinned and name == "seed") and name not in OWN_DATA]

    @property
    def locked(self) -> bool:
        """Whether Run waits for a prediction: the lesson's first, in self-paced mode, with what it knows."""
        return not (self.presenting or self.guesses or self.own)

    @property
    def outdated(self) -> bool:
        """Whether the training in sight is of other settings, another loss or other data than the form has now."""
        return self.training is not None and self.training.recipe != self.recipe


def form_of(lesson: Lesson) -> Form:
    """This learner's form for the lesson, set up from the address when that is new."""
    name = f"{lesson.slug}:form"
    form = st.session_state.get(name)
    if form is None:
        first = lesson.presets[0]
        form = st.session_state[name] = Form(lesson, first, first.settings)
    asked = form.address.news()
    if asked is not None:
        form.read(asked)
    elif form.key("preset") not in st.session_state:  # back from another page: its widgets were forgotten
        form.lay(form.settings)
    form.address.write(form.query())
    return form
