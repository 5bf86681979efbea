"""How a run ended."""

from __future__ import annotations

from dataclasses import dataclass

from .status import Status, to_status
from .v1 import execution_pb2, types_pb2
from .verdict import CaseResult, Summary, optional, to_case_result, to_summary


@dataclass(frozen=True)
class ProducedFile:
    """A file that a program left in its folder "out"; Runlane.file brings its bytes."""

    path: str
    size_bytes: int
    content_type: str
    sha256: str


@dataclass(frozen=True)
class CompileResult:
    """What a compiler said; exit_code is None when a signal or a limit ended it."""

    exit_code: int | None
    diagnostics: str
    wall_time_ms: int


@dataclass(frozen=True)
class Result:
    """How a job ended. Times are in milliseconds."""

    job_id: str
    status: Status
    exit_code: int | None
    """None when a signal ended the program, or it never started."""
    signal: str | None
    stdout_bytes: bytes
    stderr_bytes: bytes
    stdout_truncated: bool
    stderr_truncated: bool
    wall_time_ms: int
    cpu_time_ms: int
    memory_peak_bytes: int
    isolation: str
    """What kept the program apart."""
    message: str | None
    """Why it ended so, in words, where status and exit code do not say."""
    compile: CompileResult | None
    files: tuple[ProducedFile, ...]
    files_omitted: int
    """Files in "out" that did not come back."""
    cases: tuple[CaseResult, ...]
    summary: Summary | None
    checker_compile: CompileResult | None

    @property
    def ok(self) -> bool:
        """Whether the program ended with exit code 0; in test mode, whether every case was accepted."""
        return self.status is Status.SUCCEEDED

    @property
    def stdout(self) -> str:
        """What it wrote, as UTF-8; bytes that are none are replaced."""
        return self.stdout_bytes.decode(errors="replace")

    @property
    def stderr(self) -> str:
        return self.stderr_bytes.decode(errors="replace")


def to_result(job: execution_pb2.Job) -> Result:
    message = job.result
    return Result(
        job_id=job.id,
        status=to_status(job.status),
        exit_code=optional(message, "exit_code"),
        signal=optional(message, "signal"),
        stdout_bytes=message.stdout,
        stderr_bytes=message.stderr,
        stdout_truncated=message.stdout_truncated,
        stderr_truncated=message.stderr_truncated,
        wall_time_ms=message.wall_time_ms,
        cpu_time_ms=message.cpu_time_ms,
        memory_peak_bytes=message.memory_peak_bytes,
        isolation=message.isolation,
        message=optional(message, "message"),
        compile=_to_compile(message.compile) if message.HasField("compile") else None,
        files=tuple(ProducedFile(f.path, f.size_bytes, f.content_type, f.sha256) for f in message.files),
        files_omitted=message.files_omitted,
        cases=tuple(to_case_result(case) for case in message.cases),
        summary=to_summary(message.summary) if message.HasField("summary") else None,
        checker_compile=_to_compile(message.checker_compile) if message.HasField("checker_compile") else None,
    )


def _to_compile(message: types_pb2.CompileResult) -> CompileResult:
    diagnostics = message.diagnostics.decode(errors="replace")
    return CompileResult(optional(message, "exit_code"), diagnostics, message.wall_time_ms)
