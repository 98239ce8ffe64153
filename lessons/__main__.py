"""The command line: `python -m lessons --help`. Exit 2 with one clear line on bad input."""

import argparse
import json
import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from lessons.course import own_case
from lessons.course.discovery import LESSONS, find
from lessons.course.lesson import Lesson
from lessons.doctor.run import Finding, diagnose, next_steps
from lessons.doctor.usage import TASKS
from lessons.figures.grid_figures import LETTERS
from lessons.recipe.bad_input import BadInput
from lessons.recipe.data import training_batch
from lessons.recipe.plain import plain
from lessons.recipe.recipe import Recipe
from lessons.recipe.settings import Settings
from lessons.recipe.weights import KINDS
from lessons.runs import metrics
from lessons.runs.grid import Grid, Square, squares
from lessons.runs.outcome import MEANINGS
from lessons.runs.run import Run
from lessons.server import tasks
from lessons.tools import check, examine, model_file
from lessons.workers.worker import QUIET, silenced

ROLES_IN_STEPS = {
    "ahead": "how far ahead the label lies",
    "length": "the length of windows that sequences are cut into; 0 for none",
    "stride": "from one window to the next",
}
SIGN_OF_LIFE = 0.5  # seconds between two reports of how far a map is


def main(arguments: Sequence[str] | None = None) -> int:
    try:
        given = parser().parse_args(arguments)
        return given.command(given) or 0
    except BadInput as problem:
        print("lessons:", *str(problem).split(), file=sys.stderr)  # one line, whatever was typed
        return 2
    except BrokenPipeError:  # the reader has had enough: `… | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0


class Parser(argparse.ArgumentParser):
    """argparse with our one-line errors instead of a usage text."""

    def error(self, message: str) -> None:
        raise BadInput(f"{message} (see python -m lessons --help)")


def parser() -> Parser:
    root = Parser(prog="python -m lessons", description="The lessons of Unmasked without a browser.")
    commands = root.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
    json_too, chosen = (Parser(add_help=False) for _ in range(2))
    json_too.add_argument("--json", action="store_true", help="print JSON")
    chosen.add_argument("slug", metavar="SLUG", help="a lesson, as `list` names it")
    chosen.add_argument("--preset", metavar="NAME", help="a preset of the lesson; the first when left out")
    chosen.add_argument(
        "--set", metavar="FIELD=VALUE", action="append", default=[], dest="changes", help="change a field; repeatable"
    )

    def command(name: str, does: Callable, says: str, *parents: Parser) -> Callable:
        """A command; returns what adds an argument to it."""
        added = commands.add_parser(name, help=says, parents=parents)
        added.set_defaults(command=does)
        return added.add_argument

    command("list", show_list, "the lessons, their presets and controls", json_too)
    command("run", show_run, "train one lesson's preset and print what happened", chosen, json_too)

    add = command("export", show_export, "write one lesson's preset as plain Keras", chosen)
    add("--to", choices=("script", "notebook"), required=True, help="what to write")
    add("-o", "--output", metavar="FILE", help="where to; a file of that name is replaced; printed when left out")

    add = command("map", show_map, "train a grid of runs over two fields and print how each ended", chosen, json_too)
    add("--x", metavar="FIELD", required=True, help="the field along the columns")
    add("--y", metavar="FIELD", required=True, help="the field along the rows")
    add("--size", metavar="N", default="", help="values along each, such as 16 or 32x8; 16 if left out")
    add("--xs", metavar="VALUES", help="the values themselves, such as 0.1,1,10")
    add("--ys", metavar="VALUES", help="the same for the rows")
    add("--seeds", metavar="SEEDS", help="such as 0,1,2: each cell is trained with each")

    add = command("claims", show_claims, "put the claims of five answers to the test", json_too)
    add("ids", metavar="ID", nargs="*", help="only these claims; all when left out")

    add = command("check", show_check, "examine a loss function of yours", json_too)
    add("name", metavar="FILE[:FUNCTION]", nargs="?", help="a Python file; the last loss in it")
    add("--batch", metavar="FILE", help="one JSON object per line: file, function, options; - reads stdin")
    add("--task", help=", ".join(TASKS))
    add("--activation", help="of the prediction: linear, sigmoid, softmax, softplus; a list for columns")
    add("--shape", help="of the prediction: B,1 or B,T,4 …")
    add("--label-shape", help="of the label, where it is another")
    add("--labels", help="float, nonnegative, probabilities, binary, onehot, ids, angles or boxes; a list for columns")
    add("--padding", help="none, keras (behind a Masking layer), nan, or the label that marks padding")
    add("--sample-weight", help="what one of the weights that fit is given is for: none, sample, step or column")
    add("--class-weight", metavar="WEIGHTS", help="as fit takes it, such as 0:1,1:5")

    add = command("examine", show_examine, "look at a model of yours, or train on a file of yours", json_too)
    add("model", metavar="MODEL.py", nargs="?", help="a Keras model: which layer loses the mask, where padding enters")
    add(
        "--data", metavar="FILE", help="CSV, TSV, Parquet, .npz or .npy; a model is looked at and trained on these then"
    )
    add("--loss", metavar="FILE[:FUNCTION]", help="a loss of yours for the model; else what its compile says")
    for role, kind in examine.ROLES.items():
        metavar, says = ("COLUMN", f"the column of the {role}") if kind is str else ("STEPS", ROLES_IN_STEPS[role])
        add(f"--{role}", metavar=metavar, type=kind, help=f"{says}; guessed when left out")
    add("--classes", action="store_true", help="labels are classes; guessed when left out")
    add("--family", metavar="NAME", help="the kind of model; recurrent when left out")
    add("--set", metavar="FIELD=VALUE", action="append", default=[], dest="changes", help="change a field; repeatable")
    add("--weights", metavar="KIND[:LAST]", default="none", help=f"sample_weight for a model: {', '.join(KINDS)}")

    add = command("preflight", show_preflight, "before a class: try everything, and say what is needed", json_too)
    add("--learners", metavar="N", help="how many will come; 30 when left out")
    add("--port", metavar="P", help="of the server; Streamlit's when left out")

    add = command("database", show_database, "write rooms and progress into a file, or put them back", json_too)
    add("action", choices=("dump", "load"), help="write the file, or read it")
    add("file", metavar="FILE", help="of dump, a file of that name is replaced")
    add("--replace", action="store_true", help="load: delete what the database has first")

    command("bench", show_bench, "speed, as ratios to the plain Keras way in the same run", json_too)
    return root


def show_list(given: argparse.Namespace) -> None:
    rows = [
        {
            "slug": lesson.slug,
            "title": lesson.title,
            "chapter": lesson.chapter,
            "examples": list(lesson.examples),
            "presets": [preset.name for preset in lesson.presets],
            "controls": [*lesson.controls, *lesson.more],
        }
        for lesson in LESSONS.values()
    ]
    if given.json:
        print(json.dumps(rows, indent=1))
        return
    for row in rows:
        print(f"{row['slug']}\n    {row['title']}\n    presets: {', '.join(row['presets'])}")


def show_run(given: argparse.Namespace) -> None:
    settings = wanted(given.slug, given.preset, given.changes)
    show_training(given, Recipe(settings), find(given.slug), {})


def show_model(given: argparse.Namespace) -> None:
    """The x-ray of a model and its training, on own data where there are some."""
    x = real = table = None
    if given.data:
        recipe = examine.recipe_of(examine.brought(given), given.family, [])
        batch, table = training_batch(recipe), recipe.table
        x, real = batch.x, batch.real
    loss = check.loss_of(given.loss) if given.loss else None
    os.environ.update(QUIET)
    with silenced():
        found = model_file.examined(given.model, x, real)
    report = plain(model_file.report(given.model, found))
    if not given.json:
        said = [f"{one['severity']} {one['code']}: {one['message']}" for one in found.to_plain()] or found.says
        print("\n".join([*found.seen.table(), "", *said]), end="\n\n")
    if found.interface:
        changes = dict(map(examine.change_of, given.changes))
        recipe = model_file.recipe_of(given.model, found, table, loss, changes, given.weights)
        report["left_out"] = model_file.left_out_of(recipe)
        if not given.json:
            print(*(f"{said}\n" for said in report["left_out"]), sep="", end="")
        show_training(given, recipe, own_case.LESSON, report, partial(model_file.trained, path=given.model))
    else:
        print(json.dumps(report) if given.json else f"It is not trained here. {found.untrained}")


def show_examine(given: argparse.Namespace) -> None:
    if given.model:
        show_model(given)
        return
    if not given.data:
        raise BadInput("examine: got neither a file of data nor one of a model; takes --data FILE, MODEL.py, or both.")
    mine = examine.brought(given)
    recipe = examine.recipe_of(mine, given.family, given.changes)
    report = examine.report(mine, recipe)
    if not given.json:
        print("\n".join(examine.told(report)))
    show_training(given, recipe, own_case.LESSON, report)


def show_training(
    given: argparse.Namespace,
    recipe: Recipe,
    lesson: Lesson,
    report: Mapping,
    train: Callable[[Recipe], Run] | None = None,
) -> None:
    """Train and print what happened; with --json the report, too."""
    os.environ.update(QUIET)
    with silenced():
        run = (train or run_of)(recipe)
        findings = diagnosed(run)
    steps = next_steps(run, findings, (*lesson.controls, *lesson.more))
    if given.json:
        extra = {"findings": [found.to_json() for found in findings], "next_steps": [vars(step) for step in steps]}
        print(json.dumps({**report, **run.to_json(), **extra}))
        return
    s = run.snapshot
    print(f"{lesson.slug}: {run.epochs} epochs, {len(s.kept)} with gradients")
    print(f"loss              {s.loss[0]:.4g} -> {s.loss[-1]:.4g}")
    print(f"loss, real steps  {s.real_loss[0]:.4g} -> {s.real_loss[-1]:.4g}")
    print(f"validation loss   {s.val_loss[0]:.4g} -> {s.val_loss[-1]:.4g}")
    print(f"error             {s.error[0]:.3g} -> {s.error[-1]:.3g}   (best constant: {run.baseline:.3g})")
    if run.measured:
        print(f"measured          {run.measured}")
    print(f"leak on padding   {run.leak[0]:.3g} -> {run.leak[-1]:.3g}")
    print(f"starved steps     {run.starved.sum()} of {run.batch.label_real.sum()}")
    for one in run.metrics:
        real = "" if math.isnan(one.real) else f", on real steps {one.real:.4g}"
        print(f"{one.said}: {one.whole:.4g}, in batches of {one.size} {one.batches:.4g}{real}")
    print(*(f"{said}\n" for said in metrics.says(run.metrics)), sep="", end="")
    nothing = "no finding in this training" if recipe.model else "healthy"  # its layers may say otherwise, above
    print("\n".join(line for found in findings for line in check.in_full(found.to_json())) or nothing)
    for step in steps:
        print(f"try {step.field}={step.value}: {step.says}")


def diagnosed(run: Run) -> tuple[Finding, ...]:
    """What the doctor finds; where a number is not finite its origin is looked for."""
    findings = diagnose(run)
    if any(found.code == "non_finite" for found in findings) and not run.recipe.walled:
        return diagnose(run, tasks.nan_origin(run.recipe))
    return findings


def wanted(slug: str, preset: str | None, changes: Sequence[str]) -> Settings:
    """The settings that a command line means. Raises BadInput."""
    lesson = find(slug)
    settings = (lesson.preset(preset) if preset else lesson.presets[0]).settings
    return settings.with_changes(dict(map(examine.change_of, changes)))


def run_of(recipe: Recipe) -> Run:
    """The run, trained in this process. Raises BadInput with Keras' own words where it cannot be trained."""
    from tensorflow.errors import InvalidArgumentError

    from lessons.engine.train import trained

    try:
        return trained(recipe)
    except (ValueError, TypeError, InvalidArgumentError) as failure:  # the last: a label that is no class
        raise BadInput(f"these settings cannot be trained; Keras says: {str(failure).splitlines()[0]}") from failure


def show_map(given: argparse.Namespace) -> None:
    """Train a grid on this machine's workers, or on the cluster that is named."""
    from lessons.server.laboratory import shared

    asked = {f"map_{name}": getattr(given, name) for name in ("x", "y", "size", "xs", "ys", "seeds")}
    grid = Grid.from_query(
        {name: value for name, value in asked.items() if value is not None},
        find(given.slug),
        wanted(given.slug, given.preset, given.changes),
    )
    laboratory = shared()
    try:
        grid_run = laboratory.grid_run(grid, "command line")
        while not grid_run.wait(SIGN_OF_LIFE):
            grid_run.watch("command line")
            if sys.stderr.isatty():
                print(f"\r{grid_run.share:4.0%} of {grid.runs} trainings", end="\r", file=sys.stderr, flush=True)
    finally:
        laboratory.executor.shutdown(wait=False, cancel_futures=True)
    if grid_run.failure:
        raise BadInput(f"the map cannot be finished: {grid_run.failure}")
    if given.json:
        print(json.dumps(grid.to_json() | {"cells": [cell.to_json() for cell in grid_run.cells]}))
        return
    print(drawn(grid, squares(grid_run.cells)))


def drawn(grid: Grid, found: Mapping[tuple[int, int], Square]) -> str:
    """The map in letters, its first row lowest as on the page; then the columns' values and what the letters mean."""
    width = max(len(str(value)) for value in grid.ys)
    rows = [
        f"{value!s:>{width}}  " + " ".join(LETTERS[found[row, column].outcome] for column in range(len(grid.xs)))
        for row, value in enumerate(grid.ys)
    ]
    words = {square.outcome for square in found.values()}
    legend = [f"{LETTERS[word]}  {meaning}" for word, meaning in MEANINGS.items() if word in words]
    legend += [f"{LETTERS['']}  Keras cannot train these settings."] * ("" in words)
    across = f"{grid.x}: {', '.join(str(value) for value in grid.xs)}"
    return "\n".join([f"{grid.y}", *reversed(rows), across, "", *legend])


def show_export(given: argparse.Namespace) -> None:
    from lessons.export.bundle import Bundle
    from lessons.export.notebook import notebook
    from lessons.export.script import script

    settings = wanted(given.slug, given.preset, given.changes)
    bundle = Bundle(given.slug, given.preset or find(given.slug).presets[0].name, Recipe(settings))
    text = {"script": script, "notebook": notebook}[given.to](bundle)
    if not given.output:
        print(text, end="")
        return
    try:
        Path(given.output).write_text(text, encoding="utf-8")
    except OSError as failure:
        raise BadInput(f"-o: got “{given.output}”; takes a file that can be written ({failure.strerror}).") from None


def show_claims(given: argparse.Namespace) -> None:
    """Measure claims in this process. The table prints each as soon as it is measured."""
    from lessons import claims

    wanted = [claims.find(number) for number in given.ids] or list(claims.CLAIMS.values())
    rows = []
    os.environ.update(QUIET)
    with silenced():
        for claim in wanted:
            rows.append(claim.report())
            if not given.json:
                print(line_of(rows[-1]), flush=True)
    if given.json:
        print(json.dumps(rows, indent=1))
        return
    words = [row["verdict"] or "not measured" for row in rows]
    print(", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words)), end="; ")
    print(f"{sum(row['seconds'] for row in rows):.1f} s; {', '.join(map(' '.join, rows[0]['versions'].items()))}")


def line_of(row: dict) -> str:
    """One claim of the table: verdict and claim, then what was measured."""
    on = f" [{row['on']}]" if row["on"] else ""
    return f"{row['id']:>2}  {row['verdict'] or '?':<8}{row['claim']}{on}\n            {row['sentence']}"


def show_check(given: argparse.Namespace) -> None:
    """Examine one file, or each line of a batch: there every result is one line, and printed when it is ready."""
    options = {name: value for name in check.OPTIONS if (value := getattr(given, name)) is not None}
    if bool(given.name) == bool(given.batch):
        raise BadInput("check takes FILE[:FUNCTION], or --batch FILE.")
    if given.batch and options:
        raise BadInput(f"--{next(iter(options)).replace('_', '-')}: with --batch the options stand in its lines.")
    if given.batch:
        for result in check.check_batch(*check.lines_of(given.batch)):
            print(json.dumps(result) if given.json else check.summary(result), flush=True)
        return
    result = check.check_one(given.name, options)
    print(json.dumps(result, indent=1) if given.json else check.diagnosis(result))


def show_preflight(given: argparse.Namespace) -> int:
    """1 where a check has failed."""
    from lessons.tools import preflight

    count = preflight.learners(given.learners) if given.learners is not None else preflight.LEARNERS
    port = preflight.port_of(given.port)
    found = []
    for one in preflight.checks(count, port):
        found.append(one)
        if not given.json:
            print(f"{one.verdict:8} {one.name:10} {one.says}", flush=True)
            print(f"{'':19} {one.do}\n" * bool(one.do), end="", flush=True)
    report = preflight.report(found, count)
    print(json.dumps(report) if given.json else f"\n{report['needs']['says']}")
    return 0 if report["ok"] else 1


def show_database(given: argparse.Namespace) -> None:
    from lessons.classroom import backup, database

    options = {"replace": True} if given.replace else {}
    if options and given.action == "dump":
        raise BadInput("--replace: is for load only.")
    counts = getattr(backup, given.action)(database.address(), Path(given.file), **options)
    told = ", ".join(f"{count} of {table}" for table, count in counts.items())
    print(json.dumps(counts) if given.json else f"{given.action}: rows {told}")


def show_bench(given: argparse.Namespace) -> None:
    from lessons.tools import bench

    bench.main(given.json)


if __name__ == "__main__":
    sys.exit(main())
