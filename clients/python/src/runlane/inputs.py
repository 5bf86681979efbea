"""What is said to an interactive program, as messages."""

from __future__ import annotations

from collections.abc import Iterator

from .calls import new_key
from .program import Program, program_message
from .sources import Text, to_bytes
from .v1 import execution_pb2 as pb
from .v1 import types_pb2

# Most standard input in a message.
PIECE_BYTES = 64 * 1024


def attach_to(job_id: str) -> pb.AttachRequest:
    return pb.AttachRequest(job_id=job_id)


def start(program: Program, key: str | None) -> pb.AttachRequest:
    submit = pb.SubmitRequest(program=program_message(program), idempotency_key=key or new_key())
    # Said also of a program that needs no terminal: it is to be attached to.
    submit.program.interactive.SetInParent()
    return pb.AttachRequest(submit=submit)


def stdin(text: Text) -> Iterator[pb.AttachRequest]:
    data = to_bytes(text)
    for begin in range(0, len(data), PIECE_BYTES):
        yield pb.AttachRequest(stdin=data[begin : begin + PIECE_BYTES])


def close_stdin() -> pb.AttachRequest:
    return pb.AttachRequest(close_stdin=types_pb2.CloseStdin())


def signal(name: str) -> pb.AttachRequest:
    return pb.AttachRequest(signal=types_pb2.SendSignal(name=name))


def resize(rows: int, columns: int) -> pb.AttachRequest:
    return pb.AttachRequest(resize=types_pb2.Resize(rows=rows, columns=columns))
