"""The modules of a package, found by looking: who adds a file registers it nowhere."""

import importlib
import pkgutil
from types import ModuleType

LAST = 100  # of a module that does not say its ORDER


def names(package: ModuleType) -> list[str]:
    """Of its modules, sorted; those that begin with an underscore are left out."""
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__) if module.name[0] != "_")


def imported(package: ModuleType) -> list[ModuleType]:
    """Its modules, each imported, in the order of their constants `ORDER`; equals by their names."""
    found = [importlib.import_module(f"{package.__name__}.{name}") for name in names(package)]
    return sorted(found, key=order)


def order(module: ModuleType) -> int:
    return getattr(module, "ORDER", LAST)
