"""A program and how to run it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypedDict

from .judging import Judge, TestCase, case_message, judge_message
from .limits import Limits, limits_message
from .sources import Files, Text, to_bytes, to_files
from .v1 import execution_pb2, types_pb2


@dataclass(frozen=True)
class Program:
    """A program and how to run it. Everything but code, or files, may be left out."""

    code: str = ""
    """The whole program in one file; use either this or files."""
    language: str = ""
    """Name or alias of a language; Python when empty."""
    version: str = ""
    """A version or a range, such as "3.11" or ">=17 <22"."""
    files: Files = ()
    """Paths with what is in them, or SourceFiles."""
    entry: str = ""
    """Path of the file to start, where it is not the language's usual one."""
    stdin: Text = b""
    args: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    limits: Limits | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Your own labels, kept with the job."""
    cases: Sequence[TestCase] = ()
    """Test mode: the program is run for each case and judged."""
    judge: Judge | None = None
    """How cases are judged."""
    interactive: bool = False
    """Keep standard input open, for one who attaches."""
    terminal: tuple[int, int] | None = None
    """Run it in a terminal of so many rows and columns; implies interactive."""


class ProgramOptions(TypedDict, total=False):
    """What may be said of a program beside its code: the fields of Program."""

    language: str
    version: str
    files: Files
    entry: str
    stdin: Text
    args: Sequence[str]
    env: Mapping[str, str]
    limits: Limits | None
    metadata: Mapping[str, str]
    cases: Sequence[TestCase]
    judge: Judge | None
    interactive: bool
    terminal: tuple[int, int] | None


Code = str | Program


def to_program(code: Code, options: ProgramOptions) -> Program:
    """A program as it is, or of its code; with these options either way."""
    return replace(code, **options) if isinstance(code, Program) else Program(code, **options)


def program_message(program: Program) -> execution_pb2.Program:
    return execution_pb2.Program(
        code=program.code,
        language=program.language,
        version=program.version,
        files=to_files(program.files),
        entry=program.entry,
        stdin=to_bytes(program.stdin),
        args=program.args,
        env=program.env,
        limits=limits_message(program.limits) if program.limits else None,
        metadata=program.metadata,
        cases=[case_message(case) for case in program.cases],
        judge=judge_message(program.judge) if program.judge else None,
        interactive=_interactive_message(program),
    )


def _interactive_message(program: Program) -> execution_pb2.Interactive | None:
    if program.terminal:
        rows, columns = program.terminal
        return execution_pb2.Interactive(terminal=types_pb2.Terminal(rows=rows, columns=columns))
    return execution_pb2.Interactive() if program.interactive else None
