"""Files made on a click, in Streamlit's own store of files: whoever asked gets their own, however many ask."""

import ast
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pytest
from streamlit import runtime
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.media_file_storage import MediaFileStorageError
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

import pages
from pages.parts import download
from tests.tools.screen import await_

CLASS = 60


@pytest.fixture
def files(monkeypatch) -> MediaFileManager:
    found = MediaFileManager(MemoryMediaFileStorage("/media"))
    monkeypatch.setattr(runtime, "get_instance", lambda: SimpleNamespace(media_file_mgr=found))
    monkeypatch.setattr(download, "free", type(download.free)())
    return found


def click(files: MediaFileManager, text: str, held: bool = True) -> str:
    """The address that a click on a download button gives to its browser."""
    data = download.made_on_click(lambda: text, "a.csv") if held else text.encode
    return files.execute_deferred(files.add_deferred(data, "text/csv", text, file_name="a.csv"))


def fetched(files: MediaFileManager, url: str) -> str | None:
    """The file that a browser gets, when two scripts of others have ended between the click and its asking."""
    files.remove_orphaned_files()
    files.remove_orphaned_files()
    found = files.read_file(url.rpartition("/")[2].partition(".")[0])
    return found and found.content.decode()


def test_a_file_outlives_the_scripts_of_other_learners(files):
    assert fetched(files, click(files, "held")) == "held"
    assert fetched(files, click(files, "not held", held=False)) is None


def test_a_whole_class_that_asks_at_once_gets_each_their_own(files):
    texts = [f"of learner {number}" for number in range(CLASS)]
    with ThreadPoolExecutor(CLASS) as learners:
        urls = list(learners.map(lambda text: click(files, text), texts))
    assert [fetched(files, url) for url in urls] == texts


def test_what_is_let_go_takes_nothing_else_along(files, monkeypatch):
    later = [click(files, f"of learner {number}") for number in range(CLASS)]
    monkeypatch.setattr(download, "FETCHED_AFTER", 0.01)
    gone = click(files, "first")
    monkeypatch.undo()
    await_(lambda: fetched(files, gone) is None, "the first file is let go")
    assert [fetched(files, url) for url in later] == [f"of learner {number}" for number in range(CLASS)]


def test_names_are_used_again(files, monkeypatch):
    """A server that runs for a year remembers no name for each click."""
    monkeypatch.setattr(download, "FETCHED_AFTER", 0.0)
    for number in range(CLASS):
        url = click(files, f"file {number}")
        await_(lambda: download.free, "the file is let go")
        assert fetched(files, url) is None and len(download.free) == 1


def test_a_file_whose_database_hangs_keeps_no_thread_of_the_others(files, monkeypatch):
    """Without a limit this never returns."""
    monkeypatch.setattr(download, "MADE_WITHIN", 0.05)
    answers = Event()
    hanging = files.add_deferred(download.made_on_click(lambda: str(answers.wait()), "a.csv"), "text/csv", "1")
    with pytest.raises(MediaFileStorageError):
        files.execute_deferred(hanging)
    answers.set()


def test_every_file_that_is_made_on_a_click_is_held():
    """Whoever gives `download_button` a function of their own loses the file in a class."""
    for module in Path(pages.__file__).parent.rglob("*.py"):
        for call in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "download_button":
                data = next((word.value for word in call.keywords if word.arg == "data"), None) or call.args[1]
                assert not isinstance(data, ast.Lambda), f"{module.name}:{call.lineno}"
