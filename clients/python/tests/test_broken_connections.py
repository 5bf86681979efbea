"""Against a platform whose connections break: nothing is lost, nothing is told twice, nothing is run twice."""

from __future__ import annotations

import hashlib
import io
import unittest
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from both import TARGET, both
from proxy import Proxy
from until import until

from runlane import Retry, Runlane, RunlaneError


class BrokenConnections:
    open: Any

    def setUp(self: Any) -> None:
        self.proxy = Proxy(TARGET)
        self.addCleanup(self.proxy.close)
        self.client = self.open(self.proxy.address)
        self.addCleanup(self.client.close)
        self.direct = Runlane(TARGET)
        self.addCleanup(self.direct.close)
        self.mark = {"test": uuid.uuid4().hex}
        self.pool = ThreadPoolExecutor()
        self.addCleanup(self.pool.shutdown)

    def jobs_of_this_test(self: Any) -> list[str]:
        return [job.id for job in self.direct.list() if job.metadata == self.mark]

    def test_a_run_goes_on_after_the_last_event(self: Any) -> None:
        # It says nothing of its own accord: what follows a cut comes over another connection.
        code = "while line := input(): print(line, flush=True)"
        told = []
        for event in self.client.run(code, metadata=self.mark, interactive=True):
            told.append(event)
            if event.type == "job":
                session = self.direct.attach(event.job.id)
                self.addCleanup(session.close)
                session.write("1\n")
            elif event.type == "stdout":
                number = int(event.text)
                if number % 3 == 0:
                    self.proxy.cut()
                session.write(f"{number + 1}\n" if number < 10 else "\n")
        self.assertGreaterEqual(self.proxy.connections, 4)
        lines = [f"{number}\n" for number in range(1, 11)]
        self.assertEqual([event.text for event in told if event.type == "stdout"], lines)
        ids = [event.id for event in told if event.type in ("stdout", "result")]
        self.assertEqual(ids, sorted(set(ids), key=lambda id: int(id.removeprefix("1-"))))
        self.assertNotIn("gap", [event.type for event in told])
        self.assertEqual(len(self.jobs_of_this_test()), 1)

    def test_a_wait_survives(self: Any) -> None:
        job_id = self.client.submit("print(input())", interactive=True)
        waiting = self.pool.submit(self.client.wait, job_id)
        until("it runs", lambda: self.direct.get(job_id).status == "running")
        self.proxy.cut()
        with self.direct.attach(job_id) as session:
            session.write("over\n")
            self.assertEqual(waiting.result().stdout, "over\n")

    def test_a_submission_whose_answer_is_lost_makes_one_job(self: Any) -> None:
        self.submit_and_lose_the_answer(self.client.submit)

    def test_a_run_whose_answer_is_lost_makes_one_job(self: Any) -> None:
        self.submit_and_lose_the_answer(lambda code, **options: next(iter(self.client.run(code, **options))).job.id)

    def submit_and_lose_the_answer(self: Any, submit: Callable[..., str]) -> None:
        self.client.languages()
        self.proxy.lose_answers()
        submitted = self.pool.submit(submit, "print(1)", metadata=self.mark)
        until("it is accepted", lambda: self.jobs_of_this_test() != [])
        self.proxy.cut()
        self.assertEqual(self.direct.wait(submitted.result()).stdout, "1\n")
        self.assertEqual(self.jobs_of_this_test(), [submitted.result()])

    def test_a_download_goes_on_after_the_last_byte(self: Any) -> None:
        code = "import os\nos.makedirs('out', exist_ok=True)\nopen('out/a', 'wb').write(os.urandom(6_000_000))"
        result = self.client.execute(code)

        class CutsOnce(io.BytesIO):
            def write(to, chunk: Any) -> int:
                if to.tell() == 0:
                    self.proxy.cut()
                return super().write(chunk)

        to = CutsOnce()
        self.assertEqual(self.client.download(result.job_id, "a", to), 6_000_000)
        self.assertEqual(hashlib.sha256(to.getvalue()).hexdigest(), result.files[0].sha256)
        self.assertGreaterEqual(self.proxy.connections, 2)

    def test_a_batch_is_told_once(self: Any) -> None:
        batch_id = self.client.submit_batch(["import time\ntime.sleep(0.1)"] * 12)
        ended = []
        for event in self.client.watch_batch(batch_id):
            if event.type == "job":
                ended.append(event.index)
                if len(ended) in (2, 5):
                    self.proxy.cut()
        self.assertEqual(sorted(ended), list(range(12)))

    def test_who_is_talked_to_is_not_run_again(self: Any) -> None:
        session = self.client.interact("input('ready')")
        next(event for event in session if event.type == "stdout")
        self.proxy.cut()
        with self.assertRaises(RunlaneError):
            list(session)
        self.assertEqual(self.direct.wait(session.job_id).status, "cancelled")

    def test_patience_ends(self: Any) -> None:
        self.proxy.close()
        client = self.open(self.proxy.address, retry=Retry(give_up_after=0.5))
        self.addCleanup(client.close)
        for call in (client.languages, lambda: list(client.run("print(1)")), lambda: client.interact("print(1)")):
            with self.assertRaises(RunlaneError) as caught:
                call()
            self.assertEqual((caught.exception.code, caught.exception.retryable), ("UNAVAILABLE", True))


both(BrokenConnections)

if __name__ == "__main__":
    unittest.main()
