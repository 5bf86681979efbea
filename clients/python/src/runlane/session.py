"""A conversation with a program while it runs."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any

import grpc

from . import inputs
from .connection import Connection
from .errors import RunlaneError, to_error
from .events import Event, ResultEvent
from .feeds import JobFeed
from .result import Result
from .retry import Attempts
from .sources import Text
from .v1.execution_pb2 import AttachRequest

# Messages that may wait to be sent, and how often a writer who waits for room looks whether anybody is still there.
WAITING = 16
LOOK_EVERY_S = 0.1


class Session:
    """
    What is written goes to the program's standard input; iterate for what happens. Leave it before the result, and the
    job is cancelled.
    """

    def __init__(self, call: Any, requests: queue.Queue[AttachRequest | None], feed: JobFeed) -> None:
        self._call = call
        self._requests = requests
        self._feed = feed
        self._iterator = self._events()
        self.result: Result | None = None
        """How the program ended, once its last event was taken."""

    @property
    def job_id(self) -> str:
        return self._feed.job_id

    def write(self, text: Text) -> None:
        """More standard input. Waits while the program does not read and the server holds as much as it keeps."""
        for message in inputs.stdin(text):
            self._say(message)

    def close_stdin(self) -> None:
        """No more standard input. In a terminal: what ^D does."""
        self._say(inputs.close_stdin())

    def signal(self, name: str) -> None:
        """Send "SIGINT", "SIGTERM" or "SIGKILL"."""
        self._say(inputs.signal(name))

    def resize(self, rows: int, columns: int) -> None:
        """The terminal's new size."""
        self._say(inputs.resize(rows, columns))

    def __iter__(self) -> Iterator[Event]:
        """What happens from here on. Iterating may be stopped and begun again."""
        return self

    def __next__(self) -> Event:
        return next(self._iterator)

    def close(self) -> None:
        """Leave. The job is cancelled if it has not ended."""
        self._call.cancel()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _say(self, message: AttachRequest) -> None:
        while self._call.is_active():
            try:
                return self._requests.put(message, timeout=LOOK_EVERY_S)
            except queue.Full:
                continue
        # As with a pipe: what is said to a program that has ended is heard by nobody. Iterating tells how it ended.

    def _events(self) -> Iterator[Event]:
        try:
            for message in self._call:
                for event in self._feed.take(message):
                    if isinstance(event, ResultEvent):
                        self.result = event.result
                    yield event
        except grpc.RpcError as error:
            raise to_error(error) from error


def open_session(connection: Connection, first: AttachRequest) -> Session:
    """A session that the server has agreed to. Once it has, nothing is tried again: a job can be attached to once."""
    attempts = Attempts(connection.retry)
    while True:
        try:
            return _try_to_open(connection, first)
        except RunlaneError as error:
            pause = attempts.pause_after(error)
        time.sleep(pause)


def _try_to_open(connection: Connection, first: AttachRequest) -> Session:
    requests: queue.Queue[AttachRequest | None] = queue.Queue(WAITING)
    requests.put(first)
    call = connection.stub.Attach(iter(requests.get, None), metadata=connection.metadata)
    call.add_callback(lambda: _free(requests))
    feed = JobFeed()
    try:
        for message in call:
            feed.take(message)
            return Session(call, requests, feed)
    except grpc.RpcError as error:
        raise to_error(error) from error
    raise RunlaneError("UNAVAILABLE", "the server said nothing", retryable=True)


def _free(requests: queue.Queue[AttachRequest | None]) -> None:
    """End the thread of gRPC that waits for what is said next. Where the queue is full it does not wait."""
    with suppress(queue.Full):
        requests.put_nowait(None)
