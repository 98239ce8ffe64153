"""Files in the forms that people bring: what is taken for the sequence, the time and the label, or the one sentence."""

import numpy as np
import pytest

from lessons.course.own_case import START
from lessons.own_data.brought import Brought
from lessons.recipe.bad_input import BadInput

DRAWN = np.random.default_rng(0).normal(size=1000).round(3)


def text(header: str, row: str, count: int = 60) -> str:
    """`count` rows; in the text of a row k is its number, v a drawn one, and the rest what the forms below need."""
    lines = [
        row.format(
            k=k, v=DRAWN[k], w=DRAWN[-k - 1], comma=str(DRAWN[k]).replace(".", ","), year=1990 + k // 12,
            quarter=k % 12 // 3 + 1, month=k % 12 + 1,
            day=k // 24 + 1, hour=k % 24, minute=k % 60, group=k // 12, letter="abc"[k % 3], half="AB"[k // 12 % 2],
            sixth=k // 24, place=k % 12, thousands=f"{1_000_000 + k:,}", yes=k % 2 == 0,
        )
        for k in range(count)
    ]  # fmt: skip
    return "\n".join([*filter(None, [header]), *lines])


ENDING_EARLY = "\n".join(
    ["V1," + ",".join(f"V{k}" for k in range(2, 20))]
    + [f"Y{row}," + ",".join(str(100 + row * k) if k < 17 - row else "" for k in range(18)) for row in range(8)]
)
FORMS = {  # the text -> sequence, time, label, steps ahead
    "a firm and a plant": (
        text("firm,plant,year,invest,value", "{half},{sixth},{place},{v},{w}", 72),
        ("firm + plant", "year", "value", 0),
    ),
    "a year and a month": (text("year,month,passengers", "{year},{month},{v}"), ("", "year + month", "passengers", 1)),
    "a year and a quarter": (
        text("Year,Quarter,gdp,cpi", "{year},{quarter},{v},{w}"),
        ("", "Year + Quarter", "cpi", 0),
    ),
    "parts of a moment": (
        text("No,year,month,day,hour,pm2.5,TEMP", "{k},2010,1,{day},{hour},{v},{w}", 96),
        ("", "year + month + day + hour", "TEMP", 0),
    ),
    "a date and a time of day": (
        text("Date;Time;power;voltage", "16/12/2006;17:{minute:02d}:00;{v};{w}"),
        ("", "Date + Time", "voltage", 0),
    ),
    "hours with points, decimals with commas": (
        text("Date;Time;CO;T;;", "{day:02d}/03/2004;{hour:02d}.00.00;{comma};{comma};;", 96),
        ("", "Date + Time", "T", 0),
    ),
    "days called dteday beside numbers called yr": (
        text("instant,dteday,yr,temp,cnt", "{k},20{k:02d}-01-31,0,{v},{w}"),
        ("", "dteday", "cnt", 0),
    ),
    "prices of a share": (
        text("Date,Open,High,Volume", '20{k:02d}-01-31,{v},{w},"{thousands}"'),
        ("", "Date", "Volume", 0),
    ),
    "series that end early, a row each": (ENDING_EARLY, ("V1", "time", "value", 1)),
    "sensors in turn": (
        text("timestamp,sensor,value", "2022-01-01 00:{group:02d}:00,s{place},{v}", 60),
        ("sensor", "timestamp", "value", 1),
    ),
    "labels of yes and no": (
        text("id,t,x,failed", "{group},{place},{v},{yes}"),
        ("id", "t", "failed", 0),
    ),
    "a .ts of an archive": (
        "@problemName x\n@timeStamps false\n@classLabel true a b\n@data\n"
        + "\n".join(f"1,2,{row}:4,5,6:{'ab'[row % 2]}" for row in range(12)),
        ("sequence", "step", "label", 0),
    ),
    "an .arff of an archive": (
        "@relation x\n"
        + "".join(f"@attribute att{k} numeric\n" for k in range(30))
        + "@attribute target {1,2}\n@data\n"
        + "\n".join(",".join(str(row + k) for k in range(30)) + f",{row % 2 + 1}" for row in range(12)),
        ("row", "time", "target", 0),
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_what_a_file_of_this_form_is_taken_for(form):
    written, wanted = FORMS[form]
    mine = Brought.parse(written.encode(), "mine.csv", {})
    roles = mine.roles
    assert (roles.sequence, roles.time, roles.label, roles.ahead) == wanted, mine.problem
    assert not mine.problem and min(mine.table.sizes(START)) > 0


def test_dates_in_two_forms_are_each_read_as_they_are_written():
    days = [f"2021-01-{day:02d}" for day in range(1, 16)] + [f"{day}/2/2021" for day in range(1, 14)]
    mine = Brought.parse(
        "\n".join(["date,x", *(f"{day},{k % 7}" for k, day in enumerate(days))]).encode(), "mine.csv", {}
    )
    date = mine.sheet.column("date")
    assert [date.said(date.values[row]) for row in (1, 14, 15, 27)] == [
        "2021-01-02", "2021-01-15", "2021-02-01", "2021-02-13",
    ]  # fmt: skip


REFUSED = {
    '[{"a": 1}, {"a": 2}]': "^The file is JSON: save its table as CSV[.]$",
    "<table><tr><td>1</td></tr></table>": "^The file is a web page or XML: save its table as CSV[.]$",
    "@problemName x\n@timeStamps true\n@data\n(1,2),(2,3)": "^The file is a .ts with a time beside each value: save it",
    "@problemName x\n@data\n": "^There is no row below @data; takes a row for each sequence[.]$",
}


@pytest.mark.parametrize("written", REFUSED)
def test_a_form_that_is_not_taken_is_one_sentence(written):
    with pytest.raises(BadInput, match=REFUSED[written]):
        Brought.parse(written.encode(), "mine.csv", {})


def test_two_columns_that_are_one_thing_are_told_and_no_features():
    mine = Brought.parse(text("year,month,passengers,fares", "{year},{month},{v},{w}").encode(), "mine.csv", {})
    assert "The columns “year” and “month” together are the time." in mine.notes
    assert mine.roles.features == ("passengers",)
    assert mine.with_roles(time="year").roles.time == "year"
