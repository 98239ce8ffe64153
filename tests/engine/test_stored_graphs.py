"""Stored graphs: to the bit what was traced, and never used where anything about a file is odd."""

import gc
import os
import shutil
import stat
import weakref
from dataclasses import replace

import pytest

from lessons.course.discovery import LESSONS
from lessons.engine import graph_files, pasted_loss
from lessons.engine import train as engine
from lessons.engine.graph import Graph
from lessons.engine.graph_files import KEY, GraphFiles
from lessons.engine.nan_search import nan_origin
from lessons.engine.stored_graph import NewGraph, Store, StoredGraph, name_of
from lessons.engine.train import trained
from lessons.families.recurrent import Recurrent
from lessons.recipe.recipe import Pasted, Recipe
from lessons.runs.run import Run
from tests.engine.test_engine import same
from tests.engine.test_own_data import SAMPLE
from tests.tools.selection import first

TINY = Recurrent(sequences=4, timesteps=4, units=2, epochs=7, padded_labels="garbage")
OTHER = replace(TINY, units=3)
BETWEEN = list(Recurrent.specs()["between"].options)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A new folder for graphs, used by this process."""
    place = tmp_path / "graphs"
    monkeypatch.setattr(engine, "store", Store(GraphFiles(place)))
    engine.traced.cache_clear()
    yield place
    engine.traced.cache_clear()


def graph_of(settings) -> Graph:
    return engine.traced(Recipe(settings).structure())


def kept(folder) -> list:
    return [file for file in folder.iterdir() if file.name != KEY]


def new_process() -> None:
    """As far as graphs go: none is in memory."""
    engine.traced.cache_clear()


def assert_the_same_when_stored(settings) -> Run:
    before = trained(Recipe(settings))
    assert type(graph_of(settings)) is NewGraph
    others = {"seed": settings.seed + 1, "learning_rate": 0.003}
    other = trained(Recipe(settings.with_changes(others)))
    new_process()
    assert same(trained(Recipe(settings.with_changes(others))), other)
    after = trained(Recipe(settings))
    graph = graph_of(settings)
    assert type(graph) is StoredGraph and graph.traces == 0
    assert "built" not in vars(graph), "its model was built"
    assert same(after, before)
    assert (after.opening, after.snapshot.scores is None) == (before.opening, before.snapshot.scores is None)
    return after


PRESETS = {Recipe(preset.settings).structure(): preset for lesson in LESSONS.values() for preset in lesson.presets}
EPSILON = [preset for preset in PRESETS.values() if preset.settings.epsilon]  # what constant folding makes of it counts


@pytest.mark.parametrize("preset", first(1, [*EPSILON[:1], *LESSONS["layer_ate_mask"].presets[:1], *PRESETS.values()]))
def test_a_preset_trains_to_the_bit_as_when_it_was_traced(folder, preset):
    assert_the_same_when_stored(replace(preset.settings, epochs=min(preset.settings.epochs, 20)))


MORE = [
    {"between": "attention"},
    {"cell": "gru", "batch_size": 3},
    {"optimizer": "rmsprop", "clipping": "global_clipnorm"},
    {"output": "last_step", "batch_size": 3},
    *({"between": between} for between in BETWEEN if between != "attention"),
]


@pytest.mark.parametrize("change", first(1, MORE))
def test_settings_train_to_the_bit_as_when_they_were_traced(folder, change):
    assert_the_same_when_stored(replace(TINY, **change))


def test_a_graph_that_is_dropped_is_gone(folder):
    """Without the garbage collector, which comes seldom: a worker that goes on to other lessons grew by 6 MB each."""
    trained(Recipe(TINY))
    new_process()
    trained(Recipe(TINY))
    graph = weakref.ref(graph_of(TINY))
    gc.disable()
    try:
        new_process()
        assert graph() is None
    finally:
        gc.enable()


def test_a_nan_is_found_in_a_stored_graph(folder):
    recipe = Recipe(replace(TINY, sequences=8, nan_share=0.5, mask="none", epochs=5))
    trained(recipe)
    found = nan_origin(recipe)
    new_process()
    assert found is not None and nan_origin(recipe) == found
    assert type(graph_of(recipe.settings)) is StoredGraph
    again = trained(recipe)  # with the variables of the model that was looked at
    new_process()
    assert same(again, trained(recipe))


def flip(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def cut(file):
    file.write_bytes(file.read_bytes()[:-1])


def link(file):
    other = file.with_name(".elsewhere")
    file.rename(other)
    file.symlink_to(other)


def exchange(file):
    """A good file under another's name."""
    (other,) = set(kept(file.parent)) - {file}
    os.replace(other, file)


ODD = {
    "one bit": flip,
    "cut": cut,
    "empty": lambda file: file.write_bytes(b""),
    "open to others": lambda file: file.chmod(0o644),
    "a link": link,
    "another's": exchange,
    "another key": lambda file: file.with_name(KEY).write_bytes(bytes(32)),
}


@pytest.fixture(scope="module")
def traced_before(tmp_path_factory):
    """A folder with the graph of TINY, and what that was trained to."""
    place = tmp_path_factory.mktemp("before") / "graphs"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "store", Store(GraphFiles(place)))
        engine.traced.cache_clear()
        run = trained(Recipe(TINY))
        trained(Recipe(OTHER))
    engine.traced.cache_clear()
    return place, run


@pytest.fixture
def copied(traced_before, folder, monkeypatch):
    """The file of TINY's graph in a folder of the test's own, with the key that signed it."""
    shutil.copytree(traced_before[0], folder, dirs_exist_ok=True)
    monkeypatch.setattr(engine, "store", Store(GraphFiles(folder)))
    (file,) = (file for file in kept(folder) if file.name == name_of(Recipe(TINY).structure()))
    assert type(graph_of(TINY)) is StoredGraph
    new_process()
    return file


@pytest.mark.parametrize("odd", ODD)
def test_what_is_odd_is_not_used(folder, copied, monkeypatch, odd):
    ODD[odd](copied)
    monkeypatch.setattr(engine, "store", Store(GraphFiles(folder)))
    assert type(graph_of(TINY)) is NewGraph


def test_a_file_that_is_no_graph_is_traced_anew(folder, copied, traced_before):
    engine.store.files.write(copied.name, b"no graph, and rightly signed")
    assert same(trained(Recipe(TINY)), traced_before[1])
    assert type(graph_of(TINY)) is NewGraph


def test_another_source_or_version_is_another_graph(folder, monkeypatch):
    one = graph_files.name_of(TINY, "1.0")
    assert one == graph_files.name_of(TINY, "1.0")
    assert one != graph_files.name_of(TINY, "1.1")
    assert one != graph_files.name_of(replace(TINY, units=3), "1.0")
    monkeypatch.setattr(graph_files, "surroundings", lambda: ("another source",))
    assert one != graph_files.name_of(TINY, "1.0")


def test_the_folder_is_ours_alone(folder, tmp_path, monkeypatch):
    trained(Recipe(TINY))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    monkeypatch.setenv(graph_files.PLACE, str(folder))
    assert graph_files.opened().key == engine.store.files.key
    folder.chmod(0o755)
    assert graph_files.opened() is None
    monkeypatch.setenv(
        graph_files.PLACE, str(graph_files.ROOT / "engine" / "graphs")
    )  # code from strangers reads there
    assert graph_files.opened() is None and not (graph_files.ROOT / "engine" / "graphs").exists()
    monkeypatch.setenv(graph_files.PLACE, "none")
    assert graph_files.opened() is None
    monkeypatch.setenv(graph_files.PLACE, str(tmp_path / "file" / "below"))
    (tmp_path / "file").touch()
    assert graph_files.opened() is None


def test_nothing_of_a_learner_is_kept(folder):
    trained(Recipe(TINY, SAMPLE))
    assert kept(folder) == []
    pasted = Pasted("def loss(y_true, y_pred):\n    return (y_true - y_pred) ** 2\n")
    assert type(pasted_loss.graph(Recipe(TINY, pasted=pasted).structure())) is Graph
    assert kept(folder) == []


def test_the_files_that_were_not_used_for_longest_go(tmp_path, monkeypatch):
    monkeypatch.setattr(graph_files, "MOST", 2)
    files = GraphFiles(tmp_path / "graphs")
    for number, name in enumerate("ab"):
        files.write(name, name.encode())
        os.utime(tmp_path / "graphs" / name, (number, number))
    files.read("a")
    files.write("c", b"c")
    assert [files.read(name) for name in "abc"] == [b"a", None, b"c"]
