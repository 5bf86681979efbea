"""What happens to a job, in order. `type` tells events apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .job import Job
from .result import Result
from .status import Status
from .verdict import JudgedCase


@dataclass(frozen=True)
class JobEvent:
    """The job was accepted and is durable; the first event of a run."""

    job: Job
    type: Literal["job"] = "job"


@dataclass(frozen=True)
class StatusEvent:
    """The status changed. RUNNING begins an attempt: drop the output of an earlier one."""

    id: str
    status: Status
    type: Literal["status"] = "status"


@dataclass(frozen=True)
class OutputEvent:
    """The program wrote."""

    id: str
    type: Literal["stdout", "stderr"]
    data: bytes
    text: str
    """The same as UTF-8. A character that was cut between two events is in the second."""


@dataclass(frozen=True)
class CaseEvent:
    """In test mode, a case was judged."""

    id: str
    case: JudgedCase
    type: Literal["case"] = "case"


@dataclass(frozen=True)
class GapEvent:
    """Events were lost; the result that follows holds the whole output."""

    id: str
    type: Literal["gap"] = "gap"


@dataclass(frozen=True)
class ResultEvent:
    """The job ended; the last event."""

    id: str
    job: Job
    result: Result
    type: Literal["result"] = "result"


Event = JobEvent | StatusEvent | OutputEvent | CaseEvent | GapEvent | ResultEvent
