"""What there is one of in a process, and is made when it is first asked for."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Made = TypeVar("Made")


class Once(Generic[Made]):
    """Decorates a function without arguments: called once, however many threads ask for the first time together.

    `functools.cache` lets each of them call it, and a server had two pools of workers then. What it raises is not kept.
    """

    def __init__(self, make: Callable[[], Made]):
        functools.update_wrapper(self, make)
        self._make, self._making = make, threading.Lock()
        self._made: list[Made] = []

    def __call__(self) -> Made:
        with self._making:
            if not self._made:
                self._made.append(self._make())
            return self._made[0]

    @property
    def there(self) -> bool:
        """Whether somebody has asked for it."""
        return bool(self._made)

    def forget(self) -> None:
        """Have another one made."""
        self._made.clear()
