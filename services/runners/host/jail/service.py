"""The heart of the jail: keeps sandboxes ready, each a fork of itself (monitor.py) that waits for a caller.

It parses nothing that a caller sends, and accepts no connection: the waiting monitors do, so a slow or broken caller
holds up nobody else, and a run finds its sandbox made. A sandbox serves one run; each one taken is replaced.
"""
import array
import gc
import os
import select
import signal
import socket
import struct
import sys
import time

from . import linux, monitor, seccomp

# How long a monitor may take to end by itself once its caller has left.
GRACE_SECONDS = 1.0
# Monitors that may fail one after another before the service gives up, and the pause between them.
FAILURES, PAUSE_SECONDS = 20, 0.25
MESSAGE = struct.Struct(">I")


class Slot:
    """What one run at a time has to itself."""

    def __init__(self, number, uid, group, own_user_namespace):
        self.number = number
        self.uid = uid
        self.group = group
        # True where the machine gave a single uid: the program then gets a user namespace of its own.
        self.own_user_namespace = own_user_namespace


class _Monitor:
    def __init__(self, pid, slot):
        self.pid = pid
        self.pidfd = linux.pidfd_open(pid)
        self.slot = slot
        self.connection = None
        self.taken = False
        self.kill_at = float("inf")


def serve(listening, slots, warm, leash, description, report):
    """Serve until killed.

    `warm` sandboxes are kept ready. `leash` is a pipe whose other end dies with the launcher. On `report` goes b"r" when
    the first sandbox is ready, or "!" and the reason why there can be none.
    """
    _Service(listening, slots, warm, leash, description, report).run()


class _Service:
    def __init__(self, listening, slots, warm, leash, description, report):
        self.listening = socket.SocketType(fileno=listening)
        self.free = list(slots)
        self.warm = warm
        self.leash = leash
        self.description = description
        self.report = report
        self.filters = seccomp.build(unseen_memory=all(slot.group.has_memory for slot in slots))
        self.own_pid_namespace = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        self.news, self.tell = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
        self.news.setblocking(False)
        kept = [0, 1, 2, self.listening.fileno(), self.tell.fileno()]
        # What the monitor of each slot has to close: computed once, for all that it needs is open now.
        self.foreign = {slot.number: linux.gaps([*kept, *slot.group.all_fds()]) for slot in slots}
        self.monitors = {}
        self.failures = 0
        self.not_before = 0.0

    def run(self):
        # Every child is a fork of this process: what is never collected is never copied.
        gc.collect()
        gc.disable()
        gc.freeze()
        linux.give_back_memory()
        while True:
            self._refill()
            self._turn()

    def _refill(self):
        waiting = sum(not one.taken for one in self.monitors.values())
        while waiting < self.warm and self.free and time.monotonic() >= self.not_before:
            self._fork(self.free.pop(0))
            waiting += 1

    def _fork(self, slot):
        linux.unshare(linux.CLONE_NEWPID)
        pid = os.fork()
        if pid == 0:
            for first, last in self.foreign[slot.number]:
                linux.close_range(first, last)
            monitor.serve(self.listening, slot, self.filters, self.description, self._teller(slot))
        # Back, else the next unshare is refused.
        linux.setns(self.own_pid_namespace, linux.CLONE_NEWPID)
        self.monitors[pid] = _Monitor(pid, slot)

    def _teller(self, slot):
        """What a monitor tells this process with: a kind and, with it, bytes or a connection."""
        # That a sandbox is made is news at the start and after a failure; else it would be a wake-up in each run.
        wanted = self.report is not None or self.failures > 0

        def tell(kind, more=b""):
            if kind == monitor.MADE and not wanted:
                return
            passed = more if isinstance(more, socket.SocketType) else None
            message = kind + MESSAGE.pack(slot.number) + (b"" if passed else more)
            fds = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [passed.fileno()]))] if passed else []
            self.tell.sendmsg([message[:1000]], fds)
            if kind != monitor.MADE:
                self.tell.close()

        return tell

    def _turn(self):
        poll = select.poll()
        poll.register(self.leash, select.POLLIN)
        poll.register(self.news, select.POLLIN)
        by_fd = {}
        for one in self.monitors.values():
            poll.register(one.pidfd, select.POLLIN)
            by_fd[one.pidfd] = one
            if one.connection and one.kill_at == float("inf"):
                poll.register(one.connection, select.POLLRDHUP)
                by_fd[one.connection.fileno()] = one
        due = [one.kill_at for one in self.monitors.values()] + ([self.not_before] if self.failures else [])
        soonest = min(due, default=float("inf"))
        wait = None if soonest == float("inf") else max(0, (soonest - time.monotonic()) * 1000 + 1)
        ready = dict(poll.poll(wait))
        if self.leash in ready:
            os._exit(0)
        # Before burying: what a monitor said comes before its end.
        while self._hear():
            pass
        for one in [by_fd[fd] for fd in ready if fd in by_fd and by_fd[fd].pidfd == fd]:
            self._bury(one)
        now = time.monotonic()
        for one in self.monitors.values():
            if one.connection and one.connection.fileno() in ready:
                # Its caller has left. It ends by itself; should it be stuck, it is ended.
                one.kill_at = min(one.kill_at, now + GRACE_SECONDS)
            if one.kill_at <= now:
                os.kill(one.pid, signal.SIGKILL)  # not reaped yet, so the pid is still its own
                one.kill_at = now + GRACE_SECONDS

    def _hear(self):
        """Take in one piece of news; False when there is none."""
        try:
            message, ancillary, _, _ = self.news.recvmsg(1000, socket.CMSG_SPACE(4), socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return False
        kind, (number,) = message[:1], MESSAGE.unpack(message[1:5])
        one = next((one for one in self.monitors.values() if one.slot.number == number), None)
        if kind == monitor.MADE:
            self.failures = 0
            self._say(b"r")
        elif kind == monitor.TAKEN:
            fds = array.array("i")
            for _, _, data in ancillary:
                fds.frombytes(data[: fds.itemsize])
            connection = socket.SocketType(fileno=fds[0])
            if one:
                one.taken, one.connection = True, connection
            else:
                connection.close()
        elif kind == monitor.FAILED:
            text = message[5:].decode(errors="replace")
            print(f"runlane jail: a sandbox could not be made: {text}", file=sys.stderr, flush=True)
            self._say(b"!" + message[5:])
        return True

    def _say(self, text):
        if self.report is not None:
            os.write(self.report, text)
            os.close(self.report)
            self.report = None

    def _bury(self, one):
        # Returns only when the whole namespace is empty: only then may uid and group serve again.
        os.waitpid(one.pid, 0)
        os.close(one.pidfd)
        if one.connection:
            one.connection.close()
        if not one.taken:
            # It failed, and perhaps the next one will too.
            self.failures += 1
            self.not_before = time.monotonic() + PAUSE_SECONDS
            if self.failures > FAILURES:
                os._exit(1)
        del self.monitors[one.pid]
        try:
            one.slot.group.forget()
        except OSError:
            pass  # what cannot be given back stays charged, and makes the next run's limit tighter, not looser
        self.free.append(one.slot)
