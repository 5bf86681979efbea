"""Runs the examples of the README as they are. They must print what is shown beneath; "…" stands for anything."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from both import TARGET

README = (Path(__file__).parent.parent / "README.md").read_text()
MARK = "<!-- example -->"
EXAMPLE = re.compile(MARK + r"\n```python\n(.*?)```\n```text\n(.*?)```", re.DOTALL)


class ReadmeTest(unittest.TestCase):
    def test_every_example_is_run(self) -> None:
        self.assertGreater(README.count(MARK), 0)
        self.assertEqual(README.count(MARK), README.count("```python"))
        self.assertEqual(len(EXAMPLE.findall(README)), README.count(MARK))

    def test_examples_print_what_is_shown(self) -> None:
        for number, (code, shown) in enumerate(EXAMPLE.findall(README)):
            with self.subTest(number=number), tempfile.TemporaryDirectory() as folder:
                run = [sys.executable, "-W", "error", "-c", code.replace("localhost:50051", TARGET)]
                done = subprocess.run(run, cwd=folder, capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                pattern = ".*".join(map(re.escape, shown.split("…")))
                self.assertRegex(done.stdout, re.compile(f"^{pattern}$", re.DOTALL))


if __name__ == "__main__":
    unittest.main()
