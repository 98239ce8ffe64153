"""What one learner has on one lesson's desk: settings, the preset they came from, the training in sight.

Widgets are keyed `slug:field`, because Streamlit carries a value between equal keys on different pages.
Their values live in the desk too: Streamlit forgets a widget that another page does not show.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import streamlit as st

from lessons.doctor.orders import Pasted
from lessons.laboratory import Training
from lessons.lesson import Lesson, Preset
from lessons.settings import BadInput, Settings
from pages.ui.address import Address

PRESENT = "present"
BROUGHT = "clinic:brought"  # session key of the loss that the learner wants to train


@dataclass
class Guess:
    """What a learner predicted for a preset, and what the first run after it showed."""

    answer: int
    confidence: str
    outcome: int | None = None  # the answer that came true


@dataclass
class Desk:
    lesson: Lesson
    preset: Preset
    settings: Settings
    training: Training | None = None
    pasted: Pasted | None = None  # a loss from the clinic that is trained in place of the settings' own
    watching: bool = False  # the training is under way and this learner has not stopped it
    problems: list[str] = field(default_factory=list)  # what the address asked for and cannot be had
    address: Address = field(default_factory=Address)
    presses: int = 0  # of Run: pressed again, the same run is played again
    looked: int = 0  # the press whose run has been looked at
    delivered: str = ""  # which run the browser was sent last
    guesses: dict[str, Guess] = field(default_factory=dict)  # by preset
    luck: list[Training] = field(default_factory=list)  # the same settings over several seeds
    presenting: bool = False
    hidden: tuple[str, ...] = ()  # fields whose controls an instructor's link leaves out

    def key(self, name: str) -> str:
        return f"{self.lesson.slug}:{name}"

    @property
    def controls(self) -> list[str]:
        return [name for name in self.lesson.controls if name not in self.hidden]

    @property
    def more(self) -> list[str]:
        return [name for name in self.lesson.more if name not in self.hidden]

    def lay(self, settings: Settings) -> None:
        """Take these settings and set the widgets to them."""
        self.settings = settings
        st.session_state[self.key("preset")] = self.preset.name
        for name in (*self.lesson.controls, *self.lesson.more):
            st.session_state[self.key(name)] = getattr(settings, name)

    def collect(self) -> None:
        """Take what the widgets stand at, before anything is drawn from the settings."""
        shown = {name: st.session_state.get(self.key(name)) for name in (*self.controls, *self.more)}
        self.settings = self.settings.with_changes({name: value for name, value in shown.items() if value is not None})

    def take(self, preset: Preset) -> None:
        self.preset = preset
        self.problems = []
        self.lay(preset.settings)

    def query(self) -> dict[str, str]:
        """The address of this desk: the preset, what differs from it, and how the page is shown."""
        shown = {"mode": PRESENT} if self.presenting else {}
        hidden = {"hide": ",".join(self.hidden)} if self.hidden else {}
        return {"preset": self.preset.name, **self.settings.to_query(self.preset.settings), **shown, **hidden}

    def read(self, query: dict[str, str]) -> None:
        """Set up what an address asks for. What cannot be had is told, the rest is taken."""
        query = dict(query)
        problems = [self._read_mode(query.pop("mode", "")), *self._read_hidden(query.pop("hide", ""))]
        self.preset = self.lesson.presets[0]
        try:
            self.preset = self.lesson.preset(query.pop("preset", self.preset.name))
        except BadInput as problem:
            problems.append(str(problem))
        settings, refused = Settings.read(query, self.preset.settings)
        self.lay(settings)
        self.problems = [problem for problem in problems if problem] + [str(problem) for problem in refused]

    def _read_mode(self, mode: str) -> str:
        self.presenting = mode == PRESENT
        return "" if mode in ("", PRESENT) else f"mode: got “{mode[:40]}”; takes {PRESENT}."

    def _read_hidden(self, names: str) -> list[str]:
        asked = [name.strip() for name in names.split(",") if name.strip()]
        here = (*self.lesson.controls, *self.lesson.more)
        self.hidden = tuple(name for name in asked if name in here)
        unknown = [name[:40] for name in asked if name not in here]
        return [f"hide: got “{name}”; this lesson has {', '.join(here)}." for name in unknown]

    @property
    def changed(self) -> list[str]:
        """Fields that differ from the preset."""
        return list(self.settings.to_query(self.preset.settings))

    @property
    def locked(self) -> bool:
        """Whether Run waits for a prediction: the lesson's first, in self-paced mode, with a loss that it knows."""
        return not (self.presenting or self.guesses or self.pasted)

    @property
    def outdated(self) -> bool:
        """Whether the training in sight is of other settings or another loss than the desk has now."""
        training = self.training
        return training is not None and (training.settings, training.pasted) != (self.settings, self.pasted)


def desk_of(lesson: Lesson) -> Desk:
    """This learner's desk for the lesson, set up from the address when that is new."""
    name = f"{lesson.slug}:desk"
    desk = st.session_state.get(name)
    if desk is None:
        first = lesson.presets[0]
        desk = st.session_state[name] = Desk(lesson, first, first.settings)
    asked = desk.address.news()
    if asked is not None:
        desk.read(asked)
    elif desk.key("preset") not in st.session_state:  # back from another page: its widgets were forgotten
        desk.lay(desk.settings)
    desk.address.write(desk.query())
    return desk
