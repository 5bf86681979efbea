"""Against a platform: programs that are talked to."""

from __future__ import annotations

import unittest
from typing import Any

from both import both

from runlane import RunlaneError

ASKS = "name = input('Who? ')\nprint('Hello,', name)"


def text_until(session: Any, words: str) -> str:
    text = ""
    for event in session:
        text += event.text if event.type in ("stdout", "stderr") else ""
        if words in text:
            return text
    raise AssertionError(f"ended after {text!r}")


class Sessions:
    open: Any
    client: Any

    def setUp(self: Any) -> None:
        self.client = self.open()
        self.addCleanup(self.client.close)

    def test_a_program_asks_and_is_answered(self: Any) -> None:
        with self.client.interact(ASKS) as session:
            text_until(session, "Who? ")
            session.write("Ada\n")
            text_until(session, "Hello, Ada\n")
            self.assertEqual([event.type for event in session][-1], "result")
            self.assertEqual((session.result.stdout, session.result.job_id), ("Who? Hello, Ada\n", session.job_id))

    def test_input_of_any_size_ends_where_it_is_closed(self: Any) -> None:
        with self.client.interact("import sys\nprint(len(sys.stdin.read()))") as session:
            session.write("x" * 1_000_000)
            session.write(b"")
            session.close_stdin()
            list(session)
            self.assertEqual(session.result.stdout, "1000000\n")
            session.write("nobody hears this")

    def test_a_terminal_has_a_size_and_signals(self: Any) -> None:
        code = (
            "import os, signal\n"
            "signal.signal(signal.SIGWINCH, lambda *_: print('now', os.get_terminal_size().lines))\n"
            "print('first', os.get_terminal_size().lines)\n"
            "try:\n  while True: input()\nexcept KeyboardInterrupt: print('ended')"
        )
        with self.client.interact(code, terminal=(20, 80)) as session:
            text_until(session, "first 20\r\n")
            session.resize(30, 80)
            text_until(session, "now 30\r\n")
            session.signal("SIGINT")
            text_until(session, "ended\r\n")
            list(session)
            self.assertEqual(session.result.exit_code, 0)

    def test_leaving_cancels(self: Any) -> None:
        with self.client.interact(ASKS) as session:
            text_until(session, "Who? ")
            job_id = session.job_id
        self.assertEqual(self.client.wait(job_id, timeout=60).status, "cancelled")

    def test_a_job_is_attached_to_once(self: Any) -> None:
        job_id = self.client.submit(ASKS, interactive=True)
        with self.client.attach(job_id) as session:
            with self.assertRaises(RunlaneError) as caught:
                self.client.attach(job_id)
            self.assertEqual((caught.exception.code, caught.exception.retryable), ("ALREADY_ATTACHED", False))
            session.write("Ada\n")
            list(session)
            self.assertTrue(session.result.ok)


both(Sessions)

if __name__ == "__main__":
    unittest.main()
