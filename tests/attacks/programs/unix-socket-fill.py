"""Fills the buffers of socket pairs, made as large as they can be."""
import socket

from attempt import attempt, report

held, pairs = 0, []


def fill():
    global held
    while held < 400 << 20:
        pair = socket.socketpair()
        pairs.append(pair)
        for end in pair:
            end.setblocking(False)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 23)
            try:
                while True:
                    held += end.send(b"x" * 65536)
            except BlockingIOError:
                pass


refused = attempt(fill)
report(refused=refused, heldMiB=held >> 20)
