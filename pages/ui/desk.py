"""What one learner has on one lesson's desk: settings, the preset they came from, the training in sight.

Widgets are keyed `slug:field`, because Streamlit carries a value between equal keys on different pages.
Their values live in the desk too: Streamlit forgets a widget that another page does not show.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import streamlit as st

from lessons.laboratory import Training
from lessons.lesson import Lesson, Preset
from lessons.settings import BadInput, Settings


@dataclass
class Desk:
    lesson: Lesson
    preset: Preset
    settings: Settings
    training: Training | None = None
    watching: bool = False  # the training is under way and this learner has not stopped it
    problems: list[str] = field(default_factory=list)  # what the address asked for and cannot be had
    address: dict[str, str] | None = None  # the query as this desk last wrote or read it
    delivered: str = ""  # which run the browser was sent last

    def key(self, name: str) -> str:
        return f"{self.lesson.slug}:{name}"

    def lay(self, settings: Settings) -> None:
        """Take these settings and set the widgets to them."""
        self.settings = settings
        for name in (*self.lesson.controls, *self.lesson.more):
            st.session_state[self.key(name)] = getattr(settings, name)

    def take(self, preset: Preset) -> None:
        self.preset = preset
        self.problems = []
        st.session_state[self.key("preset")] = preset.name
        self.lay(preset.settings)

    def query(self) -> dict[str, str]:
        """The address of this desk: the preset, and what differs from it."""
        return {"preset": self.preset.name, **self.settings.to_query(self.preset.settings)}

    def read(self, query: dict[str, str]) -> None:
        """Set up what an address asks for. What cannot be had is told, the rest is taken."""
        query = dict(query)
        problems = []
        preset = self.lesson.presets[0]
        try:
            preset = self.lesson.preset(query.pop("preset", preset.name))
        except BadInput as problem:
            problems.append(str(problem))
        self.take(preset)
        settings, refused = Settings.read(query, preset.settings)
        self.lay(settings)
        self.problems = problems + [str(problem) for problem in refused]

    @property
    def changed(self) -> list[str]:
        """Fields that differ from the preset."""
        return list(self.settings.to_query(self.preset.settings))


def desk_of(lesson: Lesson) -> Desk:
    """This learner's desk for the lesson, set up from the address when that is new."""
    name = f"{lesson.slug}:desk"
    desk = st.session_state.get(name)
    if desk is None:
        first = lesson.presets[0]
        desk = st.session_state[name] = Desk(lesson, first, first.settings)
    asked = st.query_params.to_dict()
    if desk.address is None or (asked and asked != desk.address):
        desk.read(asked)
    elif desk.key(lesson.controls[0]) not in st.session_state:  # back from another page
        desk.lay(desk.settings)
        st.session_state[desk.key("preset")] = desk.preset.name
    write_address(desk)
    return desk


def write_address(desk: Desk) -> None:
    query = desk.query()
    if query != desk.address or st.query_params.to_dict() != query:
        desk.address = query
        st.query_params.from_dict(query)
