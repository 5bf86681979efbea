"""What every method of the async client does: the twin of connection.py."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from functools import cached_property, partial
from typing import Any, TypeVar

import grpc
import grpc.aio

from .calls import Call
from .channel import metadata_for, open_channel
from .errors import to_error
from .feeds import Feed
from .retry import Attempts, Retry
from .v1.execution_pb2_grpc import ExecutionServiceStub

Answer = TypeVar("Answer")
Item = TypeVar("Item")


class AsyncConnection:
    def __init__(
        self,
        target: str,
        api_key: str | None,
        tls: bool | grpc.ChannelCredentials,
        timeout: float,
        retry: Retry,
        options: Mapping[str, Any] | None,
    ) -> None:
        self._open = partial(open_channel, grpc.aio, target, tls, options)
        self.metadata = metadata_for(api_key)
        self.retry = retry
        self._timeout = timeout

    # A channel belongs to an event loop; the client may be made before there is one.
    @cached_property
    def channel(self) -> Any:
        return self._open()

    @cached_property
    def stub(self) -> ExecutionServiceStub:
        return ExecutionServiceStub(self.channel)

    async def do(self, call: Call[Answer]) -> Answer:
        attempts = Attempts(self.retry)
        method = getattr(self.stub, call.method)
        while True:
            try:
                return call.read(await method(call.request, timeout=self._timeout, metadata=self.metadata))
            except grpc.RpcError as error:
                pause = attempts.pause_after(to_error(error))
            await asyncio.sleep(pause)

    async def follow(self, feed: Feed[Item], timeout: float | None = None) -> AsyncGenerator[Item, None]:
        """What a feed brings, over as many connections as it takes. Raises TimeoutError after `timeout` seconds."""
        attempts = Attempts(self.retry, timeout)
        while True:
            method, request = feed.next_request()
            call = getattr(self.stub, method)(request, timeout=attempts.time_left(), metadata=self.metadata)
            try:
                async for message in call:
                    for item in feed.take(message):
                        attempts.succeeded()
                        yield item
                return
            except grpc.RpcError as error:
                pause = attempts.pause_after(to_error(error))
            finally:
                call.cancel()
            await asyncio.sleep(pause)
