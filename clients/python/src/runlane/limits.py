"""What a run may use."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from .v1 import execution_pb2, types_pb2


@dataclass(frozen=True)
class CompileLimits:
    """What compiling may use. What is None is the language's default."""

    wall_time_ms: int | None = None
    cpu_time_ms: int | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True)
class CaseLimits:
    """What the run of a test case may use. What is None is as for the program."""

    wall_time_ms: int | None = None
    cpu_time_ms: int | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True)
class Limits:
    """What a run may use. What is None is the language's default; more than its maximum is refused."""

    wall_time_ms: int | None = None
    cpu_time_ms: int | None = None
    memory_bytes: int | None = None
    output_bytes: int | None = None
    processes: int | None = None
    open_files: int | None = None
    file_bytes: int | None = None
    disk_bytes: int | None = None
    inodes: int | None = None
    compile: CompileLimits | None = None
    produced_files: int | None = None
    produced_bytes: int | None = None


def limits_message(limits: Limits) -> types_pb2.Limits:
    compile = limits.compile and types_pb2.CompileLimits(**_given(limits.compile))
    return types_pb2.Limits(**{**_given(limits), "compile": compile})


def case_limits_message(limits: CaseLimits) -> execution_pb2.CaseLimits:
    return execution_pb2.CaseLimits(**_given(limits))


def to_limits(message: types_pb2.Limits) -> Limits:
    compile = CompileLimits(**_set(message.compile, CompileLimits)) if message.HasField("compile") else None
    return Limits(**{**_set(message, Limits), "compile": compile})


def _given(limits: Any) -> dict[str, Any]:
    return {field.name: getattr(limits, field.name) for field in fields(limits)}


def _set(message: Any, kind: Any) -> dict[str, Any]:
    names = (field.name for field in fields(kind))
    return {name: getattr(message, name) for name in names if message.HasField(name)}
