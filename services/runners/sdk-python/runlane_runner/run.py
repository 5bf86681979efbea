"""One run: a process group in a folder of its own, with limits, and dead with all that it started when the run is left.

What keeps programs apart is the language itself here: an interpreter that can do nothing but read its input and write its
output. A language that can open files or sockets needs a sandbox around this.
"""

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from runlane.v1 import runner_pb2, types_pb2

CHUNK_BYTES = 32 * 1024
LOOK_EVERY_S = 0.02
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
# Of the runner's own environment a program gets nothing.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}

STDOUT, STDERR = runner_pb2.STREAM_STDOUT, runner_pb2.STREAM_STDERR
Say = Callable[[runner_pb2.ExecuteResponse], Awaitable[None]]


class Run:
    def __init__(self, limits: types_pb2.Limits, say: Say) -> None:
        self._limits = limits
        self._say = say
        self._saying = asyncio.Lock()
        self._reason: int | None = None
        self._truncated = {STDOUT: False, STDERR: False}
        self._cpu_ms = 0
        self._peak_bytes = 0

    async def execute(
        self,
        argv: list[str],
        env: Mapping[str, str],
        files: Mapping[str, runner_pb2.BundleFile],
        feed: Callable[["Run"], Awaitable[None]],
    ) -> None:
        """Run to the end, telling of everything; cancelled, the program is dead before this returns."""
        with tempfile.TemporaryDirectory(prefix="runlane-") as folder:
            write_files(Path(folder), files)
            began = time.monotonic()
            pipe = asyncio.subprocess.PIPE
            self._process = await asyncio.create_subprocess_exec(
                *argv, stdin=pipe, stdout=pipe, stderr=pipe, cwd=folder, env={**ENVIRONMENT, **env}, start_new_session=True
            )
            helpers = []
            try:
                await self._tell(started=runner_pb2.Started())
                helpers = [asyncio.ensure_future(task) for task in (self._watch(began), feed(self))]
                streams = ((STDOUT, self._process.stdout), (STDERR, self._process.stderr))
                await asyncio.gather(*(self._pass_on(*stream) for stream in streams), self._ended())
            finally:
                for helper in helpers:
                    helper.cancel()
                self.kill()
                await self._process.wait()
            await self._tell(exited=self._verdict(time.monotonic() - began))

    def signal(self, number: int) -> None:
        if self._process.returncode is None:
            os.killpg(self._process.pid, number)

    def kill(self, reason: int | None = None) -> None:
        """Kill the program and all that it started; the first reason counts."""
        if self._reason is None:
            self._reason = reason
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    async def write_stdin(self, data: bytes) -> None:
        try:
            self._process.stdin.write(data)
            await self._process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            pass

    def close_stdin(self) -> None:
        self._process.stdin.close()

    async def _ended(self) -> None:
        await self._process.wait()
        # What the program has left behind may hold its streams open.
        self.kill()

    async def _pass_on(self, stream: int, reader: asyncio.StreamReader) -> None:
        left = self._limits.output_bytes
        while data := await reader.read(CHUNK_BYTES):
            kept = data[:left]
            left -= len(kept)
            if kept:
                await self._tell(output=runner_pb2.Output(stream=stream, data=kept))
            if len(kept) < len(data):
                self._truncated[stream] = True
                self.kill(runner_pb2.END_REASON_OUTPUT)

    async def _watch(self, began: float) -> None:
        limits = self._limits
        while self._process.returncode is None:
            self._measure()
            if (time.monotonic() - began) * 1000 >= limits.wall_time_ms:
                self.kill(runner_pb2.END_REASON_WALL_TIME)
            elif self._cpu_ms >= limits.cpu_time_ms:
                self.kill(runner_pb2.END_REASON_CPU_TIME)
            elif self._peak_bytes > limits.memory_bytes:
                self.kill(runner_pb2.END_REASON_MEMORY)
            await asyncio.sleep(LOOK_EVERY_S)

    def _measure(self) -> None:
        folder = Path(f"/proc/{self._process.pid}")
        try:
            # The name of the command, in parentheses, may hold spaces.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            resident = int((folder / "statm").read_text().split()[1])
        except (OSError, IndexError):
            return
        self._cpu_ms = (int(fields[11]) + int(fields[12])) * 1000 // CLOCK_TICKS
        self._peak_bytes = max(self._peak_bytes, resident * PAGE_BYTES)

    async def _tell(self, **message) -> None:
        # Two writes at once are not allowed on one call.
        async with self._saying:
            await self._say(runner_pb2.ExecuteResponse(**message))

    def _verdict(self, took_s: float) -> runner_pb2.Exited:
        code = self._process.returncode
        how = {"exit_code": code} if code >= 0 else {"signal": signal.Signals(-code).name}
        return runner_pb2.Exited(
            reason=self._reason or runner_pb2.END_REASON_EXITED,
            wall_time_ms=round(took_s * 1000),
            cpu_time_ms=self._cpu_ms,
            memory_peak_bytes=self._peak_bytes,
            stdout_truncated=self._truncated[STDOUT],
            stderr_truncated=self._truncated[STDERR],
            isolation="interpreter",
            **how,
        )


def write_files(folder: Path, files: Mapping[str, runner_pb2.BundleFile]) -> None:
    for file in files.values():
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        path.chmod(0o700 if file.executable else 0o600)
