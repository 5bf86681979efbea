"""What goes wrong between client and server. That a program failed is no error but its result."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2

DETAILS = "grpc-status-details-bin"


@dataclass(frozen=True)
class FieldProblem:
    """A bad field of a request, under the name that REST gives it, such as "limits.wallTimeMs"."""

    field: str
    reason: str


class RunlaneError(Exception):
    """The server refused, or could not be reached."""

    code: str
    """The server's stable code, such as "INVALID_REQUEST"; the name of gRPC's status where no server said one."""
    message: str
    retryable: bool
    """Whether the same call may succeed later. Calls were repeated already, as far as the client's Retry goes."""
    retry_after_seconds: float | None
    """How long the server wants to be left alone."""
    fields: list[FieldProblem]
    """Every bad field of the request."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        retryable: bool = False,
        retry_after_seconds: float | None = None,
        fields: Iterable[FieldProblem] = (),
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.retryable = retryable
        self.retry_after_seconds = retry_after_seconds
        self.fields = list(fields)


def to_error(error: Any) -> RunlaneError:
    """A failed call of gRPC, sync or async, in the server's words: a retry makes sense where it says after how long."""
    info, retry, request = _read_details(error.trailing_metadata())
    if info is None:
        # Nobody of ours: the way to the server is broken, or the server is stopping.
        retryable = error.code() is grpc.StatusCode.UNAVAILABLE
        return RunlaneError(error.code().name, error.details() or "", retryable=retryable)
    return RunlaneError(
        info.reason,
        error.details() or "",
        retryable=retry is not None,
        retry_after_seconds=retry.retry_delay.ToTimedelta().total_seconds() if retry else None,
        fields=[FieldProblem(bad.field, bad.description) for bad in request.field_violations] if request else [],
    )


def _read_details(metadata: Iterable[tuple[str, Any]] | None) -> tuple[Any, Any, Any]:
    status = status_pb2.Status()
    for key, value in metadata or ():
        if key == DETAILS:
            status.ParseFromString(value)
    return (
        _find(status, error_details_pb2.ErrorInfo()),
        _find(status, error_details_pb2.RetryInfo()),
        _find(status, error_details_pb2.BadRequest()),
    )


def _find(status: Any, detail: Any) -> Any:
    return next((detail for packed in status.details if packed.Unpack(detail)), None)
