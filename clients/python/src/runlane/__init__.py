"""Runlane runs code that nobody has reviewed. This is its client: `Runlane`, and `AsyncRunlane` for asyncio."""

from .async_client import AsyncRunlane
from .async_session import AsyncSession
from .batch import Batch, BatchDoneEvent, BatchEvent, BatchJob, BatchJobEvent, BatchProgressEvent
from .client import Runlane
from .errors import FieldProblem, RunlaneError
from .events import CaseEvent, Event, GapEvent, JobEvent, OutputEvent, ResultEvent, StatusEvent
from .job import Job
from .judging import Checker, Comparison, Judge, TestCase
from .language import Language
from .limits import CaseLimits, CompileLimits, Limits
from .program import Program
from .result import CompileResult, ProducedFile, Result
from .retry import Retry
from .session import Session
from .sources import SourceFile
from .status import Status
from .verdict import CaseResult, JudgedCase, Summary, Verdict

__all__ = [
    "AsyncRunlane",
    "AsyncSession",
    "Batch",
    "BatchDoneEvent",
    "BatchEvent",
    "BatchJob",
    "BatchJobEvent",
    "BatchProgressEvent",
    "CaseEvent",
    "CaseLimits",
    "CaseResult",
    "Checker",
    "Comparison",
    "CompileLimits",
    "CompileResult",
    "Event",
    "FieldProblem",
    "GapEvent",
    "Job",
    "JobEvent",
    "Judge",
    "JudgedCase",
    "Language",
    "Limits",
    "OutputEvent",
    "ProducedFile",
    "Program",
    "Result",
    "ResultEvent",
    "Retry",
    "Runlane",
    "RunlaneError",
    "Session",
    "SourceFile",
    "Status",
    "StatusEvent",
    "Summary",
    "TestCase",
    "Verdict",
]
