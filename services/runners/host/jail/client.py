"""A client of the jail, for its own probes at start."""
import socket

from . import frames, relay, request


class Client:
    """A run as its caller sees it: blocking, one thing at a time."""

    def __init__(self, path, timeout):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self._socket.settimeout(timeout)
        self._socket.connect(path)
        self._reader = frames.Reader()

    def send(self, *sent):
        self._socket.sendall(b"".join(sent))

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
        words = request.to_words(argv, env or {}, len(files), limits or {})
        packed = [frames.pack_file(name, content) for name, content in files]
        client.send(frames.pack_words(frames.RUN, words), *packed, frames.pack(frames.START))
        client.send(frames.pack(frames.STDIN, stdin), frames.pack(frames.STDIN_EOF))
        output = {frames.STDOUT: b"", frames.STDERR: b""}
        while True:
            kind, payload = client.receive()
            if kind in output:
                output[kind] += payload
            elif kind == frames.EXIT:
                return relay.from_words(frames.unpack_words(payload)), output[frames.STDOUT], output[frames.STDERR]
            elif kind in (frames.ERROR, None):
                raise OSError(payload.decode() or "the jail closed the connection")
    finally:
        client.close()
