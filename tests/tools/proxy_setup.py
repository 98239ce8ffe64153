"""The proxy of compose.yaml: `find()` says where it is, `python -m tests.tools.proxy_setup` installs it."""

import shutil
import sys

from tests.tools import packages

HOW = "caddy from your system's packages"


def find() -> str | None:
    return shutil.which("caddy")


def main() -> int:
    if not find():
        print("No Caddy found: installing it for the tests.", flush=True)
        packages.install("caddy")
    if not find():
        print(f"The tests of the proxy are skipped. To run them: {HOW}.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
