"""What files hold, however they are written; and one sentence for what cannot be read."""

import gzip
import io
import tomllib
import zipfile

import numpy as np
import pandas as pd
import pytest

from lessons.own_data import reading
from lessons.own_data.reading import MEGABYTES, UNPACKED, parts, read
from lessons.own_data.sheet import Sheet, is_sheet
from lessons.recipe.bad_input import BadInput
from lessons.server import walled_tasks
from tests.conftest import ROOT


def sheet(text: str | bytes) -> Sheet:
    return read(text.encode() if isinstance(text, str) else text)


def values(read_: Sheet) -> dict[str, list]:
    return {column.name: [column.said(value) for value in column.values] for column in read_.columns}


PLAIN = "when,what,how much\n2024-01-31,a,1.5\n2024-02-29,b,-2\n2024-03-31,,1000.25\n"
HELD = {
    "when": ["2024-01-31", "2024-02-29", "2024-03-31"],
    "what": ["a", "b", ""],
    "how much": ["1.5", "-2", "1000.25"],
}


def redated(*dates: str) -> str:
    """The same with its dates written otherwise."""
    text = PLAIN
    for one, other in zip(HELD["when"], dates, strict=True):
        text = text.replace(one, other)
    return text


WRITTEN = {
    "plain": PLAIN,
    "tabs": PLAIN.replace(",", "\t"),
    "bars": PLAIN.replace(",", "|"),
    "semicolons, decimal commas, thousands": (
        PLAIN.replace(",", ";").replace("1000.25", "1.000,25").replace("1.5", "1,5")
    ),
    "thousands in quotes": PLAIN.replace("1000.25", '"1,000.25"'),
    "quotes": 'when,what,"how much"\n"2024-01-31","a","1.5"\n"2024-02-29","b","-2"\n"2024-03-31","","1000.25"\n',
    "a byte order mark": b"\xef\xbb\xbf" + PLAIN.encode(),
    "UTF-16": PLAIN.encode("utf-16"),
    "UTF-16 without a mark": PLAIN.encode("utf-16-le"),
    "lines of Windows": PLAIN.replace("\n", "\r\n"),
    "lines of an old Mac": PLAIN.replace("\n", "\r"),
    "comments": "# made by a logger\n# in 2024\n" + PLAIN,
    "a title": "Report of 2024\n\n" + PLAIN,
    "blank lines and blanks": "\n" + PLAIN.replace(",", " , ").replace("\n", "\n\n"),
    "packed": gzip.compress(PLAIN.encode()),
    "day first": redated("31.01.2024", "29.02.2024", "31.03.2024"),
    "month first": redated("01/31/2024", "02/29/2024", "03/31/2024"),
    "dates of two forms": PLAIN.replace("2024-02-29", "29 Feb 2024"),
    "dates as numbers": redated("20240131", "20240229", "20240331").replace("when", "date"),
    "a zone": PLAIN.replace("-31,", "-31T00:00:00Z,").replace("-29,", "-29T00:00:00+00:00,"),
    "currencies": PLAIN.replace("1.5", "$1.5").replace("1000.25", "1000.25 $"),
    "units": PLAIN.replace("1.5", "1.5 kg").replace(",-2", ",-2 kg").replace("1000.25", "1000.25 kg"),
    "a minus of print and words for missing": PLAIN.replace(",-2", ",−2").replace(",,", ",n/a,"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRITTEN)
def test_a_file_is_read_however_it_is_written(case):
    found = values(sheet(WRITTEN[case]))
    assert list(found.values()) == list(HELD.values()), case


def test_latin_1_is_read():
    assert values(sheet("stadt;größe\nKöln;1\nMünchen;2\nKöln;3\n".encode("latin-1"))) == {
        "stadt": ["Köln", "München", "Köln"],
        "größe": ["1", "2", "3"],
    }


def test_parquet_with_zones_categories_and_an_index():
    when = pd.date_range("2024-01-01", periods=3, freq="h", tz="Europe/Berlin", name="when")
    frame = pd.DataFrame(
        {"v": [1, None, 3], "c": pd.Categorical(["x", "y", "x"]), "ok": [True, False, True]}, index=when
    )
    packed = io.BytesIO()
    frame.to_parquet(packed)
    found = read(packed.getvalue())
    assert found.column("v").kind == "number" and np.isnan(found.column("v").values[1])
    assert found.column("c").words == ("x", "y") and found.column("ok").values.tolist() == [1, 0, 1]
    assert found.column("when").said(found.column("when").values[0]) == "2023-12-31 23:00:00"


def arrays(**named: np.ndarray) -> bytes:
    packed = io.BytesIO()
    np.savez(packed, **named)
    return packed.getvalue()


def test_arrays_with_lengths_a_mask_or_nan():
    x = np.arange(24.0).reshape(3, 4, 2)
    lengths = np.array([4, 2, 3])
    mask = np.arange(4) < lengths[:, None]
    for given in ({"lengths": lengths}, {"mask": mask}, {}):
        held = read(
            arrays(x=np.where(given == {}, np.where(mask[..., None], x, np.nan), x), y=np.array([0, 2, 1]), **given)
        )
        assert held.names == ("sequence", "step", "x1", "x2", "label") and held.rows == 9
        assert held.column("label").values.tolist() == [0] * 4 + [2] * 2 + [1] * 3
    one_hot = read(arrays(X_train=x, y_train=np.eye(3), other=np.zeros(7)))
    assert one_hot.column("label").values.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    single = io.BytesIO()
    np.save(single, np.arange(5.0))
    assert read(single.getvalue()).column("x1").values.tolist() == [0, 1, 2, 3, 4]


def test_rows_that_hold_no_number_and_cells_that_are_none():
    units = sheet("time,x,y\ns,kg,m\n" + "".join(f"{k},{k}.5,{k}\n" for k in range(9)) + "Total,,\n")
    assert units.rows == 9 and len(units.notes) > 1 and [column.kind for column in units.columns] == ["number"] * 3
    odd = sheet("a,b\n" + "".join(f"{k},{k}\n" for k in range(20)) + "20,broken\n")
    assert np.isnan(odd.column("b").values[-1]) and "line 22, column “b”: “broken”" in odd.notes[0]
    ragged = sheet("a,b\n1,2\n3,4,5\n6,7\n8\n9,1\n1,1\n")
    assert ragged.rows == 5 and "line 3" in ragged.notes[0] and np.isnan(ragged.column("b").values[2])


def test_columns_without_names_and_names_that_come_twice():
    assert sheet("1,2,3\n4,5,6\n7,8,9\n").names == ("column 1", "column 2", "column 3")
    assert sheet("a,a,,b\n4,5,6,x\n7,8,9,y\n").names == ("a", "a.1", "Unnamed: 2", "b")
    assert sheet("x y\n1 2 3\n4 5 6\n7 8 9\n").names == ("Unnamed: 0", "x", "y"), "as R writes row names"


def zipped(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in files.items():
            archive.writestr(name.replace("_csv", ".csv"), data)
    return packed.getvalue()


def test_how_much_is_read_is_told_and_last_the_sheet():
    told = list(parts(b"a,b,c\n" + b"1,x,2024-01-31\n" * 50))
    assert told[:-1] == sorted(told[:-1]) and all(0 < share < 1 for share in told[:-1]) and len(told) == 5
    assert told[-1].rows == 50 and told[-1].names == ("a", "b", "c")
    sheet = told[-1].to_plain()
    assert walled_tasks.may_be_read(0.5, [], b"") and walled_tasks.may_be_read(sheet, [0.1, 0.2], b"")
    for item, before in ((2.0, []), ("0.5", []), (0.5, [sheet]), ({}, []), (0.5, [0.1] * 2000)):
        assert not walled_tasks.may_be_read(item, before, b"")


def test_a_table_in_a_zip():
    assert sheet(zipped(mine_csv=PLAIN.encode())).names == ("when", "what", "how much")


class Opened:
    """What a pickle could do."""

    def __reduce__(self):
        return (print, ("a pickle was read",))


def pickled() -> bytes:
    packed = io.BytesIO()
    np.savez(packed, x=np.array([Opened(), 1], dtype=object))
    return packed.getvalue()


REFUSED = {
    "empty": (b"", "The file is empty"),
    "blank": (b" \n\n\t", "The file is empty"),
    "only commas": (b",,,\n,,,", "The file is empty"),
    "only the names": (b"a,b,c", "There is no row below the names"),
    "a spreadsheet": (zipped(**{"[Content_Types].xml": b"<x/>"}), "save it there as “CSV UTF-8”"),
    "an old spreadsheet": (b"\xd0\xcf\x11\xe0" + bytes(99), "save it there as “CSV UTF-8”"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "The file is a picture"),
    "a pickle": (pickled(), "Python objects (pickled), which are not read"),
    "a broken zip": (b"PK\x03\x04\x14\x00\x06\x00", "cannot be unpacked"),
    "a broken gz": (gzip.compress(PLAIN.encode())[:-12], "ends too early"),
    "a broken Parquet": (b"PAR1" + bytes(99), "no Parquet that can be read"),
    "two tables": (zipped(a_csv=b"a\n1", b_csv=b"a\n1"), "a .zip with 2 tables; takes one"),
    "bytes": (bytes(range(32)) * 99, "The file is no text"),
    "large": (b"x" * (MEGABYTES * 2**20 + 1), f"up to {MEGABYTES} MB are read"),
    "a bomb": (gzip.compress(b"a,b\n" + b"1,2\n" * (UNPACKED // 4), 1), "Unpacked the file has 200 MB"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_cannot_be_read_is_one_sentence(case, capsys):
    data, wanted = REFUSED[case]
    with pytest.raises(BadInput) as refused:
        read(data)
    told = str(refused.value)
    assert wanted in told and told.endswith((".", "read.")) and len(told) < 200 and "\n" not in told
    assert capsys.readouterr().out == ""


def test_a_head_that_promises_too_much_is_not_believed():
    packed = io.BytesIO()
    np.lib.format.write_array_header_1_0(packed, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)})
    with pytest.raises(BadInput, match="Unpacked the file has"):
        read(packed.getvalue())


def test_a_million_columns_are_cut():
    held = sheet(",".join(f"c{k}" for k in range(20_000)) + "\n" + ",".join("1" for _ in range(20_000)) + "\n")
    assert len(held.columns) == 1024 and "the first 1,024 are read" in held.notes[0]


def test_what_is_kept_is_bounded(monkeypatch):
    monkeypatch.setattr(reading, "MOST_BYTES", 4000)
    held = sheet("a,b\n" + "".join(f"{k},{k / 7}\n" for k in range(1000)))
    assert sum(column.values.nbytes for column in held.columns) <= 4000 and "are kept" in held.notes[-1]


def test_what_a_process_tells_is_a_sheet_or_not_believed():
    told = sheet(PLAIN).to_plain()
    assert is_sheet(told) and values(Sheet.from_plain(told)) == HELD
    wrong = {
        "names": [["a", "a", "b"], ["a", 1, "b"], ["x" * 99, "b", "c"], []],
        "kinds": [["date", "text", "odd"]],
        "words": [[[], [], ["a"]], [[], ["a"], []], None],
        "values": [told["values"][:2], [np.zeros(3), np.full(3, 9.0), np.zeros(3)], [np.zeros((3, 1))] * 3, "no"],
        "notes": [[1], None],
    }
    for name, cases in wrong.items():
        for case in cases:
            assert not is_sheet({**told, name: case}), (name, case)
    assert not is_sheet({**told, "more": 1}) and not is_sheet([]) and not is_sheet(None)


def test_streamlit_takes_files_as_large_as_one_may_be():
    told = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert told["server"]["maxUploadSize"] == MEGABYTES
