"""What a type checker says of the package as a user has it installed. It is checked and never run."""

import io
from collections.abc import AsyncGenerator, Generator

from typing_extensions import assert_type

from runlane import AsyncRunlane, Event, JobEvent, Limits, Result, Runlane


def sync(client: Runlane) -> None:
    result = client.execute(
        "print(1)", language="python", limits=Limits(wall_time_ms=1), files={"a.py": b""}, timeout=1
    )
    assert_type(result, Result)
    assert_type(result.stdout, str)
    assert_type(client.run("print(1)"), Generator[Event, None, None])
    for event in client.watch("id"):
        if event.type == "stdout" or event.type == "stderr":
            assert_type(event.text, str)
        elif event.type == "job":
            assert_type(event, JobEvent)
        elif event.type == "result":
            assert_type(event.result, Result)
    client.download("id", "path", io.BytesIO())
    client.submit("x", colour="red")  # type: ignore[call-arg]


async def asynchronous(client: AsyncRunlane) -> None:
    assert_type(await client.execute("print(1)"), Result)
    assert_type(client.run("print(1)"), AsyncGenerator[Event, None])
    async with await client.interact("input()", terminal=(24, 80)) as session:
        await session.write("x")
        async for event in session:
            assert_type(event, Event)
