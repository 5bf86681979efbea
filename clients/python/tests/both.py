"""Both clients, made alike: a test is written once, and holds for the sync and for the async one."""

from __future__ import annotations

import asyncio
import inspect
import os
import sys
import threading
import unittest
from typing import Any

import runlane

TARGET = os.environ.get("RUNLANE_TARGET", "localhost:50051")


class Blocking:
    """An async client, or its session, as a sync one: what it does happens in an event loop of its own thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, inner: Any) -> None:
        self._loop = loop
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        return (lambda *args, **options: self._finish(value(*args, **options))) if callable(value) else value

    def __iter__(self) -> Any:
        return iter(self.__next__, None)

    def __next__(self) -> Any:
        try:
            return self._finish(self._inner.__anext__())
        except StopAsyncIteration:
            raise StopIteration from None

    def __enter__(self) -> Blocking:
        return self

    def __exit__(self, *_: object) -> None:
        self._finish(self._inner.close())

    def _finish(self, value: Any) -> Any:
        if inspect.isawaitable(value):
            value = asyncio.run_coroutine_threadsafe(_awaited(value), self._loop).result()
        wrapped = inspect.isasyncgen(value) or isinstance(value, runlane.AsyncSession)
        return Blocking(self._loop, value) if wrapped else value


async def _awaited(value: Any) -> Any:
    return await value


def open_sync(target: str = TARGET, **options: Any) -> Any:
    return runlane.Runlane(target, **options)


def open_async(target: str = TARGET, **options: Any) -> Any:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()

    async def make() -> runlane.AsyncRunlane:
        return runlane.AsyncRunlane(target, **options)

    return Blocking(loop, asyncio.run_coroutine_threadsafe(make(), loop).result())


def both(tests: type) -> None:
    """Make a TestCase of `tests` for each client, in the module that they are in; `self.open` opens one."""
    module = sys.modules[tests.__module__]
    for kind, opener in (("Sync", open_sync), ("Async", open_async)):
        name = f"{kind}{tests.__name__}"
        setattr(
            module,
            name,
            type(name, (tests, unittest.TestCase), {"open": staticmethod(opener), "__module__": module.__name__}),
        )
