"""What goes over a run's connection: `u32 length | u8 type | payload`, big-endian, both ways.

One connection is one run. Closing it kills the run, so nobody has to remember to.
"""
import struct

HEADER = struct.Struct(">IB")
PATH_LENGTH = struct.Struct(">H")
# The longest payload: an artifact's largest file.
LONGEST = 64 * 1024 * 1024

# To the jail. RUN: words (request.py); FILE: u16 path length, path, u8 executable, bytes; SIGNAL: a name; PRELUDE: as RUN, of
# a program that is started before its run is known, and is given RUN, FILE and START itself (sandbox.py); RESIZE: words, rows
# and columns.
RUN, FILE, START, STDIN, STDIN_EOF, SIGNAL, KILL, DESCRIBE, PRELUDE, RESIZE = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
# From the jail. MISSING: words, paths of files that are not kept (kept.py) and are to be sent after the others. EXIT: words (relay.py); ERROR: text; DESCRIPTION: JSON; PRODUCED: as FILE, part of a file that the program left.
READY, STARTED, STDOUT, STDERR, EXIT, ERROR, DESCRIPTION, PRODUCED, MISSING = 65, 66, 67, 68, 69, 70, 71, 72, 73


def pack(kind, payload=b""):
    return HEADER.pack(len(payload), kind) + payload


def pack_words(kind, words):
    """Texts, each ended by a NUL: what no word of a program can hold."""
    return pack(kind, "".join(f"{word}\0" for word in words).encode())


def unpack_words(payload):
    """Raises ValueError when it is not UTF-8."""
    return payload.decode().split("\0")[:-1]


def pack_file(path, content, executable=False, kind=FILE):
    return pack_file_header(path, executable, len(content), kind) + content


def pack_file_header(path, executable, size, kind=FILE):
    """What comes before the `size` bytes of a file."""
    name = path.encode()
    return HEADER.pack(3 + len(name) + size, kind) + PATH_LENGTH.pack(len(name)) + name + bytes([executable])


class Reader:
    """Cuts a stream of bytes into frames."""

    def __init__(self):
        self._held = bytearray()

    @property
    def held(self):
        """Bytes that are not taken yet."""
        return len(self._held)

    def feed(self, data):
        self._held += data

    def next(self):
        """The next whole frame as (type, payload), or None. Raises ValueError on a frame that is too long."""
        begun = self._look()
        if not begun or len(self._held) < HEADER.size + begun[1]:
            return None
        kind, length = self.begin()
        return kind, self.take(length)

    def begin(self):
        """The next frame as (type, length of its payload), once its head is there: the payload is still to be taken."""
        begun = self._look()
        if begun:
            del self._held[: HEADER.size]
        return begun

    def _look(self):
        if len(self._held) < HEADER.size:
            return None
        length, kind = HEADER.unpack_from(self._held)
        if length > LONGEST:
            raise ValueError("frame too long")
        return kind, length

    def take(self, most):
        """Of what is held, the first bytes."""
        taken = bytes(self._held[:most])
        del self._held[:most]
        return taken
