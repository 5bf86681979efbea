"""What the sync client has, the async one has too, with the same parameters and words; so have their sessions."""

from __future__ import annotations

import inspect
import unittest
from typing import Any

from runlane import AsyncRunlane, AsyncSession, Runlane, Session


def promises(kind: type) -> dict[str, Any]:
    methods = inspect.getmembers(kind, inspect.isfunction)
    return {name: promise_of(method) for name, method in methods if not name.startswith("_")}


def promise_of(method: Any) -> tuple[Any, ...]:
    return method.__doc__, *inspect.signature(method).parameters.values()


class TwinsTest(unittest.TestCase):
    def test_twins_are_alike(self) -> None:
        for sync, asynchronous in ((Runlane, AsyncRunlane), (Session, AsyncSession)):
            self.assertGreater(len(promises(sync)), 4)
            self.assertEqual(promises(sync), promises(asynchronous))


if __name__ == "__main__":
    unittest.main()
