"""Test mode: the cases that a program is judged by, and how they are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .limits import CaseLimits, Limits, case_limits_message, limits_message
from .sources import Files, Text, to_bytes, to_files
from .v1 import execution_pb2


@dataclass(frozen=True)
class Comparison:
    """How output is compared with what is expected; tolerances are for "numeric"."""

    mode: Literal["exact", "trimmed", "tokens", "numeric", "checker"]
    absolute_tolerance: float | None = None
    relative_tolerance: float | None = None


@dataclass(frozen=True)
class Checker:
    """A program that judges output, called with the names of three files: input, output and answer."""

    code: str = ""
    language: str = ""
    version: str = ""
    files: Files = ()
    entry: str = ""
    limits: Limits | None = None


@dataclass(frozen=True)
class Judge:
    """How cases are judged: without anything said, line by line, without white space at the ends."""

    comparison: Comparison | None = None
    checker: Checker | None = None
    stop_at_first_failure: bool = False


@dataclass(frozen=True)
class TestCase:
    """A run of the program, and what it is to print. What is None is as for the program."""

    # Not a test of pytest's, whatever its name begins with.
    __test__ = False

    name: str = ""
    stdin: Text | None = None
    args: Sequence[str] | None = None
    expected_stdout: Text | None = None
    """When None, output is not compared: exit code 0 is enough."""
    limits: CaseLimits | None = None
    comparison: Comparison | None = None


def case_message(case: TestCase) -> execution_pb2.TestCase:
    return execution_pb2.TestCase(
        name=case.name,
        stdin=None if case.stdin is None else to_bytes(case.stdin),
        args=None if case.args is None else execution_pb2.Arguments(values=case.args),
        expected_stdout=None if case.expected_stdout is None else to_bytes(case.expected_stdout),
        limits=case_limits_message(case.limits) if case.limits else None,
        comparison=_comparison_message(case.comparison),
    )


def judge_message(judge: Judge) -> execution_pb2.Judge:
    return execution_pb2.Judge(
        comparison=_comparison_message(judge.comparison),
        checker=_checker_message(judge.checker) if judge.checker else None,
        stop_at_first_failure=judge.stop_at_first_failure,
    )


def _comparison_message(comparison: Comparison | None) -> execution_pb2.Comparison | None:
    if comparison is None:
        return None
    return execution_pb2.Comparison(
        mode=execution_pb2.ComparisonMode.Value(f"COMPARISON_MODE_{comparison.mode.upper()}"),
        absolute_tolerance=comparison.absolute_tolerance,
        relative_tolerance=comparison.relative_tolerance,
    )


def _checker_message(checker: Checker) -> execution_pb2.Checker:
    return execution_pb2.Checker(
        code=checker.code,
        language=checker.language,
        version=checker.version,
        files=to_files(checker.files),
        entry=checker.entry,
        limits=limits_message(checker.limits) if checker.limits else None,
    )
