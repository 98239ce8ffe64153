"""`python -m lessons`: its JSON is a promise, its refusals are one line and exit code 2."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lessons.__main__ import main
from lessons.course.discovery import LESSONS
from lessons.families.recurrent import Recurrent
from lessons.runs.outcome import OUTCOMES
from lessons.server.laboratory import shared
from tests.tools.patience import patient

ROOT = Path(__file__).parent.parent.parent
SHORT = ["--set", "epochs=2", "--set", "sequences=3", "--set", "timesteps=4", "--set", "units=2"]


def command(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "lessons", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=patient(120)
    )


def said(capsys, *arguments: str) -> dict:
    assert main(arguments) == 0
    return json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))


def test_list_tells_what_there_is(capsys):
    rows = said(capsys, "list", "--json")
    assert [row["slug"] for row in rows] == list(LESSONS)
    for row in rows:
        assert {"slug", "title", "chapter", "examples", "presets", "controls"} <= set(row)
        lesson = LESSONS[row["slug"]]
        assert row["title"] == lesson.title and row["presets"] == [preset.name for preset in lesson.presets]
        assert set(row["controls"]) <= set(lesson.presets[0].settings.specs())
    assert main(["list"]) == 0
    told = capsys.readouterr().out
    assert all(slug in told for slug in LESSONS)


def test_map_tells_how_each_cell_ended(monkeypatch, capsys):
    monkeypatch.setenv("UNMASKED_WORKERS", "1")
    asked = ("map", "mask_and_loss", "--x", "learning_rate", "--y", "mask", "--xs", "0.01,0.1", *SHORT)
    shared.forget()
    told = said(capsys, *asked, "--json")
    assert told["xs"] == [0.01, 0.1] and len(told["cells"]) == 2 * len(told["ys"])
    assert {cell["outcome"] for cell in told["cells"]} <= set(OUTCOMES)
    assert main(asked) == 0  # the map is remembered
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:9]] == told["ys"][::-1]
    assert all(set(line.split()[1:]) <= set("LSWEN") for line in lines[1:9])
    shared.forget()


def test_run_keeps_its_promise(capsys):
    run = said(capsys, "run", "mask_and_loss", "--json", *SHORT)
    shapes = {
        **dict.fromkeys(("loss", "real_loss", "error", "val_loss", "leak", "input_leak", "gradient_epochs"), (2,)),
        **dict.fromkeys(("gradient", "input_gradient"), (2, 3, 4)),
        **dict.fromkeys(("mask", "real", "predictions"), (3, 4)),
        "baseline": (),
    }
    for name, shape in shapes.items():
        assert np.shape(run[name]) == shape, name
    preset = LESSONS["mask_and_loss"].presets[0].settings
    assert Recurrent(**run["settings"]) == preset.with_changes(
        {"epochs": 2, "sequences": 3, "timesteps": 4, "units": 2}
    )
    assert run["gradient_epochs"] == [0, 1]
    assert {type(value) for row in run["mask"] + run["real"] for value in row} == {bool}
    assert np.all(np.array(run["leak"]) > 0.99) and run["source"].startswith("def scalar_mse(y_true, y_pred):")
    assert all(isinstance(run["loss"][k], float) for k in (0, 1))


def test_presets_and_fields_are_what_trains(capsys):
    fixed = said(capsys, "run", "mask_and_loss", "--preset", "fixed", "--json", *SHORT)
    assert fixed["settings"]["loss"] == "mse" and fixed["leak"] == [0, 0]
    shifted = said(
        capsys,
        "run",
        "mask_and_loss",
        "--preset",
        "fixed",
        "--json",
        *SHORT,
        "--set",
        "mask=shifted",
        "--set",
        "mask_shift=-1",
    )
    real, mask = np.array(shifted["real"]), np.array(shifted["mask"])
    assert (real.sum(axis=1) - mask.sum(axis=1) == 1).all()


def test_what_is_not_finite_is_null(capsys):
    run = said(capsys, "run", "mask_and_loss", "--json", *SHORT, "--set", "padded_labels=nan")
    assert run["loss"] == run["leak"] == [None, None]
    gradient = np.array(run["gradient"][0], dtype=object)
    assert np.array_equal(gradient == None, ~np.array(run["real"]))  # noqa: E711
    masked = said(
        capsys,
        "run",
        "mask_and_loss",
        "--preset",
        "fixed",
        "--json",
        *SHORT,
        "--set",
        "mask=inverted",
        "--set",
        "padding_share=0",
    )
    assert masked["leak"] == [None, None] and masked["loss"] == [0, 0]


def test_findings_come_with_a_run(capsys):
    run = said(capsys, "run", "mask_and_loss", "--json", *SHORT)
    (finding,) = run["findings"]
    assert finding["code"] == "gradient_on_padding" and finding["severity"] == "error"
    assert finding["message"] and finding["fix"] and finding["changes"] == {"loss": "mse"}
    assert np.array_equal(finding["cells"], ~np.array(run["real"]))
    assert {step["field"] for step in run["next_steps"]} <= {
        *LESSONS["mask_and_loss"].controls,
        *LESSONS["mask_and_loss"].more,
    }
    assert said(capsys, "run", "mask_and_loss", "--preset", "fixed", "--json", *SHORT)["findings"] == []
    assert main(["run", "mask_and_loss", *SHORT]) == 0
    assert f"({finding['code']})\n    {finding['message']}\n" in capsys.readouterr().out


def test_a_run_that_is_not_finite_tells_where_the_first_such_number_was_born(capsys):
    run = said(capsys, "run", "first_iteration", "--json", *SHORT)
    (finding,) = run["findings"]
    assert finding["code"] == "non_finite" and run["loss"][1] is None
    evidence = finding["evidence"]
    assert evidence["phase"] == "backward" and evidence["epoch"] == 0 and evidence["tensor"]
    assert not run["real"][evidence["sequence"]][evidence["timestep"]]


def test_one_label_per_sequence_has_one_column(capsys):
    run = said(capsys, "run", "mask_and_loss", "--json", *SHORT, "--set", "output=last_step")
    assert np.shape(run["gradient"]) == (2, 3, 1) and np.shape(run["predictions"]) == (3, 1)
    assert np.shape(run["input_gradient"]) == (2, 3, 4) and np.shape(run["mask"]) == (3, 4)


REFUSED = {
    "nothing": [],
    "unknown command": ["fly"],
    "no lesson": ["run"],
    "unknown lesson": ["run", "nowhere"],
    "odd lesson": ["run", "../../etc/passwd\nx"],
    "long lesson": ["run", "x" * 5000],
    "unknown preset": ["run", "mask_and_loss", "--preset", "nothing"],
    "unknown field": ["run", "mask_and_loss", "--set", "epoch=3"],
    "no value": ["run", "mask_and_loss", "--set", "epochs"],
    "empty value": ["run", "mask_and_loss", "--set", "epochs="],
    "empty field": ["run", "mask_and_loss", "--set", "=3"],
    "word for a number": ["run", "mask_and_loss", "--set", "epochs=many"],
    "nan": ["run", "mask_and_loss", "--set", "learning_rate=nan"],
    "infinite": ["run", "mask_and_loss", "--set", "epsilon=inf"],
    "absurd": ["run", "mask_and_loss", "--set", "epochs=1e9"],
    "fraction": ["run", "mask_and_loss", "--set", "epochs=1.5"],
    "below": ["run", "mask_and_loss", "--set", "sequences=0"],
    "unknown choice": ["run", "mask_and_loss", "--set", "mask=sideways"],
    "two lines": ["run", "mask_and_loss", "--set", "mask=side\nways"],
    "unknown loss": ["run", "mask_and_loss", "--set", "loss=os.system"],
    "second of two": ["run", "mask_and_loss", "--set", "epochs=3", "--set", "seed=-1"],
    "unknown option": ["list", "--yaml"],
}


@pytest.mark.parametrize("arguments", REFUSED.values(), ids=REFUSED)
def test_bad_input_is_one_clear_line(capsys, arguments):
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.startswith("lessons: ")
    assert told.err.count("\n") == 1 and told.err.endswith("\n") and len(told.err) < 900
    for change in arguments[arguments.index("--set") + 1 :: 2] if "--set" in arguments else []:
        name, equals, value = change.partition("=")
        if name in Recurrent.specs() and equals and name != "epochs":
            assert name in told.err and value.split()[0] in told.err and Recurrent.specs()[name].takes in told.err


def test_a_real_process_speaks_json_on_stdout_alone():
    ran = command("run", "mask_and_loss", "--json", *SHORT)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert len(json.loads(ran.stdout)["loss"]) == 2


def test_a_real_process_refuses_with_two():
    ran = command("run", "mask_and_loss", "--set", "epochs=1e9")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == "lessons: epochs: got “1e9”; takes a whole number from 1 to 3000.\n"


def test_a_reader_that_has_had_enough_is_no_error():
    pipe = f"{sys.executable} -m lessons list --json | head -c 1; exit ${{PIPESTATUS[0]}}"
    ran = subprocess.run(["bash", "-c", pipe], cwd=ROOT, capture_output=True, text=True, timeout=patient(60))
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "[", "")


def test_examine_says_what_a_file_was_taken_for_and_trains_on_it(tmp_path, capsys):
    rows = [f"s{k // 6},{k % 6},{k % 5},{'abc'[k // 6 % 3]}" for k in range(60)]
    file = tmp_path / "mine.csv"
    file.write_text("\n".join(["id,time,x,kind", *rows]))
    told = said(capsys, "examine", "--data", str(file), "--label", "kind", "--set", "epochs=2", "--json")
    assert told["roles"]["sequence"] == "id" and told["roles"]["label"] == "kind" and told["roles"]["classes"]
    assert (
        told["data"]["training"] == 7 and told["data"]["held_out"] == 3 and told["data"]["classes"] == ["a", "b", "c"]
    )
    assert len(told["loss"]) == 2 and told["settings"]["output"] == "last_step" and "findings" in told
    assert main(["examine", "--data", str(file), "--sequence", "", "--length", "8", "--set", "epochs=1"]) == 0
    assert "none: one long series, windows of 8 steps" in capsys.readouterr().out
    for wrong, wanted in (
        (["--data", str(tmp_path / "none.csv")], "takes a file that can be read"),
        (["--data", str(file), "--label", "nope"], "column “nope”: there is none"),
        (["--data", str(file), "--family", "nope"], "--family: got “nope”"),
        (["--data", str(file), "--set", "epochs"], "takes FIELD=VALUE"),
    ):
        assert main(["examine", *wrong]) == 2
        assert wanted in capsys.readouterr().err
