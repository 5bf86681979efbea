"""When a call is repeated, by a clock of the test's own."""

from __future__ import annotations

import unittest

from runlane import Retry, RunlaneError
from runlane.retry import Attempts

AWAY = RunlaneError("UNAVAILABLE", "nobody is there", retryable=True)
REFUSED = RunlaneError("INVALID_REQUEST", "it is wrong")
FULL = RunlaneError("QUEUE_FULL", "come back", retryable=True, retry_after_seconds=5)
LATE = RunlaneError("DEADLINE_EXCEEDED", "time is up")


class Clock:
    now = 100.0

    def attempts(self, retry: Retry, timeout: float | None = None, draw: float = 1.0) -> Attempts:
        return Attempts(retry, timeout, now=lambda: self.now, draw=lambda: draw)


class RetryTest(unittest.TestCase):
    def setUp(self) -> None:
        self.clock = Clock()

    def test_pauses_are_doubled_up_to_the_longest_and_begin_anew_when_something_arrives(self) -> None:
        attempts = self.clock.attempts(Retry(first_pause=1, longest_pause=3))
        self.assertEqual([attempts.pause_after(AWAY) for _ in range(4)], [1, 2, 3, 3])
        attempts.succeeded()
        self.assertEqual(attempts.pause_after(AWAY), 1)

    def test_pauses_are_shortened_by_chance_to_half_at_most(self) -> None:
        attempts = self.clock.attempts(Retry(first_pause=1), draw=0.0)
        self.assertEqual(attempts.pause_after(AWAY), 0.5)

    def test_a_server_that_says_when_is_left_alone_until_then(self) -> None:
        attempts = self.clock.attempts(Retry(first_pause=1))
        self.assertEqual(attempts.pause_after(FULL), 6)

    def test_patience_is_counted_from_the_first_failure_since_something_arrived(self) -> None:
        attempts = self.clock.attempts(Retry(give_up_after=10, first_pause=1))
        self.clock.now += 600
        self.assertEqual(attempts.pause_after(AWAY), 1)
        self.clock.now += 9
        with self.assertRaises(RunlaneError) as caught:
            attempts.pause_after(AWAY)
        self.assertIs(caught.exception, AWAY)
        attempts.succeeded()
        self.assertEqual(attempts.pause_after(AWAY), 1)

    def test_what_is_refused_is_not_tried_again(self) -> None:
        with self.assertRaises(RunlaneError):
            self.clock.attempts(Retry()).pause_after(REFUSED)

    def test_time_that_is_up_is_told_as_such(self) -> None:
        attempts = self.clock.attempts(Retry(first_pause=1), timeout=5)
        self.assertEqual(attempts.time_left(), 5)
        self.assertEqual(attempts.pause_after(AWAY), 1)
        self.clock.now += 4
        for error in (AWAY, LATE):
            with self.assertRaises(TimeoutError):
                attempts.pause_after(error)
        with self.assertRaises(RunlaneError):
            attempts.pause_after(REFUSED)


if __name__ == "__main__":
    unittest.main()
