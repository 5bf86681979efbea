"""A language that runners offer."""

from __future__ import annotations

from dataclasses import dataclass

from .limits import Limits, to_limits
from .v1 import execution_pb2


@dataclass(frozen=True)
class Language:
    """A version of a language."""

    name: str
    title: str
    """Its name as people write it, such as "C++"."""
    version: str
    aliases: tuple[str, ...]
    available: bool
    unavailable_reason: str
    compiled: bool
    terminal: bool
    """Whether programs can be run in a terminal."""
    default_limits: Limits
    maximum_limits: Limits


def to_language(message: execution_pb2.Language) -> Language:
    return Language(
        name=message.name,
        title=message.title,
        version=message.version,
        aliases=tuple(message.aliases),
        available=message.available,
        unavailable_reason=message.unavailable_reason,
        compiled=message.compiled,
        terminal=message.terminal,
        default_limits=to_limits(message.default_limits),
        maximum_limits=to_limits(message.maximum_limits),
    )
