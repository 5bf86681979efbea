"""When to call again, and after how long. Each time is told to the logger "runlane"."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from .errors import RunlaneError

log = logging.getLogger("runlane")


@dataclass(frozen=True)
class Retry:
    """How patient a client is with a server that is away or full. Times are in seconds."""

    give_up_after: float = 60.0
    """After the first failure since something arrived; 0 never calls again."""
    first_pause: float = 0.1
    """Doubled with each failure."""
    longest_pause: float = 5.0


class Attempts:
    """The attempts at one call: safe to repeat, as each submission has a key and a watch knows its last event."""

    def __init__(
        self,
        retry: Retry,
        timeout: float | None = None,
        *,
        now: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._retry = retry
        self._now = now
        self._draw = draw
        self._deadline = None if timeout is None else now() + timeout
        self.succeeded()

    def succeeded(self) -> None:
        """Something arrived: what fails from now on is another failure."""
        self._failing_since: float | None = None
        self._pause = self._retry.first_pause

    def time_left(self) -> float | None:
        return None if self._deadline is None else max(0.0, self._deadline - self._now())

    def pause_after(self, error: RunlaneError) -> float:
        """How long to wait before the next attempt. Raises TimeoutError when time is up, the error when none is due."""
        now = self._now()
        if self._failing_since is None:
            self._failing_since = now
        pause = self._next_pause(error)
        left = self.time_left()
        if left is not None and (error.code == "DEADLINE_EXCEEDED" or (error.retryable and left <= pause)):
            raise TimeoutError("the job has not ended in time") from error
        if not error.retryable or now + pause - self._failing_since > self._retry.give_up_after:
            raise error
        log.info("calling again in %.1f s: %s", pause, error)
        return pause

    def _next_pause(self, error: RunlaneError) -> float:
        # Between half and whole: clients that failed together do not come back together.
        pause = self._pause * (0.5 + self._draw() / 2)
        self._pause = min(self._pause * 2, self._retry.longest_pause)
        return pause + (error.retry_after_seconds or 0.0)
