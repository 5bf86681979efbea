"""Bundles by their SHA-256, and what a bundle must look like before anything is made of it."""

import hashlib
import re
from collections import OrderedDict
from pathlib import PurePosixPath

from google.protobuf.message import DecodeError
from runlane.v1 import runner_pb2

DIGEST = re.compile(r"[0-9a-f]{64}")
MAX_ARTIFACT_BYTES = 8 * 1024 * 1024
# What the contract allows: a message of gRPC stays below 4 MiB with it.
MAX_RUN_FILES_BYTES = 3_932_160
MAX_PARTS = 8
MAX_PART_BYTES = 255


class Artifacts:
    """A cache with a bound: what falls out is uploaded again by whoever needs it."""

    def __init__(self, most_bytes: int = 64 * 1024 * 1024) -> None:
        self._held: OrderedDict[str, bytes] = OrderedDict()
        self._most_bytes = most_bytes
        self._bytes = 0

    def __contains__(self, digest: str) -> bool:
        return digest in self._held

    def get(self, digest: str) -> bytes | None:
        if digest in self._held:
            self._held.move_to_end(digest)
        return self._held.get(digest)

    def put(self, content: bytes) -> str:
        digest = digest_of(content)
        if digest not in self._held:
            self._held[digest] = content
            self._bytes += len(content)
        while self._bytes > self._most_bytes:
            self._bytes -= len(self._held.popitem(last=False)[1])
        return digest


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def check_path(path: str) -> None:
    """ValueError says why a path may not be used."""
    parts = path.split("/")
    if len(parts) > MAX_PARTS or any(part in ("", ".", "..") or len(part.encode()) > MAX_PART_BYTES for part in parts):
        raise ValueError(f"{path!r} is no relative path of at most {MAX_PARTS} parts without . and ..")
    if any(ord(character) < 32 or ord(character) == 127 for character in path):
        raise ValueError(f"{path!r} has a control character")


def read_bundle(content: bytes) -> dict[str, runner_pb2.BundleFile]:
    """Its files by path. ValueError says why it is none."""
    try:
        files = runner_pb2.Bundle.FromString(content).files
    except DecodeError:
        raise ValueError("these bytes are no Bundle") from None
    if not files:
        raise ValueError("the bundle holds no file")
    for file in files:
        check_path(file.path)
    by_path = {file.path: file for file in files}
    if len(by_path) != len(files):
        raise ValueError("a path is there twice")
    return by_path


def with_run_files(files: dict[str, runner_pb2.BundleFile], content: bytes) -> dict[str, runner_pb2.BundleFile]:
    """Beside the files of an artifact those of one run, the bytes of a bundle or none. ValueError says why they cannot be."""
    if not content:
        return files
    if len(content) > MAX_RUN_FILES_BYTES:
        raise ValueError(f"files are longer than {MAX_RUN_FILES_BYTES} bytes")
    more = read_bundle(content)
    together = {**files, **more}
    folders = {str(folder) for path in together for folder in PurePosixPath(path).parents}
    if len(together) < len(files) + len(more) or folders & together.keys():
        raise ValueError("files has the path of a file of the artifact, or one below it or above it")
    return together
