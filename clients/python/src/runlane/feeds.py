"""
Streams that are taken up where they broke off. A feed knows how to go on, and which messages are new; it does no I/O,
and the sync and the async client follow the same ones.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from typing import Any, Protocol, TypeVar

from .batch import BatchEvent, BatchProgressEvent, to_batch_event
from .events import CaseEvent, Event, GapEvent, JobEvent, OutputEvent, ResultEvent, StatusEvent
from .job import to_job
from .result import to_result
from .status import Status, to_status
from .v1 import execution_pb2
from .verdict import to_judged_case

Item = TypeVar("Item", covariant=True)


class Feed(Protocol[Item]):
    def next_request(self) -> tuple[str, Any]:
        """The method to call, for the first time or to go on, and its request."""

    def take(self, message: Any) -> Iterable[Item]:
        """What is new in a message."""


class JobFeed:
    """A job's events. Of a run, the job's id comes first: until then the run is asked for again, by its key."""

    def __init__(
        self, *, run: execution_pb2.RunRequest | None = None, job_id: str = "", after_event_id: str = ""
    ) -> None:
        self._run = run
        self.job_id = job_id
        self._last = after_event_id
        self._status: Status | None = None
        # What a server tells of a job that ended long ago has no ids, and is told anew by the next one.
        self._unnumbered = 0
        self._told_before = 0
        self._begin_attempt()

    def next_request(self) -> tuple[str, Any]:
        self._told_before = max(self._told_before, self._unnumbered)
        self._unnumbered = 0
        if self.job_id:
            return "Watch", execution_pb2.WatchRequest(job_id=self.job_id, after_event_id=self._last)
        return "Run", self._run

    def take(self, message: Any) -> Iterable[Event]:
        """A message of Run, Attach or Watch."""
        if isinstance(message, execution_pb2.WatchResponse):
            return self._take_event(message.event)
        if message.WhichOneof("step") == "job":
            self.job_id = message.job.id
            return [JobEvent(to_job(message.job))]
        return self._take_event(message.event)

    def _take_event(self, message: execution_pb2.Event) -> Iterable[Event]:
        if message.id:
            self._last = message.id
        elif self._was_told(message):
            return []
        event = self._to_event(message)
        return [event] if event else []

    def _was_told(self, message: execution_pb2.Event) -> bool:
        kind = message.WhichOneof("event")
        if kind == "status":
            return to_status(message.status) is self._status
        if kind not in ("stdout", "stderr", "case"):
            return False
        self._unnumbered += 1
        return self._unnumbered <= self._told_before

    def _to_event(self, message: execution_pb2.Event) -> Event | None:
        """None for an event that this client is too old for."""
        kind = message.WhichOneof("event")
        if kind == "stdout" or kind == "stderr":
            data = getattr(message, kind)
            return OutputEvent(message.id, kind, data, self._decoders[kind].decode(data))
        if kind == "status":
            return self._to_status_event(message)
        if kind == "result":
            return ResultEvent(message.id, to_job(message.result), to_result(message.result))
        if kind == "case":
            return CaseEvent(message.id, to_judged_case(message.case))
        return GapEvent(message.id) if kind == "gap" else None

    def _to_status_event(self, message: execution_pb2.Event) -> StatusEvent:
        self._status = to_status(message.status)
        if self._status is Status.RUNNING:
            self._begin_attempt()
        return StatusEvent(message.id, self._status)

    def _begin_attempt(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")
        self._decoders = {"stdout": decoder("replace"), "stderr": decoder("replace")}


class BatchFeed:
    """A batch's events. A watch begins with the jobs that have ended: those that were told are left out."""

    def __init__(self, batch_id: str) -> None:
        self._request = execution_pb2.WatchBatchRequest(batch_id=batch_id)
        self._ended: set[int] = set()
        self._progress: BatchEvent | None = None

    def next_request(self) -> tuple[str, Any]:
        return "WatchBatch", self._request

    def take(self, message: execution_pb2.WatchBatchResponse) -> Iterable[BatchEvent]:
        event = to_batch_event(message)
        if event is None or event == self._progress:
            return []
        if event.type == "job":
            if event.index in self._ended:
                return []
            self._ended.add(event.index)
        if isinstance(event, BatchProgressEvent):
            self._progress = event
        return [event]


class FileFeed:
    """A file's bytes. A read begins with the first byte: those that were taken are left out."""

    def __init__(self, job_id: str, path: str) -> None:
        self._request = execution_pb2.ReadFileRequest(job_id=job_id, path=path)
        self._taken = 0
        self._offset = 0

    def next_request(self) -> tuple[str, Any]:
        self._offset = 0
        return "ReadFile", self._request

    def take(self, message: execution_pb2.ReadFileResponse) -> Iterable[bytes]:
        known = max(0, self._taken - self._offset)
        self._offset += len(message.chunk)
        new = message.chunk[known:]
        self._taken += len(new)
        return [new] if new else []
