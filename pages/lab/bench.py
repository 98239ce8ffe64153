"""All that can be done at a lesson's bench: set, run, stop, pin, apply, undo, draw the map … It draws nothing.

What a learner presses is a verb of `Bench`. It begins by collecting what the widgets stand at: a click right after a
widget was moved comes with it in one message, and no script has run between the two.
"""

from collections.abc import Hashable, Mapping
from concurrent.futures import wait
from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st

from lessons.classroom import pace
from lessons.classroom.refusal import TooOften
from lessons.course.lesson import Lesson, Preset
from lessons.course.variation import variation
from lessons.doctor.run import diagnose
from lessons.recipe.model import Model
from lessons.recipe.recipe import Pasted, Recipe
from lessons.recipe.settings import OWN_DATA, Settings
from lessons.runs.run import Run
from lessons.sandbox.walled_pool import Busy
from lessons.server.laboratory import Training, shared
from pages.lab.brought import BROUGHT, let_go, own_model, own_table, remember_care, take_model, taken
from pages.lab.guesses import Guess, Twin, kept, newer
from pages.lab.state import LISTS, Diagnosis, Form, Luck, Map, Pin, Runs, look_at, under_way, verb
from pages.learner import identity
from pages.parts.address import Address
from pages.server.presence import session, watch

# Seconds a click waits for a run to finish before it shows what there is. A warm one takes 0.1 to 0.2 of a processor:
# shown in between, it costs a second script, and all charts are drawn twice.
FIRST_LOOK = 0.25


@dataclass
class Bench:
    """One learner's at one lesson."""

    lesson: Lesson
    form: Form
    runs: Runs = field(default_factory=Runs)
    luck: Luck = field(default_factory=Luck)
    pin: Pin = field(default_factory=Pin)
    map: Map = field(default_factory=Map)
    problems: list[str] = field(default_factory=list)  # what was asked for and cannot be had
    address: Address = field(default_factory=Address)
    guesses: dict[str, Guess] = field(default_factory=dict)  # by preset
    twins: dict[str, Twin] = field(default_factory=dict)  # by preset: asked about after a wrong guess
    measured: dict[str, tuple] = field(default_factory=dict)  # of each experiment, with what it was pressed last
    pages: Mapping[str, Any] = field(default_factory=dict)  # the course's st.Page of each slug
    presenting: bool = False
    question: int | None = None  # before a room, where the bench stands in one: it has no controls then
    redraw: bool = False  # more of the page has to be drawn than the fragment that a click is in

    def key(self, name: str) -> str:
        return self.form.key(name)

    def me(self, what: str = "run") -> Hashable:
        """Who watches a training or a map: a run (pinned or not), luck, a twin and a map are left one by one."""
        return session(), self.lesson.slug, self.question, what

    # --- what follows from it

    @property
    def changed(self) -> list[str]:
        """Fields that differ from the preset, but for a seed that the pinned run has set and the care of own data."""
        differing = self.form.settings.to_query(self.form.base)
        kept = (*OWN_DATA, *self.form.treatments)
        return [name for name in differing if not (self.pin.settings and name == "seed") and name not in kept]

    @property
    def locked(self) -> bool:
        """Whether Run waits for a prediction: the lesson's first, in self-paced mode, with what it knows."""
        return not (self.presenting or self.guesses or self.form.own)

    @property
    def asks(self) -> bool:
        """Whether predictions are asked for here."""
        return not (self.presenting or self.form.own)

    @property
    def outdated(self) -> bool:
        """Whether the training in sight is of other settings, another loss or other data than the form has now."""
        return self.runs.training is not None and self.runs.training.recipe != self.form.recipe

    # --- the form

    def collect(self) -> None:
        """Take what the widgets stand at, and the data and the loss that the session has and the switches let in."""
        if self.question is not None:
            return
        form, state = self.form, st.session_state
        form.collect()
        pasted = state.get(BROUGHT) if state.get(self.key("own"), True) else None
        table = own_table() if form.settings.takes_table and state.get(self.key("own_data"), True) else None
        before = form.pasted, form.table, form.model, form.unfit
        model, form.outset, form.unfit = own_model(form, table)
        self.redraw |= (pasted, table, model, form.unfit) != before
        if table != form.table:
            self._unpin()
            self.map.forget_table(self.me("map"))
        if pasted or model or table != form.table:
            self.luck.leave(self.luck.trainings, self.me("luck"))
        if table and table != form.table:
            self.lay(taken(form, table, first=self.runs.training is None))
        brought = model if model != form.model else None
        form.pasted, form.table, form.model = pasted, table, model
        if brought:
            self.lay(form.settings.with_changes(form.outset))
        if table:
            remember_care(form)

    def lay(self, settings: Settings) -> None:
        """Take these settings and set the widgets to them. While a run is pinned its seed stays.

        A loss that own data cannot be trained with gives way to the one like it that can.
        """
        settings = self.form.fitted(settings)
        self.form.lay(replace(settings, seed=self.pin.settings.seed) if self.pin.settings else settings)

    @verb
    def take(self, preset: Preset) -> None:
        """The preset's settings; how own data are treated stays."""
        cared = {name: getattr(self.form.settings, name) for name in self.form.treatments}
        self.form.preset, self.problems = preset, []
        self.lay(self.form.base.with_changes(cared))

    @verb
    def present(self) -> None:
        """Presenter mode on or off: larger type, no prediction asked, arrow keys step through the presets."""
        self.presenting = not self.presenting

    def forget_loss(self) -> None:
        st.session_state.pop(BROUGHT, None)

    @verb
    def train_model(self, model: Model, outset: dict[str, Any], loss: Pasted | None) -> None:
        """Train this model in place of the lesson's. `outset`: what its runs begin with. `loss`: that of its text."""
        take_model(model, outset, loss)
        self.collect()
        if self.form.model:  # else the page says why it cannot be
            self.start()

    def forget_table(self) -> None:
        """Let go of own data and of every run on them: the laboratory keeps none that nobody holds."""
        for holder in (self.runs, self.pin):
            if holder.training is not None and holder.training.recipe.table:
                holder.training.leave(self.me())
                holder.training = self.pin.comparison = self.runs.diagnosis = None
                self.runs.watching = False
        self.luck.forget_table(self.me("luck"))
        self.map.forget_table(self.me("map"))
        self.form.table, self.redraw = None, True

    # --- predictions

    def recall(self) -> None:
        """Put back what this learner predicted before: on another day, or in another browser."""
        for name, guess in kept(self.lesson, "prediction").items():
            if newer(guess, self.guesses.get(name)):
                self.guesses[name] = guess

    @verb
    def predict(self, name: str, guess: Guess) -> None:
        self.guesses[name] = guess
        guess.keep(self.lesson, name)

    def twin(self) -> Twin:
        """Of the preset on the form: the same question with other numbers."""
        preset = self.form.preset
        if preset.name not in self.twins:
            twin = Twin(variation(preset.settings), kept(self.lesson, "twin").get(preset.name))
            self.twins[preset.name] = twin
            if twin.guess is None:
                shared().prepare(Recipe(twin.settings))  # while the learner thinks
        return self.twins[preset.name]

    @verb
    def run_twin(self, twin: Twin, guess: Guess) -> None:
        twin.guess, twin.problem = guess, ""
        twin.training = shared().train(Recipe(twin.settings), self.me("twin"))

    def look_at_twin(self, twin: Twin) -> bool:
        """Whether the twin trains. Once it is done its run says which answer came true."""
        if twin.training and not twin.training.done:
            watch(twin.training, self.me("twin"))
            return True
        twin.settle(self.lesson, self.form.preset)
        return False

    # --- runs

    @verb
    def run(self) -> None:
        self.start()

    def start(self) -> None:
        """Train what is on the form. A second click on the same settings finds the first one's."""
        runs, form = self.runs, self.form
        self.problems = []  # what was wrong with an address, or why the click before was refused
        if self.outdated and runs.training is not self.pin.training:
            self._leave()
        try:
            account = identity.who() if form.walled else None
            if form.walled:
                pace.spend("clinic", account)
            runs.training = shared().train(form.recipe, self.me(), account)
            self._train_pinned()
        except (Busy, TooOften) as problem:
            self.problems = [str(problem)]
            return
        runs.watching, runs.diagnosis = True, None
        runs.presses += 1

    @verb
    def stop(self) -> None:
        """Keep what there is of the training in sight, and of the pinned one."""
        runs, pin = self.runs, self.pin
        if runs.watching:
            self._leave()
            halted = runs.training.halted()
            if pin.training is runs.training:
                pin.training = halted
            runs.training = halted
        self._stop_pinned()

    def _leave(self) -> None:
        if self.runs.watching:
            self.runs.training.leave(self.me())
            self.runs.watching = False

    def look(self) -> bool:
        """See how far the training is; after a click wait a moment for its end: most have come to it by then.

        Whether it has just ended. That settles a prediction that waits for it, and is kept of the learner.
        """
        runs = self.runs
        if not runs.watching:
            return False
        training = runs.training
        watch(training, self.me())
        if runs.looked != runs.presses:
            wait([training.job], FIRST_LOOK)
        runs.looked = runs.presses
        if training.done:
            runs.watching = False
            if not (self.outdated or self.form.own) and (run := training.run()):
                self._judge(run)
        return not runs.watching

    def _judge(self, run: Run) -> None:
        """Let a run say which answer came true, where a prediction waits for it; and keep that it was run."""
        name, slug = self.form.preset.name, self.lesson.slug
        guess = self.guesses.get(name)
        if guess and guess.outcome is None and guess.settle(self.lesson, run):
            guess.keep(self.lesson, name)
        if not self.presenting and not any(step.kind == "run" and step.name == name for step in identity.kept(slug)):
            identity.keep("run", slug, name, {"epochs": run.epochs, "changed": self.changed})

    @verb
    def measure(self, name: str, picked: tuple) -> None:
        self.measured[name] = picked

    # --- findings

    def diagnosis(self, run: Run | None) -> Diagnosis | None:
        """Of the run in sight; None while it trains."""
        runs, form = self.runs, self.form
        if run is None or runs.watching:
            return None
        if runs.diagnosis is None or runs.diagnosis.run is not run:
            found = diagnose(run)
            runs.diagnosis = Diagnosis(run, found, (*form.controls, *form.more))
            if any(finding.code == "non_finite" for finding in found) and not run.recipe.walled:
                runs.diagnosis.nan_origin = shared().nan_origin(run.recipe)
        return runs.diagnosis

    @verb
    def show(self, code: str) -> None:
        """Mark this finding in the charts."""
        self.runs.diagnosis.shown = code

    @verb
    def apply(self, settings: Settings) -> None:
        """Take these settings, keep the way back, and run."""
        before = self.form.settings
        self._lay_and_run(settings)
        self.runs.undo = before, self.form.settings

    @verb
    def undo(self) -> None:
        before, _ = self.runs.undo
        self.runs.undo = None
        self._lay_and_run(before)

    def _lay_and_run(self, settings: Settings) -> None:
        self.lay(settings)
        self.redraw = True
        self.runs.moves += 1
        self.start()

    # --- the pinned run

    @verb
    def pin_run(self) -> None:
        """Compare the next runs with the one in sight."""
        self.pin, self.redraw = Pin(self.runs.training.recipe.asked, self.runs.training), True
        self.lay(self.form.settings)  # with its seed

    def _unpin(self) -> None:
        if self.pin.training is not self.runs.training:
            self._stop_pinned()
        self.pin, self.redraw = Pin(), True

    unpin = verb(_unpin)

    @verb
    def swap(self) -> None:
        """Exchange the pinned run and the one in sight; without one, only the pinned settings come back."""
        runs, before, training = self.runs, self.pin.settings, self.runs.training
        if training is not None and training.recipe.settings.seed == before.seed:
            runs.training, self.pin = self.pin.training, Pin(training.recipe.asked, training)
            runs.watching = runs.training is not None and under_way(runs.training)
            runs.presses += 1
        self.form.preset = self.form.nearest(before)
        self.lay(before)

    def _train_pinned(self) -> None:
        """The run of the pinned settings, where there is none yet. Equal settings train once, whoever asks."""
        training = self.pin.training
        lost = training is None or training.failure or (training.job.stopped and training.run() is None)
        if self.pin.settings and lost:
            recipe = training.recipe if training else self.pin.recipe(self.form.table)
            self.pin.training = shared().train(recipe, self.me(), identity.who() if recipe.walled else None)

    def _stop_pinned(self) -> None:
        training = self.pin.training
        if training and self.waits(training):
            training.leave(self.me())
            self.pin.training = training.halted()

    def waits(self, training: Training) -> bool:
        """Whether it trains and this learner waits for it."""
        return under_way(training) and self.me() in training.watchers

    def look_at_pair(self) -> bool:
        """Wait a moment for the two that are compared. Whether one of them still trains."""
        return look_at(filter(self.waits, (self.pin.training, self.runs.training)), self.me())

    # --- luck

    @verb
    def try_seeds(self) -> None:
        """Train what is on the form with several seeds."""
        self.luck.begin(self.form.recipe, self.me("luck"))

    @verb
    def stop_luck(self) -> None:
        """What is trained stays; the others go on where somebody else watches."""
        self.luck.leave(self.luck.trainings, self.me("luck"))

    # --- the map

    @verb
    def choose_map(self) -> None:
        """Keep what the three lists stand at, for the address."""
        self.map.chosen = {name: st.session_state[self.key(name)] for name in LISTS}

    @verb
    def draw_map(self) -> None:
        """Where the settings above have changed since the button was drawn, there may be none: it says so then."""
        self.map.draw(self.form, self.me("map"))

    @verb
    def stop_map(self) -> None:
        self.map.stop(self.me("map"))

    @verb
    def open_cell(self, row: int, column: int) -> None:
        """Put a cell's settings on the form and run them by themselves."""
        plan = self.map.grid_run.grid
        if not (row < len(plan.ys) and column < len(plan.xs)):
            return
        self.map.opened, self.problems = (row, column), []
        self.lay(plan.settings(row, column))
        self.redraw = True
        if not self.locked:
            self.start()


def forget_data() -> None:
    """Let go of own data, and of every run on them."""
    let_go()
    for bench in [value for value in st.session_state.to_dict().values() if isinstance(value, Bench)]:
        bench.forget_table()
