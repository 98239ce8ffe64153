"""What may import what (DESIGN §1). The server must stay without TensorFlow, lessons/ without Streamlit."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted(path for folder in ("lessons", "pages") for path in (ROOT / folder).rglob("*.py"))
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
    told = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
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


def imports(path: Path, everywhere: bool) -> set[str]:
    """Full names of what a file imports: at module level, or inside functions too."""
    tree = ast.parse(path.read_text())
    found = set()

    def visit(node):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)) and not everywhere:
                continue
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


ALLOWED = {
    "losses": set(),
    "plain": set(),
    "numeral": set(),
    "settings": {"data", "losses", "numeral"},
    "data": set(),
    "table": {"numeral", "settings"},
    "idle": {"data", "losses", "recipe", "settings"},
    "recipe": {"data", "idle", "settings", "table"},
    "run": {"losses", "data", "plain", "recipe", "settings"},
    "exercise": {"run", "settings"},
    "lesson": {"run", "settings", "experiment", "exercise"},
    "figures": {"data", "run", "settings"},
    "outcome": {"run"},
    "atlas": {"lesson", "numeral", "outcome", "plain", "recipe", "run", "settings"},
    "survey": {"atlas", "pool", "settings"},
    "jobs": {"atlas", "doctor", "recipe", "run"},
    "worker": set(),
    "pool": {"numeral"},
}


@pytest.mark.parametrize("name", ALLOWED)
def test_a_module_knows_only_what_is_below_it(name):
    assert of_lessons(ROOT / "lessons" / f"{name}.py") <= ALLOWED[name]


def test_the_doctor_of_runs_knows_only_runs():
    files = sorted((ROOT / "lessons" / "doctor" / "run").rglob("*.py"))
    assert len(files) > 5
    for path in files:
        assert of_lessons(path) <= {"data", "doctor", "losses", "outcome", "plain", "recipe", "run", "settings"}, path


def test_a_lesson_file_knows_only_what_a_lesson_is_made_of():
    files = sorted((ROOT / "lessons" / "catalog").glob("*.py"))
    assert len(files) > 1
    for path in files:
        assert of_lessons(path) <= {"lesson", "exercise", "experiment", "settings"}, path
