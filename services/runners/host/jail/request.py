"""What a caller asks of a sandbox, read from its connection and checked."""
import json
import time

from . import frames

LIMITS = {
    "wallMs": 10_000,
    "cpuMs": 10_000,
    "memoryBytes": 256 << 20,
    "outputBytes": 1 << 20,
    "processes": 64,
    "openFiles": 256,
    "fileBytes": 64 << 20,
    "diskBytes": 64 << 20,
    "inodes": 4096,
}
DECODER = json.JSONDecoder()


class Refused(Exception):
    """The request cannot be served; said to the caller."""


class Request:
    """A program and its limits; its files are still to come."""

    def __init__(self, connection, reader, deadline, given):
        self.connection = connection
        self.reader = reader
        self._deadline = deadline
        self._files = int(given.get("files", 0))
        self.limits = _limits(given.get("limits", {}))
        self.argv, self.env = given["argv"], given.get("env", {})
        if not self.argv or not self.argv[0].startswith("/") or not all(isinstance(word, str) for word in self.argv):
            raise Refused("argv must be words, the first an absolute path")
        if not all(isinstance(k, str) and isinstance(v, str) for k, v in self.env.items()):
            raise Refused("env must be texts")

    def files(self):
        """Each file as (path, executable, content), as it arrives."""
        for _ in range(self._files):
            kind, payload = _next_frame(self.connection, self.reader, self._deadline)
            if kind != frames.FILE:
                raise Refused(f"frame {kind} where FILE was expected")
            yield frames.unpack_file(payload)

    def wait_for_start(self, seconds):
        """Whether the program is to be started after all."""
        try:
            kind, _ = _next_frame(self.connection, self.reader, time.monotonic() + seconds)
        except TimeoutError:
            raise Refused("no START came in time") from None
        if kind not in (frames.START, frames.KILL):
            raise Refused(f"frame {kind} where START was expected")
        return kind == frames.START


def receive(connection, deadline):
    """The request of a new connection; None where the caller only wants to know what this is."""
    reader = frames.Reader()
    kind, payload = _next_frame(connection, reader, deadline)
    if kind == frames.DESCRIBE:
        return None
    if kind != frames.RUN:
        raise Refused(f"frame {kind} where RUN was expected")
    given, _ = DECODER.raw_decode(payload.decode())
    return Request(connection, reader, deadline, given)


def _limits(given):
    limits = dict(LIMITS)
    for name, value in given.items():
        if name not in limits or not isinstance(value, int) or not 0 < value < 1 << 50:
            raise Refused(f"limit {name} is not a positive whole number")
        limits[name] = value
    return limits


def _next_frame(connection, reader, deadline):
    while True:
        frame = reader.next()
        if frame:
            return frame
        connection.settimeout(max(0.001, deadline - time.monotonic()))
        data = connection.recv(65536)
        if not data:
            raise ConnectionError("closed")
        reader.feed(data)
