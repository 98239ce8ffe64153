"""requirements.lock: exact versions of all that the image needs, and no address."""

from importlib.metadata import distributions

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.tools.lock import LOCK, asked_by, read, wished

PINS = {pin.name: str(pin.specifier).removeprefix("==") for pin in read(LOCK)}


def satisfied(wish: Requirement) -> bool:
    return wish.specifier.contains(PINS[canonicalize_name(wish.name)])


def test_a_line_of_the_lock_is_a_name_and_an_exact_version():
    lines = [line for line in LOCK.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert lines == [f"{name}=={pinned}" for name, pinned in sorted(PINS.items())]
    assert not [line for line in lines if set(line) & set(":/@*, ")]


def test_the_lock_satisfies_what_the_image_asks_for():
    assert all(satisfied(wish) for wish in wished())


def test_what_a_locked_package_asks_for_is_locked_too():
    """Read off the packages in .venv that have the locked version: another version may ask for something else."""
    here = {canonicalize_name(package.name): package.version for package in distributions()}
    known = [Requirement(name) for name, pinned in PINS.items() if here.get(name) == pinned]
    assert known
    for package in [*known, *(wish for wish in wished() if wish.extras)]:
        assert all(satisfied(need) for need in asked_by(package)), package
