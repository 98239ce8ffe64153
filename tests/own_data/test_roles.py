"""What columns are taken for where nobody says it, and what is said; windows, splits, and what they refuse."""

import numpy as np
import pytest

from lessons.families.recurrent import Recurrent
from lessons.own_data.brought import Brought
from lessons.recipe.bad_input import BadInput
from lessons.recipe.data import training_batch, validation_batch
from lessons.recipe.recipe import Recipe
from lessons.recipe.settings import CELLS

PLAIN = Recurrent()


def brought(text: str, **given) -> Brought:
    return Brought.parse(text.encode(), "mine.csv", given)


def rows(header: str, row: str, count: int = 60, **names) -> str:
    """A file of `count` rows; in the text of a row k is its number, g its block of ten, and p its place there."""
    filled = (
        row.format(k=k, g=k // 10, p=k % 10, v=round(np.sin(k), 4), w=round(np.cos(k * 2), 4)) for k in range(count)
    )
    return "\n".join([header, *filled, ""])


def said(mine: Brought) -> tuple:
    roles = mine.roles
    return roles.sequence, roles.time, roles.label, roles.ahead, roles.features, roles.classes


GUESSED = {
    "a date and a number": (("date,co2", "20{k:02d}-01-31,{v}"), ("", "date", "co2", 1, ("co2",), False)),
    "a year and a number": (("YEAR,SUN", "{k},{v}"), ("", "YEAR", "SUN", 1, ("SUN",), False)),
    "a remark beside a measurement": (
        ("date,co2,quality", "20{k:02d}-01-31,{v},q{p}"),
        ("", "date", "co2", 1, ("co2", "quality"), False),
    ),
    "one column": (("x", "{v}"), ("", "", "x", 1, ("x",), False)),
    "a panel, its columns in any order": (
        ("invest,value,capital,firm,year", "{v},{w},{k}.5,firm {g},{p}"),
        ("firm", "year", "capital", 0, ("invest", "value"), False),
    ),
    "classes of whole sequences": (
        ("sequence,step,a,speaker", "{g},{p},{v},s{g}"),
        ("sequence", "step", "speaker", 0, ("a",), True),
    ),
    "classes of steps, as texts": (
        ("date,rain,wind,weather", "20{k:02d}-01-31,{v},{w},x{p}"),
        ("", "date", "weather", 0, ("rain", "wind"), True),
    ),
    "names of rows": (("Unnamed: 0,when,a,y", "{k},{k},{v},{w}"), ("", "when", "y", 0, ("a",), False)),
    "blocks without a name": (("n,a,y", "{g},{v},{w}"), ("n", "", "y", 0, ("a",), False)),
    "an id that only times tell": (
        ("place,date,a,y", "{p}!,2024-01-1{g},{v},{w}"),
        ("place", "date", "y", 0, ("a",), False),
    ),
}


@pytest.mark.parametrize("case", GUESSED)
def test_what_columns_are_taken_for(case):
    (header, row), wanted = GUESSED[case]
    count = 100 if case == "blocks without a name" else 60
    assert said(brought(rows(header, row, count))) == wanted


def test_roles_that_are_said_are_taken_and_the_rest_is_guessed_around_them():
    text = rows("firm,year,a,b,kind", "f{g},{p},{v},{w},k{p}")
    assert said(brought(text, label="a", ahead=2)) == ("firm", "year", "a", 2, ("a", "b", "kind"), False)
    assert said(brought(text, label="B", sequence="", time=""))[:3] == ("", "", "b")
    again = brought(text).with_roles(label="kind")
    assert again.roles.classes and again.file is not None and again.with_roles(label="a").file is again.file
    for given, wanted in (
        ({"label": "nope"}, "column “nope”: there is none; the file has firm, year"),
        ({"label": "kind", "classes": False}, "its labels are texts"),
        ({"label": "a", "classes": True}, "different labels; as classes 2 to 50 are taken"),
        ({"ahead": -1}, "ahead: got -1; takes 0 to 1000 steps."),
        ({"time": "kind"}, "its times are texts"),
        ({"length": 50, "sequence": ""}, "make the windows shorter"),
    ):
        with pytest.raises(BadInput, match=wanted.replace("(", "\\(")):
            brought(text, **given).table  # noqa: B018


def test_a_table_with_a_column_per_time_is_turned():
    wide = "YEAR," + ",".join(["JAN", "FEB", "MAR", "APR", "MAY", "JUN"]) + "\n"
    mine = brought(wide + "".join(f"{1950 + k}," + ",".join(f"{k + m / 8}" for m in range(6)) + "\n" for k in range(9)))
    assert mine.sheet.turned and said(mine) == ("YEAR", "time", "value", 1, ("value",), False)
    assert mine.table.series[2].x[:, 0].tolist() == [2 + m / 8 for m in range(5)]
    assert mine.table.series[2].y.tolist() == [2 + m / 8 for m in range(1, 6)]
    assert not Brought(mine.name, mine.file, {}, turn=False).sheet.turned
    years = "country,code," + ",".join(map(str, range(1960, 1975))) + "\n"
    mine = brought(years + "".join(f"c{k},{k}," + ",".join(f"{k}.{m}" for m in range(15)) + "\n" for k in range(7)))
    assert mine.roles.sequence == "country" and mine.table.columns.features == ("value",)
    features = brought(rows("x1,x2,x3,x4,x5,y", "{v},{w},{v},{w},{v},{k}.5"))
    assert not features.sheet.turned, "x1, x2 … are features"


# --- windows and what is held out


def long(count: int, **given) -> Brought:
    return brought(rows("t,v", "{k},{k}.5", count), label="v", features=["v"], **given)


@pytest.mark.parametrize(
    ("count", "given"), [(9, {}), (100, {}), (309, {"ahead": 3}), (2000, {"length": 30, "stride": 1})]
)
def test_windows_of_one_series_are_parted_by_time_a_window_apart(count, given):
    mine = long(count, **given)
    table, length, ahead = mine.table, mine.roles.length, mine.roles.ahead
    training, held_out = (np.array([one.x[[0, -1], 0] for one in part]) for part in table.split(PLAIN))
    assert len(training) >= 2 and len(held_out) >= 1
    assert held_out[:, 0].min() - training[:, 1].max() > length + ahead, "no step and no label is on both sides"
    assert {len(one.y) for one in table.series} == {length}
    for one in table.series:
        assert (one.y - one.x[:, 0] == ahead).all()


def test_a_seed_draws_nothing_of_a_split_by_time_but_which_windows_are_taken():
    few, many = long(300).table, long(5000, length=24, stride=1).table
    splits = [[[one.id for one in part] for part in few.split(Recurrent(seed=seed))] for seed in range(3)]
    assert splits[0] == splits[1] == splits[2]
    drawn = {tuple(one.id for one in many.split(Recurrent(seed=seed))[0]) for seed in range(3)}
    assert len(drawn) == 3 and many.sizes(PLAIN)[0] == CELLS // 24 and many.left_out(PLAIN) > 0
    assert Recipe(PLAIN, many).settings.sequences == CELLS // 24


def test_windows_of_one_id_stay_together():
    text = rows("id,t,a,y", "{g},{p},{v},{w}", 120)
    table = brought(text, length=4, stride=2).table
    for seed in range(5):
        training, held_out = ({one.group for one in part} for part in table.split(Recurrent(seed=seed)))
        assert not training & held_out and held_out and len(training) > len(held_out)
    assert len(table.series) == 12 * 4


def test_one_id_that_has_most_of_the_rows_is_trained():
    text = many("id,a,y", lambda k: f"{'big' if k < 400 else k},{k},{k}.5", 420)
    table = brought(text, sequence="id", length=4, stride=4).table
    training, held_out = table.sizes(PLAIN)
    assert training > 2 * held_out > 0


def test_what_is_held_out_says_nothing_of_scale_fill_and_categories():
    text = "id,t,a,kind,y\n" + "".join(
        f"{k},{t},{k if t else ''},{'abcdef'[k % 6]},{k + t}\n" for k in range(12) for t in range(4)
    )
    care = {"scale": "standard", "input_fill": "mean"}
    for one_hot in (True, False):
        mine = brought(text, one_hot=one_hot)
        held = [int(one.id) for one in mine.table.split(PLAIN)[1]]
        other = "id,t,a,kind,y\n" + "".join(
            f"{k},{t},{(1e6 if k in held else k) if t else ''},{'abcdef'[k % 6]},{1e6 if k in held else k + t}\n"
            for k in range(12) for t in range(4)
        )  # fmt: skip
        both = [
            Recipe(PLAIN.with_changes(care), table) for table in (mine.table, brought(other, one_hot=one_hot).table)
        ]
        np.testing.assert_array_equal(training_batch(both[0]).x, training_batch(both[1]).x)
        np.testing.assert_array_equal(training_batch(both[0]).y, training_batch(both[1]).y)
        assert (validation_batch(both[0]).x != validation_batch(both[1]).x).any()


def test_a_category_that_training_has_not_seen_is_missing():
    text = "id,t,kind,y\n" + "".join(f"{k},{t},only{k},{k + t}\n" for k in range(6) for t in range(3))
    table = brought(text, sequence="id", features=["kind"]).table
    recipe = Recipe(PLAIN, table)
    assert table.features == 6 and (training_batch(recipe).x.sum(axis=-1) == training_batch(recipe).real).all()
    assert not validation_batch(recipe).x.any()
    numbered = Recipe(PLAIN, brought(text, sequence="id", features=["kind"], one_hot=False).table)
    assert set(np.unique(training_batch(numbered).x)) == {0, 1, 2, 3} and np.isnan(validation_batch(numbered).x).any()


# --- what people bring


def many(header: str, row, count: int = 60) -> str:
    """A file whose k-th row `row` makes."""
    return "\n".join([header, *map(row, range(count)), ""])


NASTY = {
    "a header in the second row": many("t,v\ns,m", lambda k: f"{k},{k}.5", 40),
    "times that repeat": rows("time,a,y", "{g},{v},{w}"),
    "dates of two forms": many(
        "date,v", lambda k: f"2024-01-{k + 1:02d},{k}" if k % 2 else f"{k + 1:02d} Jan 2024,{k}", 31
    ),
    "booleans": many("t,ok,y", lambda k: f"{k},{k % 3 == 0},{k % 2 == 0}", 40),
    "yes and no": many("t,x,answer", lambda k: f"{k},{k % 7},{'yes' if k % 3 else 'no'}", 40),
    "a total in the last row": many("date,v", lambda k: f"2024-01-{k + 1:02d},{k}", 31) + "Total,435\n",
    "percent and thousands": many("day;share;sum", lambda k: f"{k};{k},5 %;{k}.000,00", 40),
    "NaN in every feature": many("t,a,b,y", lambda k: f"{k},,,{k}.5", 40),
    "a text nobody needs": many("t,remark,v", lambda k: f"{k},remark {k},{k}.25", 40),
    "one sequence with an id": many("id,t,a,y", lambda k: f"only,{k},{k % 5},{k}.5", 40),
    "two sequences": many("id,t,a,y", lambda k: f"{k % 2},{k // 2},{k % 5},{k}.5", 60),
    "a class with one member": many(
        "id,t,a,class", lambda k: f"{k // 4},{k % 4},{k % 5},{'cab'[k // 4 and 1 + k // 4 % 2]}", 60
    ),
    "labels missing here and there": many("t,a,label", lambda k: f"{k},{k % 5},{k if k % 3 else ''}", 60),
    "steps of a sequence in no order": many("id,t,a,y", lambda k: f"{k % 6},{(k * 7) % 60},{k % 5},{k}.5", 60),
    "more features than there is room for": ",".join(["t", *(f"f{k}" for k in range(99)), "y"]) + "\n"
    + "".join(",".join([str(t), *(f"{(t * k) % 7}.5" for k in range(99)), str(t % 4 + 0.5)]) + "\n" for t in range(40)),
    "texts only, which come again": "word\n" + "a\nb\nc\nb\n" * 20,
    "a year, a month and a number": many("year,month,passengers", lambda k: f"{1949 + k // 12},{k % 12 + 1},{k}", 60),
    "long with one id": many("unique_id,ds,y", lambda k: f"H1,{k},{k % 24}.5", 200),
}  # fmt: skip


@pytest.mark.parametrize("case", NASTY)
def test_a_nasty_file_has_a_sensible_reading(case):
    table = brought(NASTY[case]).table
    recipe = Recipe(PLAIN.with_changes(table.care(PLAIN)), table)
    for batch in (training_batch(recipe), validation_batch(recipe)):
        assert np.isfinite(batch.x).all() and np.isfinite(batch.y).all() and batch.known.any()


HOPELESS = {
    "one column of text": (many("text", lambda k: f"a line of {k * 'x'}", 40), "No column can be a label (text)"),
    "all labels missing": (many("t,a,label", lambda k: f"{k},{k},", 40), "column “label”: every label is missing"),
    "nothing in any cell": ("a,b\n" + ",\n" * 9 + ",x\n", "No column can be a label"),
    "three rows": ("t,v\n1,2\n2,3\n3,4\n", "Too few rows to train on"),
    "a constant": ("v\n" + "5\n" * 40, "No column can be a label"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOPELESS)
def test_what_cannot_be_used_is_one_sentence_that_says_what_to_do(case):
    text, wanted = HOPELESS[case]
    with pytest.raises(BadInput) as refused:
        brought(text).table  # noqa: B018
    told = str(refused.value)
    assert wanted in told and told.endswith(".") and len(told) < 220
    assert "takes" in told or "choose" in told
