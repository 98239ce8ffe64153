"""`python -m lessons check`: losses from files, examined in walled processes."""

import contextlib
import dataclasses
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lessons.doctor.refusal import refused
from lessons.doctor.usage import Usage
from lessons.recipe.bad_input import BadInput
from lessons.recipe.recipe import Pasted
from lessons.sandbox.walled_pool import WARM, Limits, WalledPool
from lessons.server import walled_tasks
from lessons.workers.job import Job

LIMITS = Limits()
OPTIONS = tuple(field.name for field in dataclasses.fields(Usage))


def check_one(name: str, options: Mapping[str, str]) -> dict:
    """The examination of FILE[:FUNCTION]. Raises BadInput for a file that cannot be read and for a wrong option."""
    path, function = split(name)
    text = read(Path(path))
    Usage.parse(options)
    with walled_pool(1) as walled_workers:
        return answer(walled_workers.submit(walled_tasks.examine, text, function, dict(options)), function)


def check_batch(lines: Iterable[str], folder: Path) -> Iterator[dict]:
    """One result for each line, in order, as they are ready. Files are looked for here and beside the batch file."""
    with walled_pool() as walled_workers:
        waiting = [order(walled_workers, line, folder) for line in lines]
        for function, job in waiting:
            yield answer(job, function) if isinstance(job, Job) else job


def order(walled_workers: WalledPool, line: str, folder: Path) -> tuple[str | None, Job | dict]:
    """(function, the job of a line, or the refusal that answers it)"""
    function = None
    try:
        wanted = entry(line)
        function = wanted.get("function")
        options = {name: wanted[name] for name in OPTIONS if wanted.get(name) is not None}
        Usage.parse(options)
        text = read(found(wanted["file"], folder))
        return function, walled_workers.submit(walled_tasks.examine, text, function, options)
    except BadInput as problem:
        return function, refused(function, None, str(problem))


def entry(line: str) -> dict[str, Any]:
    """The object of a line, with `label-shape` as `label_shape`. Raises BadInput."""
    try:
        wanted = json.loads(line)
    except (ValueError, RecursionError):
        raise BadInput(f"batch: got “{line.strip()[:40]}”; takes one JSON object per line.") from None
    if not isinstance(wanted, dict) or not isinstance(wanted.get("file"), str):
        raise BadInput(f"batch: got “{line.strip()[:40]}”; takes an object with “file”.")
    wanted = {name.replace("-", "_"): value for name, value in wanted.items()}
    unknown = wanted.keys() - {"file", "function", *OPTIONS}
    if unknown:
        raise BadInput(f"batch: got “{sorted(unknown)[0][:40]}”; takes file, function, {', '.join(OPTIONS)}.")
    if not isinstance(wanted.get("function"), str | None):
        raise BadInput("function: takes a name, or a call such as focal(2.0).")
    if wanted.get("function") is None:
        wanted["file"], wanted["function"] = split(wanted["file"])
    return wanted


def answer(job: Job, function: str | None) -> dict:
    """What the examination found, or why it was ended."""
    try:
        return job.result()
    except Exception as failure:  # a limit, or the process it brought down: both are told in one sentence
        return refused(function, None, f"the examination was ended: {failure}")


def split(name: str) -> tuple[str, str | None]:
    """FILE and FUNCTION of FILE[:FUNCTION]; a file of that very name comes first."""
    path, colon, function = name.rpartition(":")
    if not colon or Path(name).exists() or not path or function.startswith(("/", "\\")):
        return name, None
    return path, function or None


def loss_of(name: str) -> Pasted:
    """The loss of FILE[:FUNCTION]. Raises BadInput."""
    path, function = split(name)
    return Pasted(read(Path(path)), function)


def found(name: str, folder: Path) -> Path:
    here, beside = Path(name), folder / name
    return beside if beside.exists() and not here.exists() else here


def read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) and problem.strerror else "no UTF-8 text"
        raise BadInput(f"file: got “{str(path)[:80]}”, which cannot be read ({reason}).") from None


@contextlib.contextmanager
def walled_pool(size: int | None = None) -> Iterator[WalledPool]:
    # Whoever types this runs their own files on their own machine: with the walls that it has.
    walled_workers = WalledPool(size, spares=0, limits=LIMITS, warm=WARM, fewer_walls=True)
    try:
        yield walled_workers
    finally:
        walled_workers.shutdown(wait=False)


def lines_of(name: str) -> tuple[Iterable[str], Path]:
    """(lines, folder) of a batch file; “-” is standard input. Raises BadInput."""
    if name == "-":
        return sys.stdin, Path()
    return read(Path(name)).splitlines(), Path(name).parent


def summary(result: dict) -> str:
    """One line about one loss."""
    if result["refused"]:
        return f"{result['function'] or '?'}: refused, {result['refused']['message']}"
    nothing = "it depends on the usage" if result.get("elsewhere") else "healthy"
    return f"{result['function']}: {', '.join(found['code'] for found in result['findings']) or nothing}"


def diagnosis(result: dict) -> str:
    """The findings of one loss in full."""
    lines = [summary(result)]
    for found in result["findings"]:
        lines += in_full(found)
    for one in result.get("elsewhere", ()):
        lines += ["", f"if it is meant for: {', '.join(f'{name} {value}' for name, value in one['usage'].items())}"]
        lines += [f"    {found['title']} ({found['code']}): {found['message']}" for found in one["findings"]]
        lines += ["    nothing else is wrong"] * (not one["findings"])
    if not result["refused"]:
        used = (
            f"{name} {value}" + " (inferred)" * (name in result["inferred"]) for name, value in result["usage"].items()
        )
        lines += ["", f"examined as: {', '.join(used)}", *result.get("limits", ())]
    return "\n".join(lines)


def in_full(found: Mapping) -> list[str]:
    """The lines about one finding, in a loss or in a run."""
    lines = ["", f"{found['severity']}: {found['title']} ({found['code']})", f"    {found['message']}"]
    return [*lines, f"    why: {found['why']}", f"    fix: {found['fix']}"]
