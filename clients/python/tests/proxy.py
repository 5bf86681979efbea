"""A TCP proxy before the server, whose connections break when a test says so."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

CHUNK_BYTES = 64 * 1024


class Proxy:
    """Forwards connections to `target`, from an address of its own."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._upstream = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        # Of each connection, the client's end and the server's.
        self._open: list[socket.socket] = []
        self._deaf: frozenset[socket.socket] = frozenset()
        self.connections = 0
        """How many there have been."""
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def lose_answers(self) -> None:
        """Of the connections that there are, what the server says from now on is lost; what it hears is not."""
        self._deaf = frozenset(self._open[::2])

    def cut(self) -> None:
        """Break every connection that there is."""
        cut, self._open = self._open, []
        for end in cut:
            self._end(end)

    def close(self) -> None:
        self._end(self._listener)
        self.cut()

    @staticmethod
    def _end(end: socket.socket) -> None:
        # Wakes the thread that waits for it, which close alone does not.
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._upstream)
                self._open += [client, server]
                self.connections += 1
                threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
                threading.Thread(target=self._forward, args=(server, client), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK_BYTES):
                if sink not in self._deaf:
                    sink.sendall(data)
