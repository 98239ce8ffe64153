"""A process that never gets ready: what `forking.start` is given in place of a worker's module."""

import time


def main() -> None:
    time.sleep(1e6)


if __name__ == "__main__":
    main()
