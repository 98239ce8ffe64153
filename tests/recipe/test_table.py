"""A learner's own data as a run takes them: gaps, padding, what is held out, scale and fill."""

from dataclasses import replace

import numpy as np
import pytest

from lessons.families.recurrent import Recurrent
from lessons.own_data.sample import sample
from lessons.recipe import table
from lessons.recipe.recipe import Recipe
from lessons.recipe.settings import OWN_DATA
from lessons.recipe.table import STEPS, Table
from tests.tools.tables import sample_table, table_of

HEAD = "sequence,time,x,label"
ROWS = ["a,1,0.5,1", "a,2,0.6,0", "b,1,0.7,1.5", "c,1,0.8,", "c,2,,2", "c,3,1e-3,-1"]
PLAIN = Recurrent()


def parsed(*lines: str, name: str = "mine.csv") -> Table:
    return table_of(*lines, name=name)


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
    mine = parsed(HEAD, "a,1,5,1", "a,2,6,0", "a,300,7,1", "b,1,8,0", "c,1,9,1")
    keep = replace(PLAIN, gaps="keep")
    assert mine.lengths(keep).tolist() == [3, 1, 1] and mine.fit(keep).timesteps == 3
    assert Recipe(keep, mine).idle()["gaps"] == f"Squeezed: kept, “a” would have 300 steps, and {STEPS} fit."
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
    mine = sample_table()
    assert mine.sizes(PLAIN) == (24, 12)
    drawn = set()
    for seed in range(5):
        training, held_out = mine.split(replace(PLAIN, seed=seed))
        assert (len(training), len(held_out)) == mine.sizes(PLAIN)
        assert {one.id for one in training} | {one.id for one in held_out} == {one.id for one in mine.series}
        assert [part.id for part in training] == [one.id for one in mine.series if one in training], "order of the file"
        assert mine.split(replace(PLAIN, seed=seed))[1] == held_out
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
    training, held_out = mine.split(PLAIN)
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
    assert sample_table().unscaled == ()


def test_the_sample_has_all_that_is_asked_for():
    mine = sample_table()
    assert sample() == sample() and len(sample()) < 20_000
    labels, inputs = mine.missing(PLAIN)
    assert labels > 10 and inputs == 0 and mine.gaps > 10 and mine.gaps_fit
    assert len(set(mine.lengths(PLAIN))) > 5
    assert mine.missing(replace(PLAIN, gaps="keep"))[1] == mine.gaps * mine.features


def test_only_own_data_have_gaps_and_missing_inputs():

    mine = sample_table()
    assert set(OWN_DATA) <= Recipe(PLAIN).idle().keys()
    assert not {"gaps", "scale", "nan_fill", "padding", "padded_labels"} & Recipe(PLAIN, mine).idle().keys()
    assert {"sequences", "timesteps", "task", "padding_share", "nan_share", "input_fill"} <= Recipe(
        PLAIN, mine
    ).idle().keys()
    assert "input_fill" not in Recipe(replace(PLAIN, gaps="keep"), mine).idle()
    assert all(reason.endswith(".") for reason in Recipe(PLAIN, mine).idle().values())
