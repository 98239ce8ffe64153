"""A learner's CSV file: what is understood, and one sentence with line and column for what is not."""

import re
import tomllib
from dataclasses import replace

import numpy as np
import pytest

from lessons.families.recurrent import Recurrent
from lessons.recipe import table, table_file
from lessons.recipe.bad_input import BadInput
from lessons.recipe.recipe import Recipe
from lessons.recipe.settings import OWN_DATA
from lessons.recipe.table import Table
from lessons.recipe.table_file import FEATURES, MEGABYTES, SEQUENCES, STEPS, sample
from tests.conftest import ROOT

HEAD = "sequence,time,x,label"
ROWS = ["a,1,0.5,1", "a,2,0.6,0", "b,1,0.7,1.5", "c,1,0.8,", "c,2,,2", "c,3,1e-3,-1"]
PLAIN = Recurrent()


def parsed(*lines: str, name: str = "mine.csv") -> Table:
    return Table.parse("\n".join(lines).encode(), name)


def refusal(data: bytes | str) -> str:
    with pytest.raises(BadInput) as refused:
        Table.parse(data.encode() if isinstance(data, str) else data, "mine.csv")
    return str(refused.value)


def values(mine: Table) -> list:
    """Per sequence: id, inputs and labels as lists, NaN as None."""
    plain = lambda array: np.where(np.isnan(array), None, array).tolist()  # noqa: E731
    return [(one.id, plain(one.x), plain(one.y)) for one in mine.series]


# --- what is understood


def test_sequences_of_different_lengths_with_empty_cells():
    assert values(parsed(HEAD, *ROWS)) == [
        ("a", [[0.5], [0.6]], [1, 0]),
        ("b", [[0.7]], [1.5]),
        ("c", [[0.8], [None], [0.001]], [None, 2, -1]),
    ]


def test_rows_may_come_in_any_order_of_time():
    shuffled = parsed(HEAD, *[ROWS[place] for place in (1, 0, 2, 5, 3, 4)])
    assert shuffled == parsed(HEAD, *ROWS) and hash(shuffled) == hash(parsed(HEAD, *ROWS))


@pytest.mark.parametrize("parting", [",", ";", "\t"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"], ids=["plain", "BOM"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_byte_order_marks_and_line_ends(parting, start, end):
    text = end.join([HEAD, "", *ROWS, "", ",,,"]).replace(",", parting)
    assert Table.parse(start + text.encode(), "other.csv") == parsed(HEAD, *ROWS)


def test_quoted_cells_spaces_and_words_for_missing():
    lines = ['"sequence", time ,"x",label', '"a",1, 0.5 ,1', "a,2,0.6,0", "b,1,0.7,1.5", "c,1,0.8,NaN", "c,2,n/a,2"]
    assert parsed(*lines, "c,3,1e-3,-1") == parsed(HEAD, *ROWS)


@pytest.mark.parametrize(
    ("header", "found", "guessed"),
    [
        ("sequence,time,x,label", ("sequence", "time", ("x",), "label"), ()),
        ("Y,x,Step,SEQUENCE ID", ("SEQUENCE ID", "Step", ("x",), "Y"), ()),
        ("target,T,feature t,seq_id,id", ("seq_id", "T", ("feature t", "id"), "target"), ()),
        ("patient,when,x,outcome", ("patient", "when", ("x",), "outcome"), ("id", "time", "label")),
        ("time,patient,x,outcome", ("patient", "time", ("x",), "outcome"), ("id", "label")),
        ("a,b,label,c", ("a", "b", ("c",), "label"), ("id", "time")),
    ],
)
def test_columns_are_recognised_by_name_else_by_position(header, found, guessed):
    columns, order = table_file.recognised(1, header.split(","))
    assert (columns.id, columns.time, columns.features, columns.label) == found
    assert columns.guessed == guessed
    assert [header.split(",")[order[role]] for role in ("id", "time", "label")] == [found[0], found[1], found[3]]


def test_what_a_table_is_called_does_not_matter_and_what_it_holds_does():
    mine = parsed(HEAD, *ROWS)
    assert mine == parsed(HEAD, *ROWS, name="other.csv")
    for changed in (ROWS[0].replace("0.5", "0.51"), ROWS[0].replace("a", "b", 1).replace(",1,", ",7,")):
        assert parsed(HEAD, changed, *ROWS[1:]) != mine
    assert parsed(HEAD.replace("x", "z"), *ROWS) != mine
    with pytest.raises(ValueError, match="read-only"):
        mine.series[0].x[0, 0] = 7


@pytest.mark.parametrize(
    ("times", "places"),
    [
        (["1", "2", "4"], [0, 1, 3]),
        (["0.1", "0.2", "0.3", "0.6"], [0, 1, 2, 5]),
        (["10", "20", "50"], [0, 1, 4]),
        (["-3", "-1", "1"], [0, 1, 2]),
        (["0", "1.02", "1.98", "3.01", "5"], [0, 1, 2, 3, 5]),  # no grid: the usual step
        (["2024-01-31", "2024-02-29", "2024-03-31", "2024-05-31"], [0, 1, 2, 4]),  # months
        (["2024-01-31 23:00", "2024-02-01 00:00", "2024-02-01T03:00"], [0, 1, 4]),
        (["2024-03-31T00:00+00:00", "2024-03-31T02:00+01:00", "2024-03-31T04:00+02:00"], [0, 1, 2]),
        (["0", "1", "1e30"], [0, 1, 1_000_001]),
    ],
)
def test_gaps_in_time(times, places):
    mine = parsed(HEAD, *[f"a,{time},1,1" for time in times], "b," + times[0] + ",1,0", "c," + times[0] + ",1,0")
    assert mine.series[0].places.tolist() == places
    assert mine.gaps == places[-1] + 1 - len(places)


def test_gaps_are_squeezed_or_kept_as_missing_steps():
    mine = parsed(HEAD, "a,1,5,1", "a,2,6,0", "a,4,7,1", "b,1,8,0", "c,1,9,1")
    keep = replace(PLAIN, gaps="keep")
    assert mine.lengths(PLAIN).tolist() == [3, 1, 1] and mine.lengths(keep).tolist() == [4, 1, 1]
    assert mine.missing(PLAIN) == (0, 0) and mine.missing(keep) == (1, 1)
    x, y = mine.series[0].laid_out(True)
    assert x[:, 0].tolist()[:2] == [5, 6] and x[3, 0] == 7 and np.isnan(x[2, 0]) and np.isnan(y[2])


def test_gaps_that_do_not_fit_are_squeezed_and_that_is_told():
    mine = parsed(HEAD, "a,1,5,1", "a,2,6,0", "a,70,7,1", "b,1,8,0", "c,1,9,1")
    keep = replace(PLAIN, gaps="keep")
    assert mine.lengths(keep).tolist() == [3, 1, 1] and mine.fit(keep).timesteps == 3
    assert Recipe(keep, mine).idle()["gaps"] == f"Squeezed: kept, “a” would have 70 steps, and {STEPS} fit."
    other = parsed(HEAD, "a,1,5,1", "a,3,6,0", "a,4,1,1", "b,1,8,0", "c,1,9,1")
    assert "gaps" not in Recipe(keep, other).idle()


def test_what_the_data_decide_of_the_settings():
    fit = parsed(HEAD, *ROWS).fit(Recurrent(sequences=99, timesteps=40, padding_share=0.9, nan_share=0.5, task="noise"))
    assert (fit.sequences, fit.timesteps, fit.task) == (2, 3, "regression")
    assert fit.padding_share == pytest.approx(1 - 6 / 9) and fit.nan_share == pytest.approx(1 / 6)
    assert parsed(HEAD, *ROWS).fit(fit) == fit
    assert parsed(HEAD, "a,1,5,1", "b,1,5,0", "c,1,5,").fit(PLAIN).task == "binary"
    assert parsed(HEAD, "a,1,5,1", "b,1,5,0", "c,1,5,").fit(PLAIN).timesteps == 2


@pytest.mark.parametrize(
    ("long", "labels", "padding", "missing"),
    [
        (48, 1, "78.3%", "98.1%"),  # the field ends at 90 %
        (48, 48, "78.3%", "7.69%"),
        (3, 2, "53.3%", "71.4%"),
    ],
)
def test_what_is_told_of_the_shares_is_what_was_measured(long, labels, padding, missing):
    rows = [f"a,{step},1,{step if step < labels else ''}" for step in range(long)]
    mine = parsed(HEAD, *rows, *(f"b{at},0,1," for at in range(4)))
    reasons, (share, unknown) = mine.idle(PLAIN), mine.shares(PLAIN)
    lengths = [long, 1, 1, 1, 1]
    assert share == pytest.approx(1 - sum(lengths) / (5 * long))
    assert unknown == pytest.approx((long - labels + 4) / (long + 4))
    assert reasons["padding_share"] == f"Your sequences leave {table.percent(share)}."
    assert reasons["nan_share"] == f"Of your labels {table.percent(unknown)} are missing."
    assert max(mine.fit(PLAIN).padding_share, mine.fit(PLAIN).nan_share) <= 0.9
    assert (table.percent(share), table.percent(unknown)) == (padding, missing)


def test_padding_beyond_the_bound_of_its_field_is_told_as_measured():
    mine = parsed(HEAD, *(f"a,{step},1,1" for step in range(48)), *(f"b{at},0,1,1" for at in range(60)))
    assert mine.idle(PLAIN)["padding_share"] == "Your sequences leave 96.3%." and mine.fit(PLAIN).padding_share == 0.9


def test_a_gap_that_is_counted_no_further_is_told_as_more():
    mine = parsed(HEAD, "a,1,5,1", "a,2,5,1", "a,1e30,5,1", "b,1,5,1", "c,1,5,1")
    assert "would have more than 1000000 steps" in mine.idle(replace(PLAIN, gaps="keep"))["gaps"]


def test_a_share_is_never_told_as_all_or_nothing_where_it_is_some():
    assert [table.percent(share) for share in (0, 0.00004, 0.955, 0.99, 0.9996, 1)] == [
        "0%",
        "0.004%",
        "95.5%",
        "99%",
        "over 99.9%",
        "100%",
    ]


def test_one_of_three_is_held_out_and_the_seed_draws_which():
    mine = Table.parse(sample(), "sample.csv")
    assert mine.sizes == (24, 12)
    drawn = set()
    for seed in range(5):
        training, held_out = mine.split(seed)
        assert (len(training), len(held_out)) == mine.sizes
        assert {one.id for one in training} | {one.id for one in held_out} == {one.id for one in mine.series}
        assert [part.id for part in training] == [one.id for one in mine.series if one in training], "order of the file"
        assert mine.split(seed)[1] == held_out
        drawn.add(tuple(one.id for one in held_out))
    assert len(drawn) == 5


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("keep", [np.nan, 2, np.nan, 4]),
        ("zero", [0, 2, 0, 4]),
        ("mean", [9, 2, 9, 4]),
        ("last", [0, 2, 2, 4]),
    ],
)
def test_missing_inputs_are_filled(kind, wanted):
    x = np.array([[np.nan], [2], [np.nan], [4]])
    np.testing.assert_array_equal(table.filled(x, kind, np.array([9.0]))[:, 0], wanted)
    assert np.isnan(x[0, 0]), "the table's own values stay"


def test_the_mean_and_the_scale_are_those_of_the_training_sequences():
    lines = [f"{name},{step},{value},{10 * value}" for value, name in enumerate("abcdef") for step in (1, 2)]
    lines[1] = "a,2,,0"
    mine = parsed(HEAD, *lines)
    settings = replace(PLAIN, input_fill="mean")
    training, held_out = mine.split(0)
    known = np.concatenate([one.x for one in training])
    x, y, lengths = mine.sequences(mine.fit(settings), 0 if "a" in {one.id for one in training} else 1)
    assert x[0, 1, 0] == pytest.approx(np.nanmean(known)) and lengths.tolist() == [2] * len(x)
    standard = replace(PLAIN, scale="standard")
    x, y, _ = mine.sequences(mine.fit(standard), 0)
    assert np.nanmean(x) == pytest.approx(0, abs=1e-12) and np.nanstd(x) == pytest.approx(1)
    assert y.mean() == pytest.approx(0, abs=1e-12) and y.std() == pytest.approx(1)
    shift, size = np.nanmean(known), np.nanstd(known)
    np.testing.assert_allclose(
        mine.sequences(mine.fit(standard), 1)[0][:, 0, 0], [(one.x[0, 0] - shift) / size for one in held_out]
    )


def test_labels_of_0_and_1_are_not_scaled_nor_is_a_constant_column_divided_by_0():
    mine = parsed(HEAD, *[f"{name},1,7,{value}" for name, value in zip("abcdef", (0, 1, 1, 1, 0, 1), strict=True)])
    x, y, _ = mine.sequences(mine.fit(replace(PLAIN, scale="standard")), 0)
    assert (x == 0).all() and set(y[:, 0, 0]) <= {0, 1}


def test_columns_far_from_0_and_1_are_named():
    rows = ["a,1,-1,201", "a,2,1,200", "b,1,0,199", "c,1,0,200"]
    assert parsed(HEAD, *rows).unscaled == ("label",)
    assert Table.parse(sample(), "sample.csv").unscaled == ()


def test_the_sample_has_all_that_is_asked_for():
    mine = Table.parse(sample(), "sample.csv")
    assert sample() == sample() and len(sample()) < 20_000
    labels, inputs = mine.missing(PLAIN)
    assert labels > 10 and inputs == 0 and mine.gaps > 10 and mine.gaps_fit
    assert len(set(mine.lengths(PLAIN))) > 5 and not mine.columns.guessed
    assert mine.missing(replace(PLAIN, gaps="keep"))[1] == mine.gaps * mine.features


# --- what is not


def wide(features: int) -> str:
    names = ",".join(f"x{k}" for k in range(features))
    cells = ",".join(["1"] * features)
    return "\n".join([f"id,time,{names},label", *(f"{one},1,{cells},1" for one in "abc")])


def long(steps: int, sequences: int = 3) -> str:
    return "\n".join([HEAD, *(f"s{one},{step},1,{step}" for one in range(sequences) for step in range(steps))])


def with_row(row: str) -> str:
    """A bad row in line 5."""
    return "\n".join([HEAD, *ROWS[:3], row, *ROWS[3:]])


BAD = {
    "empty": (b"", "The file is empty"),
    "blank": (b" \n\n\t", "The file is empty"),
    "only a BOM": (b"\xef\xbb\xbf", "The file is empty"),
    "only commas": (b",,,\n,,,", "The file is empty"),
    "only the names": (HEAD, "line 2: there is no row"),
    "one row": ("\n".join([HEAD, ROWS[0]]), "The file has 1 sequence; takes 3 to 256"),
    "two sequences": ("\n".join([HEAD, *ROWS[:3]]), "The file has 2 sequences; takes 3 to 256"),
    "no names": ("\n".join(["1,1,0.5,1", "2,1,0.6,0", "3,1,0.7,1"]), "line 1: got “1, 1, 0.5, 1”; takes the names"),
    "too few columns": ("id,time,label\na,1,1", "line 1: 3 columns"),
    "another delimiter": ("id|time|x|label\na|1|1|1", "line 1: 1 column, parted by comma, semicolon or tab"),
    "nameless column": ("id,time,,x,label\na,1,1,1,1", "line 1, column 3: got a name of 0 letters"),
    "long name": (f"id,time,{'x' * 99},label\na,1,1,1", "line 1, column 3: got a name of 99 letters"),
    "equal names": ("id,time,x,x,label\na,1,1,1,1", "line 1, column 4: “x” is the name of column 3 too"),
    "names below blank lines": ("\n\n\nid,time,x,x,label", "line 4, column 4"),
    "ragged": (with_row("c,1,0.8"), "line 5: 3 cells; the line of names has 4"),
    "too many cells": (with_row("c,1,0.8,1,2"), "line 5: 5 cells; the line of names has 4"),
    "no number": (with_row("b,9,abc,1"), "line 5, column “x”: got “abc”; takes a number, or empty for missing."),
    "no label": (with_row("b,9,1,abc"), "line 5, column “label”: got “abc”; takes a number, or empty for missing."),
    "long cell": (with_row(f"b,9,1,{'abc' * 99}"), "line 5, column “label”: got “abcabc"),
    "infinite": (with_row("b,9,inf,1"), "line 5, column “x”: got “inf”; takes a number, or empty for missing"),
    "underscore": (with_row("b,9,1_0,1"), "line 5, column “x”: got “1_0”; takes a number, or empty for missing"),
    "huge": (with_row("b,9,1,-1e39"), "line 5, column “label”: got “-1e39”; takes a number up to 3.4e+38"),
    "beyond all": (with_row("b,9,1,1e999"), "line 5, column “label”: got “1e999”"),
    "no id": (with_row(",9,1,1"), "line 5, column “sequence”: got “nothing”; takes the name of a sequence"),
    "long id": (with_row(f"{'i' * 61},9,1,1"), "line 5, column “sequence”: got “61 letters”"),
    "no time": (with_row("b,,1,1"), "line 5, column “time”: got “”; takes a number."),
    "time is NaN": (with_row("b,nan,1,1"), "line 5, column “time”: got “nan”; takes a number."),
    "infinite time": (with_row("b,-inf,1,1"), "line 5, column “time”: got “-inf”; takes a number."),
    "a date among numbers": (with_row("b,2024-01-01,1,1"), "line 5, column “time”: got “2024-01-01”; takes a number."),
    "a number among dates": (
        "\n".join([HEAD, "a,2024-01-01,1,1", "a,2,1,1"]),
        "line 3, column “time”: got “2”; takes a date such as 2024-01-31",
    ),
    "a date that is none": ("\n".join([HEAD, "a,2024-02-31,1,1"]), "line 2, column “time”: got “2024-02-31”; takes a"),
    "first time missing": ("\n".join([HEAD, "a,,1,1"]), "line 2, column “time”: got “”; takes a number."),
    "twice": (with_row("a,2.0,1,1"), "lines 3 and 5: both are sequence “a” at the same time."),
    "decimal comma": (
        "id;time;x;label\na;1;0,5;1",
        "line 2, column “x”: got “0,5”; takes a decimal point: 0.5.",
    ),
    "quoted decimal comma": (with_row('b,9,"-1,5",1'), "got “-1,5”; takes a decimal point: -1.5."),
    "a column of nothing": ("\n".join([HEAD, "a,1,,1", "b,1,nan,1", "c,1,,2"]), "column “x”: every cell is missing"),
    "no label at all": ("\n".join([HEAD, "a,1,1,", "b,1,1,", "c,1,1,NA"]), "column “label”: every cell is missing"),
    "long sequence": (long(STEPS + 1), f"line 50: sequence “s0” has {STEPS + 1} rows; up to {STEPS} are accepted"),
    "many sequences": (long(1, SEQUENCES[1] + 1), f"The file has 257 sequences; takes 3 to {SEQUENCES[1]}"),
    "many rows": (long(STEPS, SEQUENCES[1] + 1), "line 12290: more than 12,288 rows"),
    "many features": (wide(FEATURES + 1), f"line 1: 9 columns of features; up to {FEATURES} are accepted."),
    "large": (b"x" * (MEGABYTES * 2**20 + 1), "The file has 4.0 MB; up to 4 MB are accepted."),
    "one long line": (b"x" * 500_000, "line 1: this is no CSV (field larger than field limit"),
    "NUL": (with_row("b,9,\0,1"), "line 5: a NUL byte"),
    "latin-1": (with_row("b,9,1,é").encode("latin-1"), "line 5: byte 0xe9 is not UTF-8"),
    "UTF-16": (with_row("b,9,1,1").encode("utf-16"), "The file is UTF-16; UTF-8 is accepted"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "line 1: byte 0x89 is not UTF-8"),
    "a spreadsheet": (b"PK\x03\x04\x14\x00\x06\x00", "line 1: a NUL byte"),
    "an open quote": (with_row('b,9,"1,1'), "this is no CSV (unexpected end of data)"),
    "a line break in a cell": (with_row('b,9,"a\nb",1'), "line 6, column “x”: got “a b”"),
    "text after a quote": (with_row('b,9,"1"2,1'), "line 5: this is no CSV"),
    "JSON": ('[{"id": "a",\n"time": 1}]', "line 1: 2 columns, parted by"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_one_sentence(case):
    data, wanted = BAD[case]
    told = refusal(data)
    assert wanted in told
    assert told.endswith(".") and len(told) < 200 and "\n" not in told and not re.search(r"\. [A-Z]", told)


def test_the_largest_table_is_accepted():
    mine = Table.parse(long(STEPS, SEQUENCES[1]).encode(), "mine.csv")
    assert len(mine.series) == SEQUENCES[1] and mine.fit(PLAIN).timesteps == STEPS
    assert Table.parse(wide(FEATURES).encode(), "mine.csv").features == FEATURES


def test_streamlit_takes_files_as_large_as_a_table_may_be():
    told = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert told["server"]["maxUploadSize"] == MEGABYTES


def test_only_own_data_have_gaps_and_missing_inputs():

    mine = Table.parse(sample(), "sample.csv")
    assert set(OWN_DATA) <= Recipe(PLAIN).idle().keys()
    assert not {"gaps", "scale", "nan_fill", "padding", "padded_labels"} & Recipe(PLAIN, mine).idle().keys()
    assert {"sequences", "timesteps", "task", "padding_share", "nan_share", "input_fill"} <= Recipe(
        PLAIN, mine
    ).idle().keys()
    assert "input_fill" not in Recipe(replace(PLAIN, gaps="keep"), mine).idle()
    assert all(reason.endswith(".") for reason in Recipe(PLAIN, mine).idle().values())
