"""Test mode: what cases were found to be."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from .v1 import execution_pb2


class Verdict(str, Enum):
    """What a test case is found to be; UNKNOWN is one that this client is too old for."""

    ACCEPTED = "accepted"
    WRONG_ANSWER = "wrong_answer"
    PRESENTATION_ERROR = "presentation_error"
    TIME_LIMIT_EXCEEDED = "time_limit_exceeded"
    MEMORY_LIMIT_EXCEEDED = "memory_limit_exceeded"
    OUTPUT_LIMIT_EXCEEDED = "output_limit_exceeded"
    RUNTIME_ERROR = "runtime_error"
    CHECKER_FAILED = "checker_failed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"

    # The same in every version of Python, in print() too.
    __str__ = str.__str__


@dataclass(frozen=True)
class JudgedCase:
    """The verdict on a case, and what its run took."""

    index: int
    name: str
    verdict: Verdict
    wall_time_ms: int
    cpu_time_ms: int
    memory_peak_bytes: int


@dataclass(frozen=True)
class CaseResult:
    """A case as the result tells it: judged, with how it ended and the first bytes of its output."""

    judged: JudgedCase
    exit_code: int | None
    signal: str | None
    stdout: str
    stderr: str
    stdout_truncated: bool
    stderr_truncated: bool
    message: str | None


@dataclass(frozen=True)
class Summary:
    """All cases together: ACCEPTED when every one is, else the verdict of the first that is not."""

    verdict: Verdict
    total: int
    passed: int
    failed: int
    skipped: int
    first_failure: int | None


def to_verdict(number: int) -> Verdict:
    found = execution_pb2.Verdict.DESCRIPTOR.values_by_number.get(number)
    name = found.name.removeprefix("VERDICT_") if found else ""
    return Verdict.__members__.get(name, Verdict.UNKNOWN)


def to_judged_case(message: execution_pb2.JudgedCase) -> JudgedCase:
    return JudgedCase(
        message.index,
        message.name,
        to_verdict(message.verdict),
        message.wall_time_ms,
        message.cpu_time_ms,
        message.memory_peak_bytes,
    )


def to_case_result(message: execution_pb2.CaseResult) -> CaseResult:
    return CaseResult(
        to_judged_case(message.judged),
        optional(message, "exit_code"),
        optional(message, "signal"),
        message.stdout.decode(errors="replace"),
        message.stderr.decode(errors="replace"),
        message.stdout_truncated,
        message.stderr_truncated,
        optional(message, "message"),
    )


def to_summary(message: execution_pb2.JudgingSummary) -> Summary:
    return Summary(
        to_verdict(message.verdict),
        message.total,
        message.passed,
        message.failed,
        message.skipped,
        optional(message, "first_failure"),
    )


def optional(message: Any, name: str) -> Any:
    """A field that need not be set, else None."""
    return getattr(message, name) if message.HasField(name) else None
