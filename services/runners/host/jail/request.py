"""What a caller asks of a sandbox, read from its connection and checked."""
import time

from . import frames
from .kept import DRAFT

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
    "producedFiles": 64,
    "producedBytes": 8 << 20,
}

CHUNK = 1 << 16
# Those that are counted from the start of the run, outside of its process.
OF_THE_RUN = ("wallMs", "cpuMs", "outputBytes", "producedFiles", "producedBytes")


class Refused(Exception):
    """The request cannot be served; said to the caller."""


class Request:
    """A program and its limits; its files are still to come."""

    def __init__(self, connection, reader, deadline, words, prelude):
        self.connection = connection
        self.reader = reader
        # Whether it is started at once and waits there for its run, which is the next request on this connection.
        self.prelude = prelude
        self._deadline = deadline
        try:
            # A folder of /work that is there when the program starts, and whose files are sent when it has ended.
            self.collect = words[0]
            self._unnamed, arguments, variables, rows, columns, named = (int(word) for word in words[1:7])
            # Its size, or None where the program has pipes.
            self.terminal = (rows, columns) if rows else None
            self.argv = words[7 : 7 + arguments]
            rest = words[7 + arguments :]
            # Files that may be kept here: (path, executable, name).
            self.named = [(path, mode == "x", name) for path, mode, name in zip(*(rest[at : 3 * named : 3] for at in range(3)))]
            rest = rest[3 * named :]
            # What is to be kept of the files to come, by path: its name.
            self._names = {}
            self.env = dict(zip(rest[: 2 * variables : 2], rest[1 : 2 * variables : 2]))
            self.limits = _limits(zip(rest[2 * variables :: 2], rest[2 * variables + 1 :: 2]))
        except ValueError:
            raise Refused("RUN has no number where one belongs") from None
        if not self.collect or "/" in self.collect or self.collect in (".", ".."):
            raise Refused("the folder to collect must be one of /work")
        if not self.argv or not self.argv[0].startswith("/"):
            raise Refused("the first word of a program must be an absolute path")
        if any("/" in name or name.startswith(DRAFT) or not name for _, _, name in self.named):
            raise Refused("a file is kept under a plain name")
        if prelude and self.named:
            raise Refused("a prelude has no files that are kept")

    def find_kept(self, kept):
        """The files that are kept here, as (path, executable, open file). The others of the named ones the caller has to send,
        after those that have no name: their paths."""
        self._kept = kept
        looked_for = [(path, executable, name, kept.find(name)) for path, executable, name in self.named]
        self._names = {path: name for path, _, name, found in looked_for if found is None}
        return [(path, executable, found) for path, executable, _, found in looked_for if found is not None], list(self._names)

    def files(self):
        """Each file to come as (path, executable, size, pieces): its bytes as they arrive, which are gone with the next file."""
        for number in range(self._unnamed + len(self._names)):
            kind, length = self._begin_frame()
            if kind != frames.FILE:
                raise Refused(f"frame {kind} where FILE was expected")
            (path_length,) = frames.PATH_LENGTH.unpack(self._read(frames.PATH_LENGTH.size))
            path = self._read(path_length).decode()
            executable = bool(self._read(1)[0])
            size = length - frames.PATH_LENGTH.size - path_length - 1
            if size < 0:
                raise Refused("FILE is shorter than its path")
            pieces = self._pieces(size)
            name = self._names.pop(path, None) if number >= self._unnamed else None
            if name:
                pieces = self._kept.keeping(name, size, pieces)
            yield path, executable, size, pieces
            for _ in pieces:
                pass  # whoever has no use for them leaves them

    def _begin_frame(self):
        while not (begun := self.reader.begin()):
            _receive_more(self.connection, self.reader, self._deadline)
        return begun

    def _read(self, length):
        while self.reader.held < length:
            _receive_more(self.connection, self.reader, self._deadline)
        return self.reader.take(length)

    def _pieces(self, size):
        while size:
            piece = self.reader.take(size) or _receive(self.connection, min(size, CHUNK), self._deadline)
            size -= len(piece)
            yield piece

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
    if kind not in (frames.RUN, frames.PRELUDE):
        raise Refused(f"frame {kind} where RUN was expected")
    return Request(connection, reader, deadline, frames.unpack_words(payload), kind == frames.PRELUDE)


def receive_run(prelude, deadline):
    """The request that a prelude has waited for."""
    kind, payload = _next_frame(prelude.connection, prelude.reader, deadline)
    if kind != frames.RUN:
        raise Refused(f"frame {kind} where RUN was expected")
    request = Request(prelude.connection, prelude.reader, deadline, frames.unpack_words(payload), False)
    if request.terminal:
        raise Refused("a prelude has its streams already, and they are no terminal")
    if request.named:
        raise Refused("a prelude is sent all files of its run")
    differing = [name for name in LIMITS if name not in OF_THE_RUN and request.limits[name] != prelude.limits[name]]
    if differing or request.collect != prelude.collect:
        raise Refused(f"a prelude cannot be given other limits of {', '.join(differing) or 'collecting'}")
    return request


def to_words(argv, env, files, limits, collect="out"):
    """What RUN holds: the folder to collect, three numbers, the size of the terminal or two zeros, how many files may be kept, so
    many words of the program, of each of those files its path, "x" or "-" and the name it is kept by, so many variables by name
    and value, and limits likewise."""
    pairs = [*env.items(), *limits.items()]
    return [collect, files, len(argv), len(env), 0, 0, 0, *argv, *(word for pair in pairs for word in pair)]


def _limits(given):
    limits = dict(LIMITS)
    for name, value in given:
        least = 0 if name.startswith("produced") else 1
        if name not in limits or not least <= int(value) < 1 << 50:
            raise Refused(f"limit {name} is not a whole number from {least}")
        limits[name] = int(value)
    return limits


def _next_frame(connection, reader, deadline):
    while not (frame := reader.next()):
        _receive_more(connection, reader, deadline)
    return frame


def _receive_more(connection, reader, deadline):
    reader.feed(_receive(connection, CHUNK, deadline))


def _receive(connection, most, deadline):
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection.settimeout(left)
    data = connection.recv(most)
    if not data:
        raise ConnectionError("closed")
    return data
