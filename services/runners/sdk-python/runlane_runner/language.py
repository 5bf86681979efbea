"""What a language tells of itself."""

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from runlane.v1 import runner_pb2, types_pb2

MIB = 1024 * 1024
PLATFORM = f"{platform.system().lower()}/{'x64' if platform.machine() == 'x86_64' else platform.machine()}"


def default_limits() -> types_pb2.Limits:
    return types_pb2.Limits(wall_time_ms=10_000, cpu_time_ms=10_000, memory_bytes=64 * MIB, output_bytes=MIB)


def maximum_limits() -> types_pb2.Limits:
    return types_pb2.Limits(wall_time_ms=60_000, cpu_time_ms=60_000, memory_bytes=256 * MIB, output_bytes=MIB * 3 // 2)


@dataclass(frozen=True)
class Language:
    name: str
    title: str
    version: str
    # The file that a program given as plain code is written to.
    entry: str
    # The command that runs a program, from its entry and its arguments. Never a line for a shell.
    argv: Callable[[str, Sequence[str]], list[str]]
    aliases: Sequence[str] = ()
    # Why a source is no program; a language without it finds out when it runs.
    problem_of: Callable[[bytes], str | None] | None = None
    default_limits: types_pb2.Limits = field(default_factory=default_limits)
    maximum_limits: types_pb2.Limits = field(default_factory=maximum_limits)

    def is_called(self, name: str, version: str) -> bool:
        return (name == self.name or name in self.aliases) and version in ("", self.version)

    def describe(self) -> runner_pb2.RunnerLanguage:
        return runner_pb2.RunnerLanguage(
            name=self.name,
            title=self.title,
            version=self.version,
            aliases=self.aliases,
            entry=self.entry,
            compiled=self.problem_of is not None,
            default_limits=self.default_limits,
            maximum_limits=self.maximum_limits,
            toolchain=f"{self.name}-{self.version}-{PLATFORM}",
        )

    def limits_of(self, asked: types_pb2.Limits) -> types_pb2.Limits:
        """Every limit of a run. ValueError names the one that is above its maximum."""
        limits = types_pb2.Limits()
        limits.CopyFrom(self.default_limits)
        for limit, value in asked.ListFields():
            # Unknown ones of this runner have no maximum, and hold nothing.
            if limit.message_type is None and self.maximum_limits.HasField(limit.name):
                most = getattr(self.maximum_limits, limit.name)
                if not 1 <= value <= most:
                    raise ValueError(f"limits.{limit.name} must be from 1 to {most}")
                setattr(limits, limit.name, value)
        return limits
