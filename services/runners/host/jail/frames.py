"""What goes over a run's connection: `u32 length | u8 type | payload`, big-endian, both ways.

One connection is one run. Closing it kills the run, so nobody has to remember to.
"""
import json
import socket
import struct

HEADER = struct.Struct(">IB")
# The longest payload: an artifact's largest file.
LONGEST = 64 * 1024 * 1024

# To the jail. RUN: JSON; FILE: u16 path length, path, u8 executable, bytes; SIGNAL: a name.
RUN, FILE, START, STDIN, STDIN_EOF, SIGNAL, KILL, DESCRIBE = 1, 2, 3, 4, 5, 6, 7, 8
# From the jail. EXIT, ERROR and DESCRIPTION: JSON.
READY, STARTED, STDOUT, STDERR, EXIT, ERROR, DESCRIPTION = 65, 66, 67, 68, 69, 70, 71


def pack(kind, payload=b""):
    return HEADER.pack(len(payload), kind) + payload


def pack_json(kind, value):
    return pack(kind, json.dumps(value).encode())


def pack_file(path, content, executable=False):
    name = path.encode()
    return pack(FILE, struct.pack(">H", len(name)) + name + bytes([executable]) + content)


def unpack_file(payload):
    (length,) = struct.unpack_from(">H", payload)
    name = bytes(payload[2 : 2 + length])
    return name.decode(), bool(payload[2 + length]), payload[3 + length :]


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
        if len(self._held) < HEADER.size:
            return None
        length, kind = HEADER.unpack_from(self._held)
        if length > LONGEST:
            raise ValueError("frame too long")
        end = HEADER.size + length
        if len(self._held) < end:
            return None
        payload = bytes(self._held[HEADER.size : end])
        del self._held[:end]
        return kind, payload


class Client:
    """A run as its caller sees it, for the start-up probes: blocking, one thing at a time."""

    def __init__(self, path, timeout):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self._socket.settimeout(timeout)
        self._socket.connect(path)
        self._reader = Reader()

    def send(self, *frames):
        self._socket.sendall(b"".join(frames))

    def receive(self):
        """The next frame; (None, b"") at the end."""
        while True:
            frame = self._reader.next()
            if frame:
                return frame
            data = self._socket.recv(65536)
            if not data:
                return None, b""
            self._reader.feed(data)

    def close(self):
        self._socket.close()


def run_once(path, argv, files=(), limits=None, stdin=b"", timeout=20, env=None):
    """Run a program in the jail and wait: (how it ended, stdout, stderr). Raises OSError when the jail could not."""
    client = Client(path, timeout)
    try:
        request = {"argv": argv, "env": env or {}, "files": len(files), "limits": limits or {}}
        client.send(pack_json(RUN, request), *(pack_file(name, content) for name, content in files), pack(START))
        client.send(pack(STDIN, stdin), pack(STDIN_EOF))
        output = {STDOUT: b"", STDERR: b""}
        while True:
            kind, payload = client.receive()
            if kind in output:
                output[kind] += payload
            elif kind == EXIT:
                return json.loads(payload), output[STDOUT], output[STDERR]
            elif kind in (ERROR, None):
                raise OSError(payload.decode() or "the jail closed the connection")
    finally:
        client.close()
