"""
A client of each kind, started before its server, and whose server is started anew meanwhile: `patient.py TARGET`.
It prints what it has, a line each, and tells of further attempts on stderr.
"""

from __future__ import annotations

import asyncio
import logging
import sys

from runlane import AsyncRunlane, Limits, Retry, Runlane

CODE = "import time\nprint('begun', flush=True)\ntime.sleep(3)\nprint('ended')"
LIMITS = Limits(wall_time_ms=30_000)
PATIENT = Retry(give_up_after=300)


def wait(target: str) -> None:
    with Runlane(target, retry=PATIENT) as client:
        print("sync", client.execute("print(1)").stdout.strip(), flush=True)
        for event in client.run(CODE, limits=LIMITS):
            if event.type == "stdout":
                print("sync", event.text.strip(), flush=True)
            elif event.type == "result":
                print("sync", event.result.status, repr(event.result.stdout), flush=True)


async def wait_async(target: str) -> None:
    async with AsyncRunlane(target, retry=PATIENT) as client:
        print("async", (await client.execute("print(1)")).stdout.strip(), flush=True)
        async for event in client.run(CODE, limits=LIMITS):
            if event.type == "stdout":
                print("async", event.text.strip(), flush=True)
            elif event.type == "result":
                print("async", event.result.status, repr(event.result.stdout), flush=True)


async def main(target: str) -> None:
    await asyncio.gather(asyncio.to_thread(wait, target), wait_async(target))


logging.basicConfig(level=logging.INFO, format="%(threadName)s %(message)s")
asyncio.run(main(sys.argv[1]))
