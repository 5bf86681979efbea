"""Against a platform: what a program is given, and what comes back."""

from __future__ import annotations

import io
import unittest
import uuid
from typing import Any

from both import both
from until import until

from runlane import Limits, Program, Retry, RunlaneError, SourceFile, Status

NO_RETRY = Retry(give_up_after=0)
SLEEPS = "import time\nprint('so far', flush=True)\ntime.sleep(60)"


class Jobs:
    open: Any
    client: Any

    def setUp(self: Any) -> None:
        self.client = self.open()
        self.addCleanup(self.client.close)

    def test_a_program_gets_its_input_arguments_environment_and_files(self: Any) -> None:
        code = "import os, sys, more\nprint(input(), sys.argv[1:], os.environ['A'], more.b)\nsys.exit(3)"
        files = [SourceFile("main.py", code), SourceFile("more.py", b"b = 2")]
        result = self.client.execute(files=files, stdin="in\n", args=["x", "y"], env={"A": "1"}, version=">=3")
        self.assertEqual((result.status, result.exit_code, result.ok), ("failed", 3, False))
        self.assertEqual(result.stdout, "in ['x', 'y'] 1 2\n")
        self.assertIs(result.status, Status.FAILED)
        self.assertEqual(self.client.result(result.job_id), result)

    def test_files_may_be_a_mapping_and_a_program_a_value(self: Any) -> None:
        program = Program(files={"b.py": "print('b')", "a.py": "import b"}, entry="a.py", metadata={"k": "v"})
        result = self.client.execute(program, language="py")
        self.assertEqual((result.stdout, result.ok), ("b\n", True))
        self.assertEqual(self.client.get(result.job_id).metadata, {"k": "v"})

    def test_a_run_tells_everything_in_order(self: Any) -> None:
        code = "import sys\nfor n in range(3):\n  print(n, flush=True)\n  print(n, file=sys.stderr, flush=True)"
        events = list(self.client.run(code))
        self.assertEqual((events[0].type, events[-1].type), ("job", "result"))
        written = [(event.type, event.text) for event in events if event.type in ("stdout", "stderr")]
        for stream in ("stdout", "stderr"):
            self.assertEqual("".join(text for kind, text in written if kind == stream), "0\n1\n2\n")
        self.assertEqual(events[-1].result.stdout, "0\n1\n2\n")
        self.assertEqual(events[-1].job.id, events[0].job.id)

    def test_a_watch_begins_after_the_event_that_it_is_given(self: Any) -> None:
        job_id = self.client.submit("import time\nfor n in range(9):\n  print(n, flush=True)\n  time.sleep(0.05)")
        events = list(self.client.watch(job_id))
        fifth = next(event for event in events if event.type == "stdout" and "5" in event.text)
        again = list(self.client.watch(job_id, after_event_id=fifth.id))
        self.assertEqual(again, events[events.index(fifth) + 1 :])
        self.assertEqual(list(self.client.watch(job_id, after_event_id=events[-1].id)), [])

    def test_text_holds_characters_that_were_cut_in_two(self: Any) -> None:
        code = "import os\nos.write(1, b'\\xc3')\nimport time\ntime.sleep(0.2)\nos.write(1, b'\\xa9\\xff')"
        written = [event for event in self.client.run(code) if event.type == "stdout"]
        self.assertEqual(b"".join(event.data for event in written), b"\xc3\xa9\xff")
        self.assertEqual("".join(event.text for event in written), "é\ufffd")

    def test_what_a_program_leaves_comes_back(self: Any) -> None:
        code = "import os\nos.makedirs('out/a')\nopen('out/a/b.bin', 'wb').write(bytes(range(256)) * 1000)"
        result = self.client.execute(code)
        (file,) = result.files
        self.assertEqual((file.path, file.size_bytes), ("a/b.bin", 256_000))
        self.assertEqual(self.client.file(result.job_id, file.path), bytes(range(256)) * 1000)
        to = io.BytesIO()
        self.assertEqual(self.client.download(result.job_id, file.path, to), 256_000)
        self.assertEqual(to.getvalue(), bytes(range(256)) * 1000)

    def test_limits_end_a_program(self: Any) -> None:
        result = self.client.execute("while True: pass", limits=Limits(wall_time_ms=500))
        self.assertEqual((result.status, result.exit_code, result.signal), ("timed_out", None, "SIGKILL"))
        self.assertIn("time limit", result.message)

    def test_a_job_is_cancelled(self: Any) -> None:
        events = self.client.run(SLEEPS, limits=Limits(wall_time_ms=60_000))
        job_id = next(event.job.id for event in events if event.type == "job")
        next(event for event in events if event.type == "stdout")
        self.client.cancel(job_id)
        result = self.client.wait(job_id, timeout=60)
        self.assertEqual((result.status, result.stdout), ("cancelled", "so far\n"))

    def test_who_has_waited_long_enough_hears_so_and_may_wait_again(self: Any) -> None:
        job_id = self.client.submit(SLEEPS, limits=Limits(wall_time_ms=60_000))
        with self.assertRaises(TimeoutError):
            self.client.wait(job_id, timeout=0.1)
        self.assertIsNone(self.client.result(job_id))
        self.client.cancel(job_id)
        self.assertEqual(self.client.wait(job_id).status, "cancelled")

    def test_an_execution_that_takes_too_long_is_cancelled(self: Any) -> None:
        with self.assertRaises(TimeoutError):
            self.client.execute(SLEEPS, timeout=0.2, metadata={"this": "one"}, limits=Limits(wall_time_ms=60_000))
        job = next(job for job in self.client.list() if job.metadata == {"this": "one"})
        self.assertEqual(self.client.wait(job.id).status, "cancelled")

    def test_every_bad_field_is_named(self: Any) -> None:
        with self.assertRaises(RunlaneError) as caught:
            self.client.submit("x", args=["\0"], limits=Limits(wall_time_ms=10**9, compile=None))
        error = caught.exception
        self.assertEqual((error.code, error.retryable, error.retry_after_seconds), ("INVALID_REQUEST", False, None))
        self.assertEqual([bad.field for bad in error.fields], ["args[0]", "limits.wallTimeMs"])
        self.assertTrue(all(bad.reason for bad in error.fields))
        with self.assertRaisesRegex(TypeError, "colour"):
            self.client.submit("x", colour="red")

    def test_a_refusal_is_heard_however_much_there_is_to_say(self: Any) -> None:
        with self.assertRaises(RunlaneError) as caught:
            self.client.submit("x", args=["\0"] * 64, env={"日" * 1000: "", "語" * 1000: ""})
        error = caught.exception
        self.assertEqual((error.code, error.fields[0].field), ("INVALID_REQUEST", "args[0]"))
        self.assertGreater(len(error.fields), 50)

    def test_what_is_not_there_has_a_code(self: Any) -> None:
        with self.assertRaises(RunlaneError) as caught:
            self.client.get("01900000-0000-7000-8000-000000000000")
        self.assertEqual((caught.exception.code, caught.exception.fields), ("JOB_NOT_FOUND", []))

    def test_the_server_says_whether_and_when_to_try_again(self: Any) -> None:
        impatient = self.open(retry=NO_RETRY)
        self.addCleanup(impatient.close)
        job_id = impatient.submit(SLEEPS, limits=Limits(wall_time_ms=60_000))
        with self.assertRaises(RunlaneError) as caught:
            impatient.file(job_id, "a")
        error = caught.exception
        self.assertEqual((error.code, error.retryable, error.retry_after_seconds), ("JOB_NOT_ENDED", True, 1.0))
        impatient.cancel(job_id)

    def test_a_key_makes_one_job(self: Any) -> None:
        key = uuid.uuid4().hex
        first = self.client.submit("print(1)", idempotency_key=key)
        self.assertEqual(self.client.submit("print(1)", idempotency_key=key), first)
        self.assertEqual(next(iter(self.client.run("print(1)", idempotency_key=key))).job.id, first)
        with self.assertRaises(RunlaneError) as caught:
            self.client.submit("print(2)", idempotency_key=key)
        self.assertEqual(caught.exception.code, "IDEMPOTENCY_MISMATCH")

    def test_languages_and_jobs_are_listed(self: Any) -> None:
        python = next(language for language in self.client.languages() if language.name == "python")
        self.assertTrue(python.available and python.terminal and not python.compiled)
        self.assertGreater(python.maximum_limits.wall_time_ms, python.default_limits.wall_time_ms)
        job_id = self.client.execute("1 / 0").job_id
        failed = self.client.list(status=Status.FAILED, language="python")
        self.assertEqual(next(iter(failed)).id, job_id)
        until("it is listed by name", lambda: job_id in [job.id for job in self.client.list(status="failed")])
        with self.assertRaises(ValueError):
            next(iter(self.client.list(status="nope")))


both(Jobs)

if __name__ == "__main__":
    unittest.main()
