"""The RunnerService of runner.proto: translate, call what does the work, translate back."""

import asyncio
import signal
from collections.abc import Sequence

import grpc
from runlane.v1 import runner_pb2, runner_pb2_grpc, types_pb2

from .artifacts import DIGEST, MAX_ARTIFACT_BYTES, Artifacts, check_path, digest_of, read_bundle, with_run_files
from .language import PLATFORM, Language
from .run import Run

CHUNK_BYTES = 64 * 1024
GO_WITHIN_S = 5
SIGNALS = {name: getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGKILL")}

INVALID = grpc.StatusCode.INVALID_ARGUMENT


class Refusal(Exception):
    """How this service says no."""

    def __init__(self, code: grpc.StatusCode, words: str) -> None:
        super().__init__(words)
        self.code = code


class RunnerService(runner_pb2_grpc.RunnerServiceServicer):
    def __init__(self, languages: Sequence[Language], slots: int) -> None:
        self._languages = languages
        self._slots = slots
        self._free = slots
        self._artifacts = Artifacts()

    async def Describe(self, request, context):
        return runner_pb2.DescribeResponse(
            languages=[language.describe() for language in self._languages],
            slots=self._slots,
            free_slots=self._free,
            isolation=runner_pb2.Isolation(driver="interpreter", summary="interpreter"),
            platform=PLATFORM,
        )

    async def Prepare(self, request, context):
        try:
            return self._prepare(request)
        except (Refusal, ValueError) as refusal:
            await refuse(context, refusal)

    def _prepare(self, request) -> runner_pb2.PrepareResponse:
        language = self._language(request)
        check_path(request.entry)
        files = read_bundle(request.bundle)
        if request.entry not in files:
            raise ValueError("entry is not a file of the bundle")
        if language.problem_of is None:
            return runner_pb2.PrepareResponse(artifact_digest=self._artifacts.put(request.bundle))
        problem = language.problem_of(files[request.entry].content)
        compiled = types_pb2.CompileResult(exit_code=1 if problem else 0, diagnostics=(problem or "").encode())
        digest = "" if problem else self._artifacts.put(request.bundle)
        return runner_pb2.PrepareResponse(artifact_digest=digest, compile=compiled)

    async def FindMissing(self, request, context):
        return runner_pb2.FindMissingResponse(digests=[one for one in request.digests if one not in self._artifacts])

    async def Upload(self, request_iterator, context):
        digest, content = "", bytearray()
        async for request in request_iterator:
            if request.WhichOneof("part") == "digest":
                digest = request.digest
            content += request.chunk
            if len(content) > MAX_ARTIFACT_BYTES:
                await context.abort(INVALID, f"the artifact is longer than {MAX_ARTIFACT_BYTES} bytes")
        if digest_of(content) != digest:
            await context.abort(INVALID, "the bytes do not have this digest")
        self._artifacts.put(bytes(content))
        return runner_pb2.UploadResponse()

    async def Download(self, request, context):
        content = self._artifacts.get(request.digest)
        if content is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such artifact is held here")
        for at in range(0, len(content), CHUNK_BYTES):
            yield runner_pb2.DownloadResponse(chunk=content[at : at + CHUNK_BYTES])

    async def Execute(self, request_iterator, context):
        first = await context.read()
        try:
            start, language, files, limits = self._plan(first)
            if self._free == 0:
                raise Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, f"all {self._slots} slots are taken")
        except (Refusal, ValueError) as refusal:
            await refuse(context, refusal)
        self._free -= 1
        # Whatever ends the call ends this, and with it the run: by then nothing of it is left.
        try:
            await context.write(runner_pb2.ExecuteResponse(admitted=runner_pb2.Admitted()))
            await wait_for_go(context)
            run = Run(limits, context.write)
            argv = language.argv(start.entry, start.args)
            await run.execute(argv, start.env, files, lambda run: feed(run, start, context))
        finally:
            self._free += 1

    def _plan(self, request):
        if request is grpc.aio.EOF or request.WhichOneof("message") != "start":
            raise ValueError("the first message must be start")
        start = request.start
        language = self._language(start)
        check_path(start.entry)
        if not DIGEST.fullmatch(start.artifact_digest):
            raise ValueError("artifact_digest is no SHA-256 in lower-case hexadecimal")
        content = self._artifacts.get(start.artifact_digest)
        if content is None:
            raise Refusal(grpc.StatusCode.FAILED_PRECONDITION, "this artifact is not held here: upload it")
        files = read_bundle(content)
        if start.entry not in files:
            raise ValueError("entry is not a file of the artifact")
        return start, language, with_run_files(files, start.files), language.limits_of(start.limits)

    def _language(self, request) -> Language:
        for language in self._languages:
            if language.is_called(request.language, request.version):
                return language
        raise Refusal(grpc.StatusCode.NOT_FOUND, f"no language {request.language[:64]!r} here")


async def refuse(context, refusal: Exception) -> None:
    await context.abort(refusal.code if isinstance(refusal, Refusal) else INVALID, str(refusal))


async def wait_for_go(context) -> None:
    try:
        request = await asyncio.wait_for(context.read(), GO_WITHIN_S)
    except asyncio.TimeoutError:
        await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, f"no go within {GO_WITHIN_S} s: the slot is free again")
    if request is grpc.aio.EOF or request.WhichOneof("message") != "go":
        await context.abort(INVALID, "go must come after start")


async def feed(run: Run, start: runner_pb2.Start, context) -> None:
    """Pass on what the caller says while the program runs."""
    await run.write_stdin(start.stdin)
    if not start.keep_stdin_open:
        run.close_stdin()
    while (request := await context.read()) is not grpc.aio.EOF:
        kind = request.WhichOneof("message")
        if kind == "stdin" and start.keep_stdin_open:
            # Not read further while the program does not take it.
            await run.write_stdin(request.stdin)
        elif kind == "close_stdin":
            run.close_stdin()
        elif kind == "signal" and request.signal.name in SIGNALS:
            run.signal(SIGNALS[request.signal.name])
    run.close_stdin()
