"""Wait for what will be so, and no longer than it can be worth."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 60
LOOK_EVERY_S = 0.02


def until(what: str, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {PATIENCE_S} s: {what}")
        time.sleep(LOOK_EVERY_S)
