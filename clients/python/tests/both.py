"""Both clients, made alike: a test is written once, and holds for the sync and for the async one."""

from __future__ import annotations

import asyncio
import inspect
import os
import sys
import threading
import unittest
from types import MappingProxyType
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
        return (lambda *args, **options: self._call(value, args, options)) if callable(value) else value

    def __iter__(self) -> Any:
        return iter(self.__next__, None)

    def __next__(self) -> Any:
        try:
            return self._call(self._inner.__anext__)
        except StopAsyncIteration:
            raise StopIteration from None

    def __enter__(self) -> Blocking:
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._inner.close)

    def _call(self, method: Any, args: Any = (), options: Any = MappingProxyType({})) -> Any:
        async def called() -> Any:
            value = method(*args, **options)
            return await value if inspect.isawaitable(value) else value

        value = asyncio.run_coroutine_threadsafe(called(), self._loop).result()
        wrapped = inspect.isasyncgen(value) or isinstance(value, runlane.AsyncSession)
        return Blocking(self._loop, value) if wrapped else value


def open_sync(target: str = TARGET, **options: Any) -> Any:
    return runlane.Runlane(target, **options)


def open_async(target: str = TARGET, **options: Any) -> Any:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return Blocking(loop, runlane.AsyncRunlane(target, **options))


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
