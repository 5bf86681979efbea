"""What a program is made of, in the forms that people have it in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .v1 import types_pb2

Text = str | bytes


@dataclass(frozen=True)
class SourceFile:
    """A file of a program: its path, with "/" between parts, and what is in it."""

    path: str
    content: Text


Files = Mapping[str, Text] | Iterable[SourceFile]


def to_bytes(text: Text) -> bytes:
    return text.encode() if isinstance(text, str) else text


def to_files(files: Files) -> list[types_pb2.SourceFile]:
    given = [SourceFile(*item) for item in files.items()] if isinstance(files, Mapping) else files
    return [types_pb2.SourceFile(path=file.path, content=to_bytes(file.content)) for file in given]
