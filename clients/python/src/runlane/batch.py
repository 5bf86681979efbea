"""Jobs that were accepted together, how far they are, and what happens in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from .job import to_time
from .status import Status, to_status
from .v1 import execution_pb2


@dataclass(frozen=True)
class BatchJob:
    """A job of a batch, and where it stands."""

    id: str
    status: Status


@dataclass(frozen=True)
class Batch:
    """A batch as it was when the server was asked; jobs are in the order of submission."""

    id: str
    owner_id: str
    created_at: datetime
    finished_at: datetime | None
    total: int
    finished: int
    counts: Mapping[Status, int]
    """How many jobs have each status."""
    jobs: tuple[BatchJob, ...]
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class BatchJobEvent:
    """A job ended; index is its place in the batch, from 0."""

    index: int
    job_id: str
    status: Status
    type: Literal["job"] = "job"


@dataclass(frozen=True)
class BatchProgressEvent:
    """How far the batch is, told when that has changed."""

    total: int
    finished: int
    counts: Mapping[Status, int]
    type: Literal["progress"] = "progress"


@dataclass(frozen=True)
class BatchDoneEvent:
    """All jobs have ended; the last event."""

    batch: Batch
    type: Literal["done"] = "done"


BatchEvent = BatchJobEvent | BatchProgressEvent | BatchDoneEvent


def to_batch(message: execution_pb2.Batch) -> Batch:
    return Batch(
        id=message.id,
        owner_id=message.owner_id,
        created_at=to_time(message.created_at_ms),
        finished_at=to_time(message.finished_at_ms) if message.HasField("finished_at_ms") else None,
        total=message.progress.total,
        finished=message.progress.finished,
        counts=_to_counts(message.progress),
        jobs=tuple(BatchJob(job.id, to_status(job.status)) for job in message.jobs),
        metadata=dict(message.metadata),
    )


def to_batch_event(message: execution_pb2.WatchBatchResponse) -> BatchEvent | None:
    """None for an event that this client is too old for."""
    kind = message.WhichOneof("event")
    if kind == "job_ended":
        ended = message.job_ended
        return BatchJobEvent(ended.index, ended.id, to_status(ended.status))
    if kind == "progress":
        progress = message.progress
        return BatchProgressEvent(progress.total, progress.finished, _to_counts(progress))
    return BatchDoneEvent(to_batch(message.done)) if kind == "done" else None


def _to_counts(progress: execution_pb2.BatchProgress) -> dict[Status, int]:
    return {to_status(count.status): count.jobs for count in progress.counts}
