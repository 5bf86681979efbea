"""A conversation with a program while it runs: the twin of session.py."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any

import grpc
import grpc.aio

from . import inputs
from .async_connection import AsyncConnection
from .errors import RunlaneError, to_error
from .events import Event, ResultEvent
from .feeds import JobFeed
from .result import Result
from .retry import Attempts
from .sources import Text
from .v1.execution_pb2 import AttachRequest


class AsyncSession:
    """
    What is written goes to the program's standard input; iterate for what happens. Leave it before the result, and the
    job is cancelled.
    """

    def __init__(self, call: Any, feed: JobFeed) -> None:
        self._call = call
        self._feed = feed
        self._iterator = self._events()
        self.result: Result | None = None
        """How the program ended, once its last event was taken."""

    @property
    def job_id(self) -> str:
        return self._feed.job_id

    async def write(self, text: Text) -> None:
        """More standard input. Waits while the program does not read and the server holds as much as it keeps."""
        for message in inputs.stdin(text):
            await self._say(message)

    async def close_stdin(self) -> None:
        """No more standard input. In a terminal: what ^D does."""
        await self._say(inputs.close_stdin())

    async def signal(self, name: str) -> None:
        """Send "SIGINT", "SIGTERM" or "SIGKILL"."""
        await self._say(inputs.signal(name))

    async def resize(self, rows: int, columns: int) -> None:
        """The terminal's new size."""
        await self._say(inputs.resize(rows, columns))

    def __aiter__(self) -> AsyncIterator[Event]:
        """What happens from here on. Iterating may be stopped and begun again."""
        return self

    async def __anext__(self) -> Event:
        return await self._iterator.__anext__()

    async def close(self) -> None:
        """Leave. The job is cancelled if it has not ended."""
        self._call.cancel()

    async def __aenter__(self) -> AsyncSession:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _say(self, message: AttachRequest) -> None:
        try:
            await self._call.write(message)
        except (grpc.RpcError, asyncio.InvalidStateError):
            # As with a pipe: what is said to a program that has ended is heard by nobody. Iterating tells how it ended.
            return

    async def _events(self) -> AsyncIterator[Event]:
        try:
            while (message := await self._call.read()) is not grpc.aio.EOF:
                for event in self._feed.take(message):
                    if isinstance(event, ResultEvent):
                        self.result = event.result
                    yield event
        except grpc.RpcError as error:
            raise to_error(error) from error


async def open_session(connection: AsyncConnection, first: AttachRequest) -> AsyncSession:
    """A session that the server has agreed to. Once it has, nothing is tried again: a job can be attached to once."""
    attempts = Attempts(connection.retry)
    while True:
        try:
            return await _try_to_open(connection, first)
        except RunlaneError as error:
            pause = attempts.pause_after(error)
        await asyncio.sleep(pause)


async def _try_to_open(connection: AsyncConnection, first: AttachRequest) -> AsyncSession:
    call = connection.stub.Attach(metadata=connection.metadata)
    feed = JobFeed()
    try:
        await call.write(first)
        message = await call.read()
    except grpc.RpcError as error:
        raise to_error(error) from error
    if message is grpc.aio.EOF:
        raise RunlaneError("UNAVAILABLE", "the server said nothing", retryable=True)
    feed.take(message)
    return AsyncSession(call, feed)
