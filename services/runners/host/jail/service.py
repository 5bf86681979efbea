"""Process 1 of the outer sandbox: accepts connections, and forks for each the process 1 of a run (monitor.py).

It parses nothing that a caller sends; that is done by the fork, so a slow or broken caller holds up nobody else.
"""
import gc
import os
import select
import signal
import socket
import struct
import time
from dataclasses import dataclass

from . import linux, monitor, seccomp
from .cgroup import Group

# How long a monitor may take to end by itself once its caller has left.
GRACE_SECONDS = 1.0
OVERFLOW_UID = 65534  # how a uid of the host looks in here


@dataclass
class Slot:
    """What one run at a time has to itself."""

    uid: int
    group: Group
    # True where the machine gave a single uid: the program then gets a user namespace of its own.
    own_user_namespace: bool


@dataclass
class _Serving:
    pid: int
    pidfd: int
    connection: socket.socket
    slot: Slot
    kill_at: float = float("inf")
    gone: bool = False


def serve(listening, slots, leash, description):
    """Serve until killed. `leash` is a pipe whose other end dies with the launcher."""
    filters = seccomp.build(unseen_memory=all(slot.group.has_memory for slot in slots))
    own_pid_namespace = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    free = list(slots)
    serving = {}
    # Every child is a fork of this process: what is never collected is never copied.
    gc.collect()
    gc.disable()
    gc.freeze()
    while True:
        poll = select.poll()
        poll.register(leash, select.POLLIN)
        if free:
            poll.register(listening, select.POLLIN)
        by_fd = {}
        for one in serving.values():
            poll.register(one.pidfd, select.POLLIN)
            by_fd[one.pidfd] = one
            if not one.gone:
                poll.register(one.connection, select.POLLRDHUP)
                by_fd[one.connection.fileno()] = one
        soonest = min((one.kill_at for one in serving.values()), default=float("inf"))
        wait = None if soonest == float("inf") else max(0, (soonest - time.monotonic()) * 1000)
        for fd, _ in poll.poll(wait):
            if fd == leash:
                os._exit(0)
            elif fd == listening.fileno():
                _accept(listening, free, serving, filters, own_pid_namespace, description)
            elif fd in by_fd:
                one = by_fd[fd]
                if fd == one.pidfd:
                    # Returns only when the whole namespace is empty: only then may uid and group serve again.
                    os.waitpid(one.pid, 0)
                    os.close(one.pidfd)
                    one.connection.close()
                    del serving[one.pid]
                    free.append(one.slot)
                elif one.pid in serving:
                    one.gone = True
                    one.kill_at = time.monotonic() + GRACE_SECONDS
        now = time.monotonic()
        for one in serving.values():
            if one.kill_at <= now:
                os.kill(one.pid, signal.SIGKILL)  # not reaped yet, so the pid is still its own
                one.kill_at = float("inf")


def _accept(listening, free, serving, filters, own_pid_namespace, description):
    try:
        connection, _ = listening.accept()
    except (BlockingIOError, ConnectionError):
        return
    _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    # The socket file's owner and mode decide who may connect. Whoever has a uid of this namespace came from a jail.
    if uid not in (0, OVERFLOW_UID):
        connection.close()
        return
    slot = free.pop(0)
    linux.unshare(linux.CLONE_NEWPID)
    pid = os.fork()
    if pid == 0:
        monitor.serve(connection, slot, filters, description)
    # Back, else the next unshare is refused.
    linux.setns(own_pid_namespace, linux.CLONE_NEWPID)
    serving[pid] = _Serving(pid, linux.pidfd_open(pid), connection, slot)
