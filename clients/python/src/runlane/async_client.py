"""The client for asyncio: the twin of client.py, method by method."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO

import grpc

from . import calls, inputs
from .async_connection import AsyncConnection
from .async_session import AsyncSession, open_session
from .batch import Batch, BatchEvent
from .events import Event, ResultEvent
from .feeds import BatchFeed, FileFeed, JobFeed
from .job import Job
from .language import Language
from .program import Code, ProgramOptions, to_program
from .result import Result
from .retry import Retry
from .status import Status

if TYPE_CHECKING:
    from typing_extensions import Unpack


class AsyncRunlane:
    """
    A client of the server at `target`, such as "localhost:50051", for one event loop: that in which it is used first.
    Every method raises RunlaneError where the server refuses, and where it is away for longer than `retry` is patient.
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
        self._connection = AsyncConnection(target, api_key, tls, timeout, retry, options)

    async def execute(
        self,
        code: Code = "",
        *,
        timeout: float | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[ProgramOptions],
    ) -> Result:
        """Run a program to its end. After `timeout` seconds the job is cancelled, and TimeoutError is raised."""
        job_id = await self.submit(code, idempotency_key=idempotency_key, **options)
        try:
            return await self.wait(job_id, timeout=timeout)
        except TimeoutError:
            await self.cancel(job_id)
            raise

    def run(
        self, code: Code = "", *, idempotency_key: str | None = None, **options: Unpack[ProgramOptions]
    ) -> AsyncGenerator[Event, None]:
        """
        Run a program and tell what happens, up to the result. It is submitted when the first event is asked for. To
        stop listening does not cancel the job.
        """
        request = calls.run_request(to_program(code, options), idempotency_key)
        return self._connection.follow(JobFeed(run=request))

    async def submit(
        self, code: Code = "", *, idempotency_key: str | None = None, **options: Unpack[ProgramOptions]
    ) -> str:
        """Hand a program in. Once this returns the job's id, it is durable and will end."""
        return await self._connection.do(calls.submit(to_program(code, options), idempotency_key))

    def watch(self, job_id: str, *, after_event_id: str = "") -> AsyncGenerator[Event, None]:
        """What happens to a job, up to its result: from the beginning, or after an event."""
        return self._connection.follow(JobFeed(job_id=job_id, after_event_id=after_event_id))

    async def wait(self, job_id: str, *, timeout: float | None = None) -> Result:
        """How a job ended, once it has. Raises TimeoutError after `timeout` seconds; the job goes on."""
        async for event in self._connection.follow(JobFeed(job_id=job_id), timeout):
            if isinstance(event, ResultEvent):
                return event.result
        raise EOFError("the server ended the watch without a result")

    async def get(self, job_id: str) -> Job:
        """A job as it is now."""
        return await self._connection.do(calls.get(job_id))

    async def result(self, job_id: str) -> Result | None:
        """How a job ended; None while it has not."""
        return (await self.get(job_id)).result

    async def list(self, *, status: Status | str | None = None, language: str = "") -> AsyncGenerator[Job, None]:
        """Jobs, newest first, without their results. Asks for more of them as they are taken."""
        token = ""
        while True:
            jobs, token = await self._connection.do(calls.list_page(status, language, token))
            for job in jobs:
                yield job
            if not token:
                return

    async def cancel(self, job_id: str) -> Job:
        """Wish that a job ends; its status tells when it has."""
        return await self._connection.do(calls.cancel(job_id))

    async def file(self, job_id: str, path: str) -> bytes:
        """The bytes of a file that a program left in its folder "out"."""
        return b"".join([chunk async for chunk in self._connection.follow(FileFeed(job_id, path))])

    async def download(self, job_id: str, path: str, to: BinaryIO) -> int:
        """The same into an open file, as it arrives; how many bytes there were."""
        return sum([to.write(chunk) async for chunk in self._connection.follow(FileFeed(job_id, path))])

    async def languages(self) -> Sequence[Language]:
        """The languages that runners have offered."""
        return await self._connection.do(calls.languages())

    async def interact(
        self, code: Code = "", *, idempotency_key: str | None = None, **options: Unpack[ProgramOptions]
    ) -> AsyncSession:
        """Run a program and talk to it; with terminal=(rows, columns), in a terminal."""
        return await open_session(self._connection, inputs.start(to_program(code, options), idempotency_key))

    async def attach(self, job_id: str) -> AsyncSession:
        """Talk to a program that was submitted with interactive=True. A job can be attached to once."""
        return await open_session(self._connection, inputs.attach_to(job_id))

    async def submit_batch(
        self,
        programs: Sequence[Code],
        *,
        metadata: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> str:
        """Hand in up to 1,000 programs, all or none; the batch's id."""
        return await self._connection.do(calls.submit_batch(programs, metadata, idempotency_key))

    async def batch(self, batch_id: str) -> Batch:
        """A batch as it is now."""
        return await self._connection.do(calls.get_batch(batch_id))

    def watch_batch(self, batch_id: str) -> AsyncGenerator[BatchEvent, None]:
        """What happens in a batch until all jobs have ended, beginning with those that have."""
        return self._connection.follow(BatchFeed(batch_id))

    async def wait_batch(self, batch_id: str, *, timeout: float | None = None) -> Batch:
        """A batch, once all of its jobs have ended. Raises TimeoutError after `timeout` seconds; the jobs go on."""
        async for event in self._connection.follow(BatchFeed(batch_id), timeout):
            if event.type == "done":
                return event.batch
        raise EOFError("the server ended the watch without a result")

    async def cancel_batch(self, batch_id: str) -> Batch:
        """Wish that all jobs of a batch end."""
        return await self._connection.do(calls.cancel_batch(batch_id))

    async def close(self) -> None:
        """End the connection, and what is listened to over it."""
        await self._connection.channel.close()

    async def __aenter__(self) -> AsyncRunlane:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
