"""Against a platform: batches, and programs that are judged by cases."""

from __future__ import annotations

import unittest
from typing import Any

from both import both

from runlane import CaseLimits, Checker, Comparison, Judge, Limits, Program, Status, TestCase, Verdict


class Batches:
    open: Any
    client: Any

    def setUp(self: Any) -> None:
        self.client = self.open()
        self.addCleanup(self.client.close)

    def test_a_batch_is_watched_to_its_end(self: Any) -> None:
        batch_id = self.client.submit_batch(["print(1)", "1 / 0", Program("print(3)")], metadata={"k": "v"})
        events = list(self.client.watch_batch(batch_id))
        ended = {event.index: event.status for event in events if event.type == "job"}
        self.assertEqual(ended, {0: "succeeded", 1: "failed", 2: "succeeded"})
        batch = events[-1].batch
        self.assertEqual((batch.total, batch.finished, batch.metadata), (3, 3, {"k": "v"}))
        self.assertEqual(batch.counts, {Status.SUCCEEDED: 2, Status.FAILED: 1})
        self.assertEqual(self.client.batch(batch_id), batch)
        self.assertEqual(self.client.get(batch.jobs[2].id).result.stdout, "3\n")
        self.assertEqual(self.client.get(batch.jobs[2].id).batch_id, batch_id)

    def test_a_batch_is_cancelled(self: Any) -> None:
        sleeps = Program("import time\ntime.sleep(60)", limits=Limits(wall_time_ms=60_000))
        batch_id = self.client.submit_batch([sleeps] * 3)
        with self.assertRaises(TimeoutError):
            self.client.wait_batch(batch_id, timeout=0.1)
        self.client.cancel_batch(batch_id)
        self.assertEqual(self.client.wait_batch(batch_id, timeout=60).counts, {Status.CANCELLED: 3})

    def test_a_list_goes_on_over_its_pages(self: Any) -> None:
        batch_id = self.client.submit_batch(["pass"] * 60)
        mine = [job.id for job in self.client.list() if job.batch_id == batch_id]
        self.assertEqual(len(set(mine)), 60)
        self.client.wait_batch(batch_id)


class Judging:
    open: Any
    client: Any

    def setUp(self: Any) -> None:
        self.client = self.open()
        self.addCleanup(self.client.close)

    def test_a_program_is_judged_by_cases(self: Any) -> None:
        cases = [
            TestCase("small", stdin="2", expected_stdout="4"),
            TestCase("wrong", stdin="3", expected_stdout="10"),
            TestCase("near", stdin="1.5", expected_stdout="2.2500001", comparison=Comparison("numeric")),
            TestCase("slow", stdin="-1", limits=CaseLimits(wall_time_ms=500)),
        ]
        code = "n = float(input())\nwhile n < 0: pass\nprint(int(n * n) if n == int(n) else n * n)"
        events = list(self.client.run(code, cases=cases))
        found = {event.case.name: event.case.verdict for event in events if event.type == "case"}
        expected = {"small": "accepted", "wrong": "wrong_answer", "near": "accepted", "slow": "time_limit_exceeded"}
        self.assertEqual(found, expected)
        result = events[-1].result
        self.assertEqual((result.status, result.summary.passed, result.summary.first_failure), ("failed", 2, 1))
        self.assertIs(result.summary.verdict, Verdict.WRONG_ANSWER)
        self.assertEqual((result.cases[1].stdout, result.cases[1].exit_code), ("9\n", 0))

    def test_a_checker_judges(self: Any) -> None:
        checker = Checker("print(open('output').read(), end='')\nexit(0 if open('output').read() == 'ok\\n' else 1)")
        judge = Judge(checker=checker, stop_at_first_failure=True)
        cases = [TestCase(args=["ok"]), TestCase(args=["no"]), TestCase(args=["ok"])]
        result = self.client.execute("import sys\nprint(sys.argv[1])", cases=cases, judge=judge)
        verdicts = [case.judged.verdict for case in result.cases]
        self.assertEqual(verdicts, ["accepted", "wrong_answer", "skipped"])


both(Batches)
both(Judging)

if __name__ == "__main__":
    unittest.main()
