"""One sandbox, as the monitor has it in hand: made by the maker (maker.py) before anybody asks for it, and used once."""
import _signal
import os
import select
import time

from . import frames, linux, maker, measure, produced, program
from .linux import MS_REMOUNT
from .request import LIMITS, Refused
from .terminal import Terminal

# The longest that a prelude waits.
PRELUDE_SECONDS = 600


class Maker:
    """The maker of a slot, as the monitor has it in hand."""

    def __init__(self, pid, channel):
        self.pidfd = linux.pidfd_open(pid)
        self.channel = channel

    def receive(self, size):
        """What it says next, and the descriptors that come along. Raises OSError once it has ended."""
        poll = select.poll()
        self.watch(poll)
        # Its end alone does not close the channel: process 1 of a sandbox holds that too.
        if not any(fd == self.channel.fileno() for fd, _ in poll.poll()):
            raise OSError("the maker of sandboxes has ended")
        return linux.receive_descriptors(self.channel, size)

    def watch(self, poll):
        """Have `poll` return when `receive` would."""
        poll.register(self.channel, select.POLLIN)
        poll.register(self.pidfd, select.POLLIN)

    def has_news(self, ready):
        return self.channel.fileno() in ready or self.pidfd in ready


class Sandbox:
    """Takes the next sandbox that the maker of this slot has made. Raises OSError when there can be none."""

    def __init__(self, slot, its_maker, home):
        self.slot = slot
        self.maker = its_maker
        # The mount namespace of the monitor itself, to come back to.
        self._home = home
        self._visiting = self._closed = self._has_prelude = False
        # Processor time that was used before the run, where no control group tells the two apart.
        self.had_used_ms = 0.0
        said, fds = self.maker.receive(maker.HANDED_OVER.size)
        if not fds:
            raise OSError(said[1:].decode(errors="replace") or "the maker of sandboxes has ended")
        named = maker.HANDED_OVER.unpack(fds)
        self.stdin, self.stdout, self.stderr, self.status, self._job, self._program, self._init, self._work = named
        # What the program's streams are, where they are no pipes.
        self.terminal = None
        # How the program ended, once it has: its wait status, what it used, and when on the monotonic clock.
        self.ending = None
        self._expect_prepared()

    def _expect_prepared(self):
        report = os.read(self.status, 1000)
        if report != program.PREPARED:
            raise OSError(f"cannot make the sandbox: {report.decode(errors='replace')}")

    def limit(self, request):
        """What depends on the limits of what will run: its folders and its group; and its terminal."""
        limits, group = request.limits, self.slot.group
        if not (group.has_memory and group.has_cpu):
            self._visit()  # to measure; while it is sure to be allowed, which is the program's affair from START on
        if any(limits[name] != LIMITS[name] for name in ("diskBytes", "inodes")):
            self._visit()
            maker.mount_folders(self.slot, limits, MS_REMOUNT)
        if request.terminal:
            self._open_terminal(*request.terminal)
        group.limit(limits["memoryBytes"], limits["processes"])

    def fill(self, request, kept=()):
        """Pass on the files that are kept here, then the others as they come, and then the job: the process that will be the
        program does the rest by itself."""
        files = request.files()
        try:
            for path, executable, file in kept:
                self._send_kept(path, executable, file.fileno())
            self._send_files(files, program.pack_file)
            names = ("argv", "env", "limits", "collect", "prelude")
            job = {name: getattr(request, name) for name in names}
            self._send(program.pack_job({**job, "terminal": self.terminal and self.terminal.path}))
        except BrokenPipeError:
            # It has ended: it says why, or its group does. Whatever it ended of, START comes after the last file.
            for _ in files:
                pass

    def start_prelude(self, seconds):
        """Start a program that waits for the frames of its run on descriptor 4, and wait until it says on descriptor 3 that it
        does. Raises OSError where it cannot be started, or says nothing."""
        self.await_filled(seconds)
        self._send(program.GO)
        self._await_word(seconds)
        self._has_prelude = True

    def _await_word(self, seconds):
        """Wait for the prelude to say that it is as far as it was asked to be."""
        poll = select.poll()
        poll.register(self.status, select.POLLIN)
        report = os.read(self.status, 1000) if poll.poll(seconds * 1000) else b""
        if report != program.PREPARED:
            raise OSError(f"the prelude failed: {report.decode(errors='replace') or 'it ended, or said nothing in time'}")

    def await_caller(self, connection):
        """Wait for the prelude's run to come. Raises OSError where none will, or not for so long that its idling would count
        for much of a run's processor time."""
        poll = select.poll()
        poll.register(connection, select.POLLIN | select.POLLRDHUP)
        self.maker.watch(poll)
        ready = dict(poll.poll(PRELUDE_SECONDS * 1000))
        if not ready:
            raise OSError("the prelude has waited for too long")
        if self.maker.has_news(ready):
            self.await_end()
            raise OSError("the prelude ended before its run came")

    def hand_over(self, request, seconds):
        """Give the prelude its run: it writes the files itself. Raises OSError where it does not take it."""
        try:
            self._send_files(request.files(), frames.pack_file_header)
            counts = [len(request.argv), len(request.env)]
            variables = [word for pair in request.env.items() for word in pair]
            self._send(frames.pack_words(frames.RUN, [*counts, *request.argv, *variables]))
        except BrokenPipeError:
            pass  # it has ended, which is seen where its word is waited for
        self._await_word(seconds)
        self.had_used_ms = measure.cpu_ms() if not self.slot.group.has_cpu else 0.0

    def _open_terminal(self, rows, columns):
        self._visit()  # where the run's own terminals are
        self.terminal = Terminal(rows, columns)
        self.close_stdin()
        self.stdin = os.dup(self.terminal.fd)

    def _send_files(self, files, pack_head):
        for path, executable, size, pieces in files:
            self._send(pack_head(path, executable, size))
            for piece in pieces:
                self._send(piece)

    def _send_kept(self, path, executable, fd):
        """By the kernel, which copies nothing of it before it is written."""
        left = os.fstat(fd).st_size
        self._send(program.pack_file(path, executable, left))
        while left:
            left -= linux.splice(fd, self._job, left)

    def _send(self, part):
        linux.write_all(self._job, part)

    def await_filled(self, seconds):
        """Wait until the program could begin at once. Raises Refused or OSError where it never will, but for want of memory:
        that is its verdict."""
        if self._has_prelude:
            return
        poll = select.poll()
        poll.register(self.status, select.POLLIN)
        if not poll.poll(seconds * 1000):
            raise Refused("the program's files could not be written in time")
        report = os.read(self.status, 1000)
        if report == program.PREPARED:
            return
        if report:
            raise Refused(report.decode(errors="replace"))
        if not self.slot.group.out_of_memory():
            raise OSError("the sandbox ended before its program began")

    def _visit(self):
        """Go into the run's mount namespace, where its /proc and its folders are."""
        if not self._visiting:
            linux.setns(self._program, linux.CLONE_NEWNS)
            self._visiting = True

    def start(self):
        """Start the program."""
        self.slot.group.start_clock()
        try:
            self._send(frames.pack(frames.START) if self._has_prelude else program.GO)
        except BrokenPipeError:
            # Not to be taken for a caller that left. What it died of, such as its limit of memory, is seen at its end.
            pass

    def signal(self, number):
        """Send the program a signal; nothing where it has ended."""
        try:
            _signal.pidfd_send_signal(self._program, number)
        except ProcessLookupError:
            pass

    def kill(self):
        """Kill everything in the sandbox; nothing where it is over."""
        if self.ending is not None:
            return
        try:
            _signal.pidfd_send_signal(self._init, _signal.SIGKILL)
        except ProcessLookupError:
            pass

    def await_end(self):
        """Wait until nothing of the run exists; its ending."""
        if self.ending is None:
            report, _ = self.maker.receive(0)
            if len(report) != linux.Ending.SIZE:
                raise OSError(report[1:].decode(errors="replace") or "the maker of sandboxes has ended")
            self.ending = linux.Ending.read(report)
        return self.ending

    def produced(self, folder, most_files, may_go_on):
        """What is in a folder of /work, once nobody is left to change it: see produced.find_produced()."""
        return produced.find_produced(self._work, folder, most_files, may_go_on)

    def read(self, folder, paths, most_files, most_bytes):
        """The bytes of it: see produced.read_produced()."""
        return produced.read_produced(self._work, folder, paths, most_files, most_bytes)

    def close_stdin(self):
        if self.stdin is not None:
            os.close(self.stdin)
            self.stdin = None

    def close(self):
        """End what may still be there, and give back what is held for it; the maker may then make the next. Only once."""
        if self._closed:
            return
        self.kill()
        self.await_end()
        said, _ = self.maker.receive(0)
        if said != maker.LEFT:
            raise OSError("the maker of sandboxes has ended")
        if self._visiting:
            linux.setns(self._home, linux.CLONE_NEWNS)
        self.close_stdin()
        if self.terminal:
            self.terminal.close()
        # The last that holds what is in /work.
        for fd in (self.stdout, self.stderr, self.status, self._job, self._program, self._init, self._work):
            os.close(fd)
        try:
            self.slot.group.forget(LIMITS["memoryBytes"], LIMITS["processes"])
        except OSError:
            pass  # what cannot be given back stays charged, and makes the next run's limit tighter, not looser
        self.maker.channel.send(maker.NEXT)
        # Not before: what failed half-way must end the monitor, and not leave it waiting for a sandbox that nobody makes.
        self._closed = True
