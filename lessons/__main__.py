"""The command line: `python -m lessons list | run SLUG | claims | bench`. Exit 2 with one clear line on bad input."""

import argparse
import json
import os
import sys
from collections.abc import Sequence

from lessons import LESSONS, find
from lessons.settings import BadInput, Settings
from lessons.worker import QUIET, silenced


def main(arguments: Sequence[str] | None = None) -> int:
    try:
        given = parser().parse_args(arguments)
        given.command(given)
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

    listing = commands.add_parser("list", help="the lessons, their presets and controls")
    listing.set_defaults(command=show_list)

    running = commands.add_parser("run", help="train one lesson's preset and print what happened")
    running.add_argument("slug", metavar="SLUG", help="a lesson, as `list` names it")
    running.add_argument("--preset", metavar="NAME", help="a preset of the lesson; the first when left out")
    running.add_argument(
        "--set", metavar="FIELD=VALUE", action="append", default=[], dest="changes", help="change a field; repeatable"
    )
    running.set_defaults(command=show_run)

    claiming = commands.add_parser("claims", help="put the thirty-four claims to the test")
    claiming.add_argument("ids", metavar="ID", nargs="*", help="only these claims; all when left out")
    claiming.set_defaults(command=show_claims)

    benching = commands.add_parser("bench", help="speed, as ratios to the plain Keras way in the same run")
    benching.set_defaults(command=show_bench)

    for command in (listing, running, claiming, benching):
        command.add_argument("--json", action="store_true", help="print JSON")
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
    os.environ.update(QUIET)
    with silenced():
        run = train(settings)
    if given.json:
        print(json.dumps(run.to_json()))
        return
    s = run.snapshot
    print(f"{given.slug}: {run.epochs} epochs, {len(s.kept)} with gradients")
    print(f"loss              {s.loss[0]:.4g} -> {s.loss[-1]:.4g}")
    print(f"loss, real steps  {s.real_loss[0]:.4g} -> {s.real_loss[-1]:.4g}")
    print(f"validation loss   {s.val_loss[0]:.4g} -> {s.val_loss[-1]:.4g}")
    print(f"error             {s.error[0]:.3g} -> {s.error[-1]:.3g}   (best constant: {run.baseline:.3g})")
    print(f"leak on padding   {run.leak[0]:.3g} -> {run.leak[-1]:.3g}")
    print(f"starved steps     {run.starved.sum()} of {run.batch.label_real.sum()}")


def wanted(slug: str, preset: str | None, changes: Sequence[str]) -> Settings:
    """The settings that a command line means. Raises BadInput."""
    lesson = find(slug)
    settings = (lesson.preset(preset) if preset else lesson.presets[0]).settings
    fields = {}
    for change in changes:
        name, equals, value = change.partition("=")
        if not equals:
            raise BadInput(f"--set: got “{change[:40]}”; takes FIELD=VALUE, such as epochs=20.")
        fields[name.strip()] = value.strip()
    return settings.with_changes(fields)


def train(settings: Settings):
    """The run, trained in this process. Raises BadInput with Keras' own words where it cannot be trained."""
    from lessons.data import training_batch
    from lessons.engine.train import train
    from lessons.run import Run

    try:
        return Run.gather(settings, training_batch(settings), train(settings))
    except (ValueError, TypeError) as failure:
        raise BadInput(f"these settings cannot be trained; Keras says: {str(failure).splitlines()[0]}") from failure


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


def show_bench(given: argparse.Namespace) -> None:
    from lessons import bench

    bench.main(given.json)


if __name__ == "__main__":
    sys.exit(main())
