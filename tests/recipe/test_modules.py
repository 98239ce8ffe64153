"""Who adds a file to a package registers it nowhere."""

import importlib

from lessons.recipe import modules


def test_a_file_that_is_added_is_found_and_comes_where_it_says(tmp_path, monkeypatch):
    folder = tmp_path / "garden"
    folder.mkdir()
    for name, text in {"__init__": "", "pear": "", "apple": "", "sown": "ORDER = 1", "_tool": "raise OSError"}.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    garden = importlib.import_module("garden")
    assert modules.names(garden) == ["apple", "pear", "sown"]
    assert [module.__name__ for module in modules.imported(garden)] == ["garden.sown", "garden.apple", "garden.pear"]


def test_causes_are_looked_for_before_what_they_cause():
    from lessons.doctor.run import RUN_RULES

    codes = list(RUN_RULES.rules)
    assert codes.index("non_finite") < codes.index("mask_dropped") < codes.index("no_learning")
