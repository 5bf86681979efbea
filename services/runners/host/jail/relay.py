"""The run while the program lives: one loop over its pipes, the connection and the clock; then the verdict."""
import _signal
import os
import select
import time

from . import frames, measure
from .request import Refused

FAREWELL_SECONDS = 0.2  # for the caller to close after EXIT
FILL_SECONDS = 5  # for the program's files to be written, once all of them have been sent
GRACE_SECONDS = 3  # past its limits, after which a run is ended from outside; a busy machine takes its time
END_SECONDS = 30  # for the kernel to take down what has been killed: hundreds of processes with scattered memory take a while
FIND_SECONDS = 2  # for what the program left to be found, however much it is
SLOW_READER_SECONDS = 30  # in which a caller must take some of what is left to send
TICK_SECONDS = 0.02
CHUNK = 32 * 1024
# Bytes that may wait for a slow reader before the program's own writes begin to block.
HELD_BACK = 256 * 1024
# What a program prints waits so long for more, most often its end: one message less to everybody up to the client.
HOLD_SECONDS = 0.001
# A stream that writes again sooner than this is read in larger pieces: a million prints are not a million frames.
COALESCE_SECONDS = 0.002
# Not by the module signal: what that brings along, every run would be a copy of.
OTHER_NAMES = ("SIGIOT", "SIGCLD", "SIGPOLL")
NAMES = {
    getattr(_signal, name): name
    for name in dir(_signal)
    if name.startswith("SIG") and not name.startswith("SIG_") and name not in OTHER_NAMES
}
SIGNALS = {name: getattr(_signal, name) for name in ("SIGINT", "SIGTERM", "SIGKILL")}
# What EXIT holds, in this order; `code` or `signal` is empty.
VERDICT = ("reason", "code", "signal", "wallMs", "cpuMs", "memoryPeakBytes", "stdoutTruncated", "stderrTruncated", "filesOmitted")
REASON_EXITED, REASON_WALL, REASON_CPU, REASON_MEMORY, REASON_OUTPUT = "exited", "wall", "cpu", "memory", "output"


class _Stream:
    """One of the program's output streams on its way to the caller."""

    def __init__(self, fd, kind, limit):
        os.set_blocking(fd, False)
        self.fd = fd
        self.kind = kind
        self.left = limit
        self.truncated = False
        self.not_before = 0.0


class Relay:
    """A program that is ready to be started, and its caller. `set_deadline` says when somebody shall end us."""

    def __init__(self, sandbox, request, set_deadline):
        self.sandbox = sandbox
        self.set_deadline = set_deadline
        self.limits = limits = request.limits
        self.collect = request.collect
        self.group = sandbox.slot.group
        self.connection = request.connection
        self.connection.setblocking(False)
        self.reader = request.reader
        self.streams = {
            sandbox.stdout: _Stream(sandbox.stdout, frames.STDOUT, limits["outputBytes"]),
            sandbox.stderr: _Stream(sandbox.stderr, frames.STDERR, limits["outputBytes"]),
        }
        self.terminal = sandbox.terminal
        if self.terminal:
            self.streams[self.terminal.fd] = _Stream(self.terminal.fd, frames.STDOUT, limits["outputBytes"])
        self.all_streams = list(self.streams.values())
        self.outgoing = bytearray()
        self.held_until = 0.0
        self.stuck = False  # the caller takes no more for now
        self.incoming = bytearray()  # standard input that the program has not taken yet
        self.stdin_closing = False
        self.started = False
        self.failed = None
        self.reason = None
        self.peak = 0
        self.cpu_ms = 0.0
        self.poll_cost = 0.0
        os.set_blocking(sandbox.stdin, False)
        os.set_blocking(sandbox.status, False)

    def run(self):
        """Start the program, and stay with it to the end: its verdict has then been sent, and nothing of it is left.

        Raises ConnectionError when the caller leaves; the program may live on then.
        """
        self.sandbox.await_filled(FILL_SECONDS)
        self.begun = time.monotonic()
        self.sandbox.start()
        self._handle_frames()
        deadline = self.begun + self.limits["wallMs"] / 1000
        self.set_deadline(deadline + GRACE_SECONDS)
        next_tick = self.begun + TICK_SECONDS
        while self.sandbox.ending is None and self.reason is None:
            now = time.monotonic()
            if now >= deadline:
                self.reason = REASON_WALL
                break
            if now >= next_tick:
                self._see_start()
                self._measure()
                self._end_terminal_input()
                # Measuring by hand may take long where there are many processes: never more than a fifth of the time.
                next_tick = time.monotonic() + max(TICK_SECONDS, 4 * self.poll_cost)
                continue
            self._turn(min(deadline, next_tick))
        self._finish()

    def _turn(self, until):
        """Wait for whatever comes first, and deal with it."""
        run = self.sandbox
        poll = select.poll()
        now = time.monotonic()
        run.maker.watch(poll)
        wanted = select.POLLRDHUP
        if len(self.incoming) < HELD_BACK:
            wanted |= select.POLLIN
        if self.stuck:
            wanted |= select.POLLOUT
        elif self.outgoing:
            until = min(until, self.held_until)
        poll.register(self.connection, wanted)
        if len(self.outgoing) < HELD_BACK:
            for stream in self.streams.values():
                if stream.not_before <= now:
                    poll.register(stream.fd, select.POLLIN)
                else:
                    until = min(until, stream.not_before)
        if self.incoming and run.stdin is not None:
            poll.register(run.stdin, select.POLLOUT)
        ready = dict(poll.poll(max(0.0, (until - now) * 1000)))
        for fd in [fd for fd in self.streams if fd in ready]:
            self._relay(self.streams[fd])
        if run.stdin in ready:
            self._feed()
        events = ready.get(self.connection.fileno(), 0)
        if events & (select.POLLHUP | select.POLLERR | select.POLLRDHUP):
            raise ConnectionError("closed")
        if events & select.POLLIN:
            self._receive()
        if run.maker.has_news(ready):
            run.await_end()
        elif self.outgoing and (events & select.POLLOUT or time.monotonic() >= self.held_until):
            self._flush()

    def _see_start(self):
        """Look whether the program has begun. Nobody is woken for that alone: it is told with what comes next."""
        if self.started:
            return
        try:
            problem = os.read(self.sandbox.status, 1000)
        except BlockingIOError:
            return
        self.started = True
        if problem:
            self.failed = problem.decode(errors="replace")
        else:
            self._send(frames.pack(frames.STARTED))

    def _relay(self, stream):
        self._see_start()
        try:
            data = os.read(stream.fd, CHUNK)
        except BlockingIOError:
            return False
        if not data:
            del self.streams[stream.fd]
            return False
        if len(data) > stream.left:
            data, stream.truncated = data[: stream.left], True
            self.reason = self.reason or REASON_OUTPUT
        stream.left -= len(data)
        stream.not_before = time.monotonic() + COALESCE_SECONDS if len(data) < CHUNK else 0.0
        if data:
            self._send(frames.pack(stream.kind, data))
        return True

    def _send(self, frame):
        if not self.outgoing:
            self.held_until = time.monotonic() + HOLD_SECONDS
        self.outgoing += frame

    def _flush(self):
        self.stuck = False
        try:
            while self.outgoing:
                sent = self.connection.send(self.outgoing)
                del self.outgoing[:sent]
        except BlockingIOError:
            self.stuck = True  # a slow reader: the loop waits for POLLOUT

    def _receive(self):
        try:
            data = self.connection.recv(65536)
        except BlockingIOError:
            return
        if not data:
            raise ConnectionError("closed")
        self.reader.feed(data)
        self._handle_frames()

    def _handle_frames(self):
        while True:
            frame = self.reader.next()
            if not frame:
                break
            kind, payload = frame
            if kind == frames.STDIN:
                if self.sandbox.stdin is not None and not self.stdin_closing:
                    self.incoming += payload
            elif kind == frames.STDIN_EOF:
                self.stdin_closing = True
            elif kind == frames.SIGNAL:
                self._signal(SIGNALS[payload.decode()])
            elif kind == frames.RESIZE:
                rows, columns = (int(word) for word in frames.unpack_words(payload))
                if self.terminal:
                    self.terminal.resize(rows, columns)
            elif kind == frames.KILL:
                self.sandbox.signal(_signal.SIGKILL)
            else:
                raise Refused(f"frame {kind} while the program runs")
        self._feed()

    def _signal(self, number):
        # As ^C: the program itself may be a shell, which waits for what runs in the foreground.
        if self.terminal and number == _signal.SIGINT:
            self.terminal.interrupt(number)
        else:
            self.sandbox.signal(number)

    def _feed(self):
        if self.sandbox.stdin is None:
            return
        try:
            while self.incoming:
                taken = os.write(self.sandbox.stdin, self.incoming[:65536])
                del self.incoming[:taken]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self.incoming.clear()
            self.stdin_closing = True
        if self.stdin_closing:
            self.sandbox.close_stdin()
            self._end_terminal_input()

    def _end_terminal_input(self):
        if self.terminal and self.sandbox.stdin is None:
            self.terminal.stay_at_end()

    # Measuring

    def _measure(self):
        before = time.monotonic()
        if self.group.out_of_memory():
            self.reason = REASON_MEMORY
        elif self._cpu_ms() >= self.limits["cpuMs"]:
            self.reason = REASON_CPU
        elif not self.group.has_memory or self.group.memory_peak() is None:
            now = self.group.memory_now()
            self.peak = max(self.peak, measure.memory_bytes() if now is None else now)
            if self.peak > self.limits["memoryBytes"]:
                self.reason = REASON_MEMORY
        self.poll_cost = time.monotonic() - before

    def _cpu_ms(self):
        counted = self.group.cpu_ms()
        self.cpu_ms = max(self.cpu_ms, measure.cpu_ms() - self.sandbox.had_used_ms if counted is None else counted)
        return self.cpu_ms

    def _finish(self):
        """End what is left, send the rest of the output and the verdict."""
        decided = time.monotonic()
        self.sandbox.kill()
        self.set_deadline(decided + END_SECONDS)
        self.status, self.used_seconds, self.largest, ended = self.sandbox.await_end()
        self._see_start()
        self.ended = min(ended, decided)
        # The program may have ended by itself just before its time was up, and what it left took a while to be gone.
        if self.reason is None or (self.reason == REASON_WALL and ended < decided):
            self.reason = REASON_EXITED
        if self.failed:
            raise OSError(self.failed)
        # Everybody who could write is dead, so what the pipes hold is all there is.
        for stream in list(self.streams.values()):
            while self._relay(stream):
                self._wait_until_sent(HELD_BACK)
        omitted = self._send_produced()
        self._send(frames.pack_words(frames.EXIT, self._verdict(omitted)))
        self._wait_until_sent(1)
        self.sandbox.close()
        self._see_off()

    def _send_produced(self):
        """Send what the program left in the folder that is collected; how many things in there are not sent."""
        until = time.monotonic() + FIND_SECONDS

        def may_go_on():
            self._expect_caller()
            return time.monotonic() < until

        most_files = self.limits["producedFiles"]
        paths, omitted = self.sandbox.produced(self.collect, most_files, may_go_on)
        for piece in self.sandbox.read(self.collect, paths, most_files, self.limits["producedBytes"]):
            if piece is None:
                omitted += 1
                continue
            path, executable, data = piece
            self._send(frames.pack_file(path, data, executable, frames.PRODUCED))
            self._wait_until_sent(HELD_BACK)
        return omitted

    def _expect_caller(self):
        """Raises ConnectionError when the caller has left."""
        poll = select.poll()
        poll.register(self.connection, select.POLLRDHUP)
        if poll.poll(0):
            raise ConnectionError("closed")

    def _see_off(self):
        """Let the caller close first. A frame that crossed EXIT, such as a signal, would else be left unread here, which
        makes the end a reset connection to the caller, and EXIT may be lost in it."""
        self.connection.settimeout(FAREWELL_SECONDS)
        try:
            while self.connection.recv(65536):
                pass
        except OSError:
            pass  # it has gone, or takes too long

    def _wait_until_sent(self, held_back):
        self._flush()
        while len(self.outgoing) >= held_back:
            poll = select.poll()
            poll.register(self.connection, select.POLLOUT | select.POLLRDHUP)
            self.set_deadline(time.monotonic() + SLOW_READER_SECONDS)
            for _, events in poll.poll():
                if events & (select.POLLHUP | select.POLLERR | select.POLLRDHUP):
                    raise ConnectionError("closed")
            self._flush()

    def _verdict(self, omitted):
        cpu_ms = self.group.cpu_ms()
        if cpu_ms is None:
            cpu_ms = max(self.cpu_ms, self.used_seconds * 1000 - self.sandbox.had_used_ms)
        peak = self.group.memory_peak()
        if peak is None:
            # The largest single process is known exactly, so one that ended between two looks is not missed.
            peak = max(self.peak, self.largest)
            if self.group.has_memory:
                # The largest has pages in it that others pay for, and the kernel lets a run have no more than its limit.
                peak = min(peak, self.limits["memoryBytes"])
        if self.reason == REASON_EXITED:
            too_much = not self.group.has_memory and peak > self.limits["memoryBytes"]
            if self.group.out_of_memory() or too_much:
                self.reason = REASON_MEMORY
            elif os.WIFSIGNALED(self.status) and os.WTERMSIG(self.status) == _signal.SIGXCPU:
                self.reason = REASON_CPU
            elif any(stream.truncated for stream in self.all_streams):
                self.reason = REASON_OUTPUT
        signalled = os.WIFSIGNALED(self.status)
        truncated = {stream.kind for stream in self.all_streams if stream.truncated}
        values = {
            "reason": self.reason,
            "code": "" if signalled else os.WEXITSTATUS(self.status),
            "signal": signal_name(os.WTERMSIG(self.status)) if signalled else "",
            # It may have ended before it was told to begin: of files that are more than its memory.
            "wallMs": max(0, round((self.ended - self.begun) * 1000)),
            "cpuMs": round(cpu_ms),
            "memoryPeakBytes": peak,
            "stdoutTruncated": int(frames.STDOUT in truncated),
            "stderrTruncated": int(frames.STDERR in truncated),
            "filesOmitted": omitted,
        }
        return [values[name] for name in VERDICT]


def signal_name(number):
    return NAMES.get(number, f"SIG{number}")


def from_words(words):
    """The words of EXIT by name: texts and numbers, None for what there is none of."""
    return {name: int(word) if word.isdigit() else word or None for name, word in zip(VERDICT, words)}
