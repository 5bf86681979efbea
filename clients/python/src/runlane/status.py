"""The life of a job."""

from __future__ import annotations

from enum import Enum

from .v1 import types_pb2


class Status(str, Enum):
    """Where a job stands; UNKNOWN is a status that this client is too old for."""

    ACCEPTED = "accepted"
    SAVING = "saving"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    MEMORY_EXCEEDED = "memory_exceeded"
    OUTPUT_EXCEEDED = "output_exceeded"
    COMPILE_FAILED = "compile_failed"
    CANCELLED = "cancelled"
    ERROR = "error"
    UNKNOWN = "unknown"

    # The same in every version of Python, in print() too.
    __str__ = str.__str__


def to_status(number: int) -> Status:
    found = types_pb2.JobStatus.DESCRIPTOR.values_by_number.get(number)
    name = found.name.removeprefix("JOB_STATUS_") if found else ""
    return Status.__members__.get(name, Status.UNKNOWN)


def status_number(status: Status | str) -> types_pb2.JobStatus:
    """Raises ValueError for what is no status."""
    number: types_pb2.JobStatus = types_pb2.JobStatus.Value(f"JOB_STATUS_{Status(status).name}")
    return number
