"""The network of a run: a namespace with nothing in it but a loopback of its own."""
import _socket
import fcntl
import os
import struct

from . import linux

LOOPBACK_UP = struct.pack("16sh14x", b"lo", 1)
SIOCSIFFLAGS = 0x8914
# Least, default and most of a TCP socket's buffers: no run is charged for them where there is no cgroup v2.
TCP_BUFFER_BYTES = b"4096 16384 65536"


def enter():
    """Be in a namespace that nobody has been in."""
    linux.unshare(linux.CLONE_NEWNET)
    control = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    fcntl.ioctl(control, SIOCSIFFLAGS, LOOPBACK_UP)
    control.close()
    for name in ("tcp_rmem", "tcp_wmem"):
        _set(f"/proc/sys/net/ipv4/{name}", TCP_BUFFER_BYTES)


def _set(path, value):
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, value)
    finally:
        os.close(fd)
