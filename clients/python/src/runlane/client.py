"""The client: a method for each thing that Runlane does. Its twin for asyncio is async_client.py."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO

import grpc

from . import calls, inputs
from .batch import Batch, BatchEvent
from .connection import Connection
from .events import Event, ResultEvent
from .feeds import BatchFeed, FileFeed, JobFeed
from .job import Job
from .language import Language
from .program import Code, ProgramOptions, to_program
from .result import Result
from .retry import Retry
from .session import Session, open_session
from .status import Status

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Runlane:
    """
    A client of the server at `target`, such as "localhost:50051". Safe to use from several threads. Every method raises
    RunlaneError where the server refuses, and where it is away for longer than `retry` is patient.
    """

    def __init__(
        self,
        target: str = "localhost:50051",
        *,
        api_key: str | None = None,
        tls: bool | grpc.ChannelCredentials = False,
        timeout: float = 30.0,
        retry: Retry = Retry(),
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """
        :param api_key: sent as `authorization: Bearer …`; give it over TLS only, except on your own machine.
        :param tls: True for the usual authorities, or credentials of grpc.
        :param timeout: longest that one attempt at a call with one answer may take, in seconds.
        :param options: of gRPC's channel, such as {"grpc.keepalive_time_ms": 60_000}; they go before the client's own.
        """
        self._connection = Connection(target, api_key, tls, timeout, retry, options)

    def execute(
        self,
        code: Code = "",
        *,
        timeout: float | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[ProgramOptions],
    ) -> Result:
        """Run a program to its end. After `timeout` seconds the job is cancelled, and TimeoutError is raised."""
        job_id = self.submit(code, idempotency_key=idempotency_key, **options)
        try:
            return self.wait(job_id, timeout=timeout)
        except TimeoutError:
            self.cancel(job_id)
            raise

    def run(
        self, code: Code = "", *, idempotency_key: str | None = None, **options: Unpack[ProgramOptions]
    ) -> Generator[Event, None, None]:
        """
        Run a program and tell what happens, up to the result. It is submitted when the first event is asked for. To
        stop listening does not cancel the job.
        """
        request = calls.run_request(to_program(code, options), idempotency_key)
        return self._connection.follow(JobFeed(run=request))

    def submit(self, code: Code = "", *, idempotency_key: str | None = None, **options: Unpack[ProgramOptions]) -> str:
        """Hand a program in. Once this returns the job's id, it is durable and will end."""
        return self._connection.do(calls.submit(to_program(code, options), idempotency_key))

    def watch(self, job_id: str, *, after_event_id: str = "") -> Generator[Event, None, None]:
        """What happens to a job, up to its result: from the beginning, or after an event."""
        return self._connection.follow(JobFeed(job_id=job_id, after_event_id=after_event_id))

    def wait(self, job_id: str, *, timeout: float | None = None) -> Result:
        """How a job ended, once it has. Raises TimeoutError after `timeout` seconds; the job goes on."""
        for event in self._connection.follow(JobFeed(job_id=job_id), timeout):
            if isinstance(event, ResultEvent):
                return event.result
        raise EOFError("the server ended the watch without a result")

    def get(self, job_id: str) -> Job:
        """A job as it is now."""
        return self._connection.do(calls.get(job_id))

    def result(self, job_id: str) -> Result | None:
        """How a job ended; None while it has not."""
        return self.get(job_id).result

    def list(self, *, status: Status | str | None = None, language: str = "") -> Generator[Job, None, None]:
        """Jobs, newest first, without their results. Asks for more of them as they are taken."""
        token = ""
        while True:
            jobs, token = self._connection.do(calls.list_page(status, language, token))
            yield from jobs
            if not token:
                return

    def cancel(self, job_id: str) -> Job:
        """Wish that a job ends; its status tells when it has."""
        return self._connection.do(calls.cancel(job_id))

    def file(self, job_id: str, path: str) -> bytes:
        """The bytes of a file that a program left in its folder "out"."""
        return b"".join(self._connection.follow(FileFeed(job_id, path)))

    def download(self, job_id: str, path: str, to: BinaryIO) -> int:
        """The same into an open file, as it arrives; how many bytes there were."""
        return sum(to.write(chunk) for chunk in self._connection.follow(FileFeed(job_id, path)))

    def languages(self) -> Sequence[Language]:
        """The languages that runners have offered."""
        return self._connection.do(calls.languages())

    def interact(
        self, code: Code = "", *, idempotency_key: str | None = None, **options: Unpack[ProgramOptions]
    ) -> Session:
        """Run a program and talk to it; with terminal=(rows, columns), in a terminal."""
        return open_session(self._connection, inputs.start(to_program(code, options), idempotency_key))

    def attach(self, job_id: str) -> Session:
        """Talk to a program that was submitted with interactive=True. A job can be attached to once."""
        return open_session(self._connection, inputs.attach_to(job_id))

    def submit_batch(
        self,
        programs: Sequence[Code],
        *,
        metadata: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> str:
        """Hand in up to 1,000 programs, all or none; the batch's id."""
        return self._connection.do(calls.submit_batch(programs, metadata, idempotency_key))

    def batch(self, batch_id: str) -> Batch:
        """A batch as it is now."""
        return self._connection.do(calls.get_batch(batch_id))

    def watch_batch(self, batch_id: str) -> Generator[BatchEvent, None, None]:
        """What happens in a batch until all jobs have ended, beginning with those that have."""
        return self._connection.follow(BatchFeed(batch_id))

    def wait_batch(self, batch_id: str, *, timeout: float | None = None) -> Batch:
        """A batch, once all of its jobs have ended. Raises TimeoutError after `timeout` seconds; the jobs go on."""
        for event in self._connection.follow(BatchFeed(batch_id), timeout):
            if event.type == "done":
                return event.batch
        raise EOFError("the server ended the watch without a result")

    def cancel_batch(self, batch_id: str) -> Batch:
        """Wish that all jobs of a batch end."""
        return self._connection.do(calls.cancel_batch(batch_id))

    def close(self) -> None:
        """End the connection, and what is listened to over it."""
        self._connection.channel.close()

    def __enter__(self) -> Runlane:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
