"""Calls that have one answer, as data: both clients make the same ones, each in its own way."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from .batch import Batch, to_batch
from .job import Job, to_job
from .language import Language, to_language
from .program import Code, Program, program_message, to_program
from .status import Status, status_number
from .v1 import execution_pb2 as pb

Answer = TypeVar("Answer")
Page = tuple[list[Job], str]


@dataclass(frozen=True)
class Call(Generic[Answer]):
    """A method of the service, its request, and how to read what it answers."""

    method: str
    request: Any
    read: Callable[[Any], Answer]


def new_key() -> str:
    """A key for one submission: however often it is sent, one job is made."""
    return str(uuid.uuid4())


def submit(program: Program, key: str | None) -> Call[str]:
    request = pb.SubmitRequest(program=program_message(program), idempotency_key=key or new_key())
    return Call("Submit", request, lambda answer: str(answer.job.id))


def run_request(program: Program, key: str | None) -> pb.RunRequest:
    return pb.RunRequest(program=program_message(program), idempotency_key=key or new_key())


def get(job_id: str) -> Call[Job]:
    return Call("Get", pb.GetRequest(job_id=job_id), lambda answer: to_job(answer.job))


def cancel(job_id: str) -> Call[Job]:
    return Call("Cancel", pb.CancelRequest(job_id=job_id), lambda answer: to_job(answer.job))


def list_page(status: Status | str | None, language: str, token: str) -> Call[Page]:
    request = pb.ListRequest(
        page_token=token, status=status_number(status) if status else pb.ListRequest().status, language=language
    )
    return Call("List", request, lambda answer: ([to_job(job) for job in answer.jobs], answer.next_page_token))


def languages() -> Call[list[Language]]:
    return Call("ListLanguages", pb.ListLanguagesRequest(), lambda answer: [*map(to_language, answer.languages)])


def submit_batch(programs: Sequence[Code], metadata: Mapping[str, str] | None, key: str | None) -> Call[str]:
    jobs = [program_message(to_program(program, {})) for program in programs]
    request = pb.SubmitBatchRequest(jobs=jobs, metadata=metadata, idempotency_key=key or new_key())
    return Call("SubmitBatch", request, lambda answer: str(answer.batch.id))


def get_batch(batch_id: str) -> Call[Batch]:
    return Call("GetBatch", pb.GetBatchRequest(batch_id=batch_id), lambda answer: to_batch(answer.batch))


def cancel_batch(batch_id: str) -> Call[Batch]:
    return Call("CancelBatch", pb.CancelBatchRequest(batch_id=batch_id), lambda answer: to_batch(answer.batch))
