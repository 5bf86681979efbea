"""The heart of the jail: keeps a monitor for each slot (monitor.py), and ends what a monitor that died has left.

It hears nothing of runs and reads nothing that a caller sends: the monitors accept connections themselves, so a slow or
broken caller holds up nobody else.
"""
import _signal
import _socket
import gc
import mmap
import os
import select
import struct
import sys
import time

from . import linux, monitor, program, seccomp
from .kept import Kept

# How often monitors that are late are looked for.
TICK_MS = 1000
LATE_SECONDS = 2
# Monitors that may fail one after another before the service gives up, and the pause between them.
FAILURES, PAUSE_SECONDS = 20, 0.25
DEADLINE = struct.Struct("d")


class Slot:
    """What one run at a time has to itself."""

    def __init__(self, number, uid, group, own_user_namespace):
        self.number = number
        self.uid = uid
        self.group = group
        # True where the machine gave a single uid: the program then gets a user namespace of its own.
        self.own_user_namespace = own_user_namespace


class Deadlines:
    """When each monitor must have got on, in seconds of the monotonic clock: memory shared with all of them."""

    def __init__(self, slots):
        self._memory = mmap.mmap(-1, DEADLINE.size * slots)

    def set(self, number, at):
        DEADLINE.pack_into(self._memory, DEADLINE.size * number, at)

    def keep_from_forks(self):
        """Called in a monitor: what it forks becomes a program, and must not reach this."""
        self._memory.madvise(mmap.MADV_DONTFORK)

    def passed(self, number):
        return DEADLINE.unpack_from(self._memory, DEADLINE.size * number)[0] < time.monotonic()


class _Monitor:
    def __init__(self, pid, slot):
        self.pid = pid
        self.pidfd = linux.pidfd_open(pid)
        self.slot = slot
        # When it was first seen to be late; and whether it was ended for that: a matter of its run, not of the machine.
        self.late_since = None
        self.late = False

    def is_too_late(self, passed):
        """Whether it has been late for long enough. Not at once: where the whole machine stood still, it is about to go on."""
        now = time.monotonic()
        if not passed:
            self.late_since = None
        elif self.late_since is None:
            self.late_since = now
        return passed and now >= self.late_since + LATE_SECONDS


def serve(listening, peers, slots, kept, leash, description, report):
    """Serve until killed.

    `peers` are the uids that may call, as they look in here; `kept` is a folder for large files; `leash` is a pipe whose other
    end dies with the launcher. On `report` goes b"r" when the first sandbox is ready, or "!" and the reason why there can be
    none.
    """
    _Service(listening, peers, slots, kept, leash, description, report).run()


class _Service:
    def __init__(self, listening, peers, slots, kept, leash, description, report):
        self.listening = _socket.socket(fileno=listening)
        self.peers = peers
        self.free = list(slots)
        self.kept = kept
        self.leash = leash
        self.description = description
        self.report = report
        self.filters = seccomp.build(unseen_memory=all(slot.group.has_memory for slot in slots))
        self.deadlines = Deadlines(len(slots))
        self.news, self.tell = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC)
        self.news.setblocking(False)
        needed = [*range(program.JOB_FD + 1), self.listening.fileno(), self.kept, self.tell.fileno()]
        # What the monitor of each slot has to close: computed once, for all that it needs is open now.
        self.foreign = {slot.number: linux.gaps([*needed, *slot.group.all_fds()]) for slot in slots}
        self.monitors = {}
        self.failures = 0
        self.not_before = 0.0

    def run(self):
        # Every child is a fork of this process: what is never collected is never copied.
        gc.collect()
        gc.freeze()
        linux.give_back_memory()
        while True:
            while self.free and time.monotonic() >= self.not_before:
                self._fork(self.free.pop(0))
            self._turn()

    def _fork(self, slot):
        self.deadlines.set(slot.number, float("inf"))
        try:
            pid = os.fork()
        except OSError as reason:
            self._cannot(f"fork: {reason.strerror}".encode())
            self._count_failure()
            self.free.append(slot)
            return
        if pid == 0:
            linux.prctl(linux.PR_SET_PDEATHSIG, _signal.SIGKILL)
            self.deadlines.keep_from_forks()
            for first, last in self.foreign[slot.number]:
                linux.close_range(first, last)
            kept = Kept(self.kept)
            monitor.serve(self.listening, self.peers, slot, self.filters, kept, self.description, self._teller(), self._clock(slot))
        self.monitors[pid] = _Monitor(pid, slot)

    def _teller(self):
        return lambda kind, more=b"": self.tell.send((kind + more)[:1000])

    def _clock(self, slot):
        return lambda at: self.deadlines.set(slot.number, at)

    def _turn(self):
        poll = select.poll()
        poll.register(self.leash, select.POLLIN)
        poll.register(self.news, select.POLLIN)
        for one in self.monitors.values():
            poll.register(one.pidfd, select.POLLIN)
        ready = dict(poll.poll(PAUSE_SECONDS * 1000 if self.free else TICK_MS))
        if self.leash in ready:
            os._exit(0)
        # Before burying: what a monitor said comes before its end.
        while self._hear():
            pass
        for one in list(self.monitors.values()):
            if one.pidfd in ready:
                self._bury(one)
            elif one.is_too_late(self.deadlines.passed(one.slot.number)):
                one.late = True
                os.kill(one.pid, _signal.SIGKILL)  # not reaped yet, so the pid is still its own

    def _hear(self):
        """Take in one piece of news; False when there is none."""
        try:
            message = self.news.recv(1000)
        except BlockingIOError:
            return False
        kind, text = message[:1], message[1:]
        if kind == monitor.MADE:
            self.failures = 0
            self._say(b"r")
        elif kind == monitor.FAILED:
            self._cannot(text)
        return True

    def _cannot(self, reason):
        print(f"runlane jail: a sandbox could not be made: {reason.decode(errors='replace')}", file=sys.stderr, flush=True)
        self._say(b"!" + reason)

    def _count_failure(self):
        """Perhaps the next one fails too."""
        self.failures += 1
        self.not_before = time.monotonic() + PAUSE_SECONDS
        if self.failures > FAILURES:
            os._exit(1)

    def _say(self, text):
        if self.report is not None:
            os.write(self.report, text)
            os.close(self.report)
            self.report = None

    def _bury(self, one):
        _, status = os.waitpid(one.pid, 0)
        os.close(one.pidfd)
        del self.monitors[one.pid]
        # Only when nothing of its run is left may uid and group serve again.
        self._end_orphans()
        if status != 0:
            print(f"runlane jail: a monitor ended with status {status}{', for it did not get on' if one.late else ''}", file=sys.stderr, flush=True)
        if status != 0 and not one.late:
            self._count_failure()
        self.free.append(one.slot)

    def _end_orphans(self):
        """Kill what a dead monitor has left, its maker and a run: this is process 1 of the outer sandbox, so it inherits them.
        Those that a maker leaves come only when that is dead."""
        while orphans := set(_children()) - set(self.monitors):
            for pid in orphans:
                os.kill(pid, _signal.SIGKILL)
                # In no order: process 1 of a run is not gone before the last of the run has been waited for.
                os.waitpid(pid, os.WNOHANG)
            time.sleep(0.001)


def _children():
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="utf-8") as file:
        return [int(pid) for pid in file.read().split()]
