"""The network of a run: a namespace with nothing in it but a loopback of its own.

To make and to take away one costs the kernel more than all other namespaces together. So the next run gets the same one
where nothing can tell: no packet was sent or refused in it, and no socket is left. Few programs do either.
"""
import _socket
import fcntl
import os
import struct

from . import linux

LOOPBACK_UP = struct.pack("16sh14x", b"lo", 1)
SIOCSIFFLAGS = 0x8914
# Least, default and most of a TCP socket's buffers: no run is charged for them where there is no cgroup v2.
TCP_BUFFER_BYTES = b"4096 16384 65536"
# Reports of multicast groups go out at once, and not a while after their socket is gone: to the next run.
AT_ONCE = {"ipv4/conf/lo/force_igmp_version": b"2", "ipv6/conf/lo/force_mld_version": b"1"}
# All that a program can read of its network: what was sent and received, what was refused, which routes were looked up,
# which flow labels outlive their sockets, and who has a socket.
TELLING = ("dev", "snmp", "snmp6", "netstat", "rt6_stats", "ip6_flowlabel", "unix", "sockstat")


class Network:
    """The namespace that a monitor is in, and its runs with it."""

    def __init__(self):
        self._fds = []
        self._untouched = None

    def enter(self):
        """Be in a namespace that no run has been active in. /proc must show the service's own processes."""
        if self._untouched is not None and self._look() == self._untouched:
            return
        for fd in self._fds:
            os.close(fd)
        linux.unshare(linux.CLONE_NEWNET)
        control = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
        fcntl.ioctl(control, SIOCSIFFLAGS, LOOPBACK_UP)
        control.close()
        for name in ("tcp_rmem", "tcp_wmem"):
            _set(f"/proc/sys/net/ipv4/{name}", TCP_BUFFER_BYTES)
        # A kernel without IPv6 lacks some of these.
        for name, value in AT_ONCE.items():
            if os.path.exists(f"/proc/sys/net/{name}"):
                _set(f"/proc/sys/net/{name}", value)
        paths = [path for path in (f"/proc/self/net/{name}" for name in TELLING) if os.path.exists(path)]
        self._fds = [os.open(path, os.O_RDONLY | os.O_CLOEXEC) for path in paths]
        self._untouched = self._look()

    def _look(self):
        *texts, sockets = [os.pread(fd, 65536, 0) for fd in self._fds]
        # Of the last, how many there are: the rest is the whole machine's.
        return [*texts, sockets.partition(b"\n")[0]]


def _set(path, value):
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, value)
    finally:
        os.close(fd)
