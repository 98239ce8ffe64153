"""What an address asks of a bench, and what it says of one."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from lessons.course.lesson import Lesson, Preset
from lessons.recipe.bad_input import BadInput
from lessons.recipe.settings import Settings
from lessons.runs import grid
from lessons.runs.grid import Grid
from pages.lab.bench import Bench
from pages.lab.state import Form, Pin
from pages.learner import identity

PRESENT = "present"
PIN = "pin."  # before the fields of the pinned run in an address


def bench_of(lesson: Lesson, pages: Mapping[str, Any]) -> Bench:
    """This learner's bench for a page that opens: set up from the address when that is new, with what was kept."""
    name = f"{lesson.slug}:bench"
    bench: Bench | None = st.session_state.get(name)
    if bench is None:
        first = lesson.presets[0]
        bench = st.session_state[name] = Bench(lesson, Form(lesson, first, first.settings))
    asked = bench.address.news(["preset"])
    if asked is not None:
        read(bench, asked)
    elif bench.key("preset") not in st.session_state:  # back from another page: its widgets were forgotten
        bench.lay(bench.form.settings)
    bench.collect()
    bench.pages, bench.redraw = pages, False
    if not (bench.presenting or lesson.open):
        identity.moved(lesson.slug)
        bench.recall()
    bench.address.write(query(bench), opening=True)
    return bench


def query(bench: Bench) -> dict[str, str]:
    """The preset, what differs from it, the pinned run, the map, and how the page is shown."""
    form = bench.form
    pinned = {PIN + name: value for name, value in named(form, bench.pin.settings).items()}
    shown = {"mode": PRESENT} if bench.presenting else {}
    hidden = {"hide": ",".join(form.hidden)} if form.hidden else {}
    own = {"preset": form.preset.name, **form.settings.to_query(form.preset.settings)}
    return {**own, **pinned, **bench.map.chosen, **shown, **hidden}


def named(form: Form, settings: Settings | None) -> dict[str, str]:
    """Settings as the nearest preset and what differs from it."""
    if settings is None:
        return {}
    preset = form.nearest(settings)
    return {"preset": preset.name, **settings.to_query(preset.settings)}


def read(bench: Bench, asked: dict[str, str]) -> None:
    """Set up what an address asks for. What cannot be had is told, the rest is taken."""
    form, lesson = bench.form, bench.lesson
    pinned = {name.removeprefix(PIN): value for name, value in asked.items() if name.startswith(PIN)}
    asked = {name: value for name, value in asked.items() if not name.startswith(PIN)}
    problems = [f"Of the pinned run: {problem}" for problem in read_pinned(bench, pinned)]
    if (mode := asked.pop("mode", "")) not in ("", PRESENT):
        problems.append(f"mode: got “{mode[:40]}”; takes {PRESENT}.")
    bench.presenting = mode == PRESENT
    here = (*lesson.controls, *lesson.more)
    hide = [name.strip() for name in asked.pop("hide", "").split(",") if name.strip()]
    form.hidden = tuple(name for name in hide if name in here)
    problems += [f"hide: got “{name[:40]}”; this lesson has {', '.join(here)}." for name in hide if name not in here]
    chosen = {name: asked.pop(name) for name in grid.QUERY if name in asked}
    form.preset, settings, refused = set_up(lesson, asked)
    held = bench.pin.settings
    if held and "seed" in asked and settings.seed != held.seed:
        problems.append(f"seed: got “{settings.seed}”; while a run is pinned it takes that run’s, {held.seed}.")
    bench.lay(settings)
    bench.map.chosen = {}
    try:
        bench.map.chosen = read_map(bench, chosen)
    except BadInput as problem:
        problems.append(str(problem))
    bench.problems = problems + refused


def set_up(lesson: Lesson, asked: dict[str, str]) -> tuple[Preset, Settings, list[str]]:
    """A preset, what differs from it, and what is wrong."""
    preset, problems = lesson.presets[0], []
    try:
        preset = lesson.preset(asked.get("preset", preset.name))
    except BadInput as problem:
        problems.append(str(problem))
    settings, refused = Settings.read({name: asked[name] for name in asked if name != "preset"}, preset.settings)
    return preset, settings, problems + [str(problem) for problem in refused]


def read_pinned(bench: Bench, asked: dict[str, str]) -> list[str]:
    """Pin what an address asks for; a run of these settings that is there already is kept."""
    settings: Settings | None = None
    problems: list[str] = []
    if asked:
        _, settings, problems = set_up(bench.lesson, asked)
    if settings != bench.pin.settings:
        bench.pin = Pin(settings)
    return problems


def read_map(bench: Bench, chosen: dict[str, str]) -> dict[str, str]:
    if not chosen:
        return {}
    across, up = grid.size(chosen.get("map_size", ""))  # as asked: a field can have fewer values
    return Grid.from_query(chosen, bench.lesson, bench.form.settings).to_query(bench.lesson) | {
        "map_size": f"{across}x{up}"
    }
