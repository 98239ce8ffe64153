"""The house: what is loaded where, how large a room is. Who imports whom says `make lint` (import-linter)."""

import ast
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.tools.patience import PATIENCE
from tests.tools.scheduling import GROUP_OF

ROOT = Path(__file__).parent.parent
SOURCES = sorted(path for folder in ("lessons", "pages") for path in (ROOT / folder).rglob("*.py"))
SHEETS = sorted(path for path in (ROOT / "pages").rglob("*") if path.suffix in (".js", ".css", ".html"))
LONGEST_FILE, MOST_ROOMS = 400, 20  # lines; files and folders at the top of lessons/
IN_WORKERS = {ROOT / "lessons" / "engine", ROOT / "lessons" / "doctor" / "loss"}  # and nowhere else


def in_workers(path: Path) -> bool:
    return not IN_WORKERS.isdisjoint(path.parents)


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def loaded_by(modules: list[str]) -> set[str]:
    """The top-level packages in a fresh process after importing these."""
    program = (
        "import sys, json, importlib\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    told = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert told.returncode == 0, told.stderr
    return set(json.loads(told.stdout.splitlines()[-1]))


def below(folder: str) -> list[str]:
    """All that can be imported; migrations are run by Alembic, and only there."""
    found = [path for path in SOURCES if path.is_relative_to(ROOT / folder) and not in_workers(path)]
    return [module_of(path) for path in found if "migrations" not in path.parts]


def test_lessons_load_neither_tensorflow_nor_streamlit():
    assert len(below("lessons")) > 10
    loaded = loaded_by(below("lessons"))
    assert "numpy" in loaded
    assert not loaded & {"tensorflow", "keras", "streamlit", "plotly"}


def test_pages_load_no_tensorflow():
    loaded = loaded_by(below("pages"))
    assert "streamlit" in loaded
    assert not loaded & {"tensorflow", "keras"}


@cache
def imports(path: Path, everywhere: bool) -> set[str]:
    """Full names of what a file imports: at module level, or inside functions too."""
    tree = ast.parse(path.read_text())
    found = set()

    def visit(node):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)) and not everywhere:
                continue
            if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
                continue  # for annotations only: it is not loaded
            if isinstance(child, ast.Import):
                found.update(alias.name for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{path}: relative import"
                found.update(f"{child.module}.{alias.name}" for alias in child.names)
            visit(child)

    visit(tree)
    return found


def of_lessons(path: Path) -> set[str]:
    """The modules of lessons/ that a file imports at module level, without the prefix."""
    names = (name.split(".") for name in imports(path, everywhere=False))
    return {parts[1] for parts in names if parts[0] == "lessons" and len(parts) > 1}


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_imports_go_one_way(path):
    at_top, anywhere = imports(path, everywhere=False), imports(path, everywhere=True)
    packages = {name.partition(".")[0] for name in at_top}
    if not in_workers(path):
        assert not packages & {"tensorflow", "keras"}
        assert "engine" not in of_lessons(path)
    if path.is_relative_to(ROOT / "lessons"):
        assert not {name.partition(".")[0] for name in anywhere} & {"streamlit", "pages"}


def test_a_lesson_file_loads_libraries_inside_functions_only():
    files = sorted((ROOT / "lessons" / "catalog").glob("*.py"))
    assert len(files) > 1
    for path in files:
        packages = {name.partition(".")[0] for name in imports(path, everywhere=False)}
        assert packages <= {"lessons", "numpy", *sys.stdlib_module_names}, path


def test_each_package_says_in_one_sentence_what_it_is():
    packages = [path for path in SOURCES if path.name == "__init__.py" and "migrations" not in path.parts]
    assert len(packages) > 20
    for path in packages:
        said = (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]
        assert said.endswith("."), path


def test_importing_lessons_imports_nothing_of_ours():
    tree = ast.parse((ROOT / "lessons" / "__init__.py").read_text())
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]


def test_a_lesson_is_loaded_when_it_is_asked_for():
    program = (
        "import sys\nfrom lessons.course.discovery import find\n"
        "before = {name for name in sys.modules if name.startswith('lessons.catalog.')}\n"
        "find('nan_labels')\n"
        "after = {name for name in sys.modules if name.startswith('lessons.catalog.')}\n"
        "print(sorted(before), sorted(after))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert done.stdout.split("\n")[0] == "[] ['lessons.catalog.nan_labels']", done.stderr


@pytest.mark.parametrize("path", [*SOURCES, *SHEETS], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_file_is_one_room(path):
    assert len(path.read_text().splitlines()) <= LONGEST_FILE


def buttons(tree: ast.Module) -> list[ast.Call]:
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr.endswith("button")]


def test_what_is_pressed_is_done_in_a_callback():
    """A script that is drawn anew before it comes to its button forgets that it was pressed; a callback comes first."""
    asked, drawn = [], 0
    for path in (path for path in SOURCES if path.is_relative_to(ROOT / "pages")):
        tree = ast.parse(path.read_text())
        alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        asked += [f"{path.name}:{call.lineno}" for call in buttons(tree) if id(call) not in alone]
        drawn += len(buttons(tree))
    assert drawn > 10 and not asked, "what a button returns is used"


def test_the_top_of_lessons_can_be_taken_in_at_a_glance():
    rooms = {path.relative_to(ROOT / "lessons").parts[0] for path in SOURCES if path.is_relative_to(ROOT / "lessons")}
    assert len(rooms) <= MOST_ROOMS, sorted(rooms)


def test_what_is_scheduled_is_there():
    assert [file for file in GROUP_OF if not (ROOT / file).is_file()] == []
