"""A job: what was asked, where it stands, how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

from .result import Result, to_result
from .status import Status, to_status
from .v1 import execution_pb2
from .verdict import optional


@dataclass(frozen=True)
class Job:
    """A job as it was when the server was asked."""

    id: str
    owner_id: str
    language: str
    version: str
    """As it was asked for; empty for the language's default."""
    status: Status
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    attempt: int
    """The attempt that runs or made the result, from 1; 0 before the first."""
    metadata: Mapping[str, str]
    batch_id: str | None
    result: Result | None
    """How it ended, once it has; a list leaves it out."""


def to_job(message: execution_pb2.Job) -> Job:
    return Job(
        id=message.id,
        owner_id=message.owner_id,
        language=message.language,
        version=message.version,
        status=to_status(message.status),
        created_at=to_time(message.created_at_ms),
        started_at=_time_of(message, "started_at_ms"),
        finished_at=_time_of(message, "finished_at_ms"),
        attempt=message.attempt,
        metadata=dict(message.metadata),
        batch_id=message.batch_id or None,
        result=to_result(message) if message.HasField("result") else None,
    )


def to_time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc)


def _time_of(message: execution_pb2.Job, name: str) -> datetime | None:
    milliseconds = optional(message, name)
    return None if milliseconds is None else to_time(milliseconds)
