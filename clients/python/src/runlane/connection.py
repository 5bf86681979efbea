"""What every method of the sync client does: call, wait, call again."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from typing import Any, TypeVar

import grpc

from .calls import Call
from .channel import metadata_for, open_channel
from .errors import to_error
from .feeds import Feed
from .retry import Attempts, Retry
from .v1.execution_pb2_grpc import ExecutionServiceStub

Answer = TypeVar("Answer")
Item = TypeVar("Item")


class Connection:
    def __init__(
        self,
        target: str,
        api_key: str | None,
        tls: bool | grpc.ChannelCredentials,
        timeout: float,
        retry: Retry,
        options: Mapping[str, Any] | None,
    ) -> None:
        self.channel = open_channel(grpc, target, tls, options)
        self.stub = ExecutionServiceStub(self.channel)
        self.metadata = metadata_for(api_key)
        self.retry = retry
        self._timeout = timeout

    def do(self, call: Call[Answer]) -> Answer:
        attempts = Attempts(self.retry)
        method = getattr(self.stub, call.method)
        while True:
            try:
                return call.read(method(call.request, timeout=self._timeout, metadata=self.metadata))
            except grpc.RpcError as error:
                pause = attempts.pause_after(to_error(error))
            time.sleep(pause)

    def follow(self, feed: Feed[Item], timeout: float | None = None) -> Generator[Item, None, None]:
        """What a feed brings, over as many connections as it takes. Raises TimeoutError after `timeout` seconds."""
        attempts = Attempts(self.retry, timeout)
        while True:
            method, request = feed.next_request()
            call = getattr(self.stub, method)(request, timeout=attempts.time_left(), metadata=self.metadata)
            try:
                for message in call:
                    for item in feed.take(message):
                        attempts.succeeded()
                        yield item
                return
            except grpc.RpcError as error:
                pause = attempts.pause_after(to_error(error))
            finally:
                # Also where the caller stops listening: it leaves the stream, and not the job.
                call.cancel()
            time.sleep(pause)
