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


# Shows the client too, without what it prints.
ROOT_README = Path(__file__).parents[3] / "README.md"


class ReadmeTest(unittest.TestCase):
    def test_every_example_is_run(self) -> None:
        self.assertGreater(README.count(MARK), 0)
        self.assertEqual(README.count(MARK), README.count("```python"))
        self.assertEqual(len(EXAMPLE.findall(README)), README.count(MARK))

    def test_what_the_project_shows_of_it_works(self) -> None:
        (code,) = re.findall(r"```python\n(.*?)```", ROOT_README.read_text(), re.DOTALL)
        self.assertEqual(printed_by(code), "42\n")

    def test_examples_print_what_is_shown(self) -> None:
        for number, (code, shown) in enumerate(EXAMPLE.findall(README)):
            with self.subTest(number=number):
                pattern = ".*".join(map(re.escape, shown.split("…")))
                self.assertRegex(printed_by(code), re.compile(f"^{pattern}$", re.DOTALL))


def printed_by(code: str) -> str:
    """Of a program of its own, in a folder of its own, that has nothing to complain about."""
    run = [sys.executable, "-W", "error", "-c", code.replace("localhost:50051", TARGET)]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(run, cwd=folder, capture_output=True, text=True)
    if (done.returncode, done.stderr) != (0, ""):
        raise AssertionError(done.stderr)
    return done.stdout


if __name__ == "__main__":
    unittest.main()
