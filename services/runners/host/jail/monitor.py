"""Process 1 of a run: makes its namespaces and folders, starts the program as process 2, relays, measures, ends it.

Trusted code beside the program. It has another uid where there is one, is undumpable, and being process 1 it cannot be
signalled by what runs below it; when it ends, the kernel kills the whole run.
"""
import fcntl
import json
import os
import resource
import select
import signal
import socket
import struct
import time

from . import frames, interpreter, linux, program, rootfs
from .linux import MS_NODEV, MS_NOEXEC, MS_NOSUID

LIMITS = {
    "wallMs": 10_000,
    "cpuMs": 10_000,
    "memoryBytes": 256 << 20,
    "outputBytes": 1 << 20,
    "processes": 64,
    "openFiles": 256,
    "fileBytes": 64 << 20,
    "diskBytes": 64 << 20,
    "inodes": 4096,
}
WRITABLE = ("/work", "/tmp", "/dev/shm")
DECODER = json.JSONDecoder()
REQUEST_SECONDS = 10  # for the whole request to arrive
START_SECONDS = 5  # between READY and START
FAREWELL_SECONDS = 0.2  # for the caller to close after EXIT
HASTE_SECONDS = 0.01  # a caller that says START sooner than this is not kept waiting by the sandbox after it
TICK_SECONDS = 0.02
CHUNK = 32 * 1024
TERMINALS = 64  # of a run; the machine has 4,096 for all of them
# Bytes that may wait for a slow reader before the program's own writes begin to block.
HELD_BACK = 256 * 1024
# A stream that writes again sooner than this is read in larger pieces: a million prints are not a million frames.
COALESCE_SECONDS = 0.002
LOOPBACK_UP = struct.pack("16sh14x", b"lo", 1)
OVERFLOW_UID = 65534  # how a uid of the host looks in here
# What a monitor tells the service.
MADE, TAKEN, FAILED = b"m", b"t", b"!"
SIGNALS = {"SIGINT": signal.SIGINT, "SIGTERM": signal.SIGTERM, "SIGKILL": signal.SIGKILL}
REASON_EXITED, REASON_WALL, REASON_CPU, REASON_MEMORY, REASON_OUTPUT = "exited", "wall", "cpu", "memory", "output"


class Refused(Exception):
    """The request cannot be served; said to the caller."""


def serve(listening, slot, filters, description, tell):
    """Make a sandbox, wait for a caller, serve it, as process 1 of a pid namespace. Never returns.

    `tell` says to the service how far this is: MADE when the sandbox is, TAKEN with the caller's connection.
    """
    connection = None
    told = False

    def taken():
        nonlocal told
        if not told:
            told = True
            tell(TAKEN, connection)

    try:
        run = _Run(slot, filters)
        run.make()
        tell(MADE)
        connection = _accept(listening)
        listening.close()
        run.serve(connection, description, taken)
    except interpreter.Leave:
        raise  # this process is the program's
    except (ConnectionError, TimeoutError):
        pass  # the caller left: there is nobody to tell
    except BaseException as reason:
        message = f"{type(reason).__name__}: {reason}"
        if connection:
            _tell(connection, message)
        else:
            tell(FAILED, message.encode())
    if connection:
        taken()
    os._exit(0)


def _accept(listening):
    while True:
        # The plain type: the one above it makes an enum of each number.
        connection = socket.SocketType(fileno=linux.accept(listening.fileno()))
        _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        # The socket file's owner and mode decide who may connect. Whoever has a uid of this namespace came from a jail.
        if uid in (0, OVERFLOW_UID):
            return connection
        connection.close()


def _tell(connection, message):
    try:
        connection.setblocking(True)
        connection.settimeout(1)
        connection.sendall(frames.pack_json(frames.ERROR, {"message": message}))
    except OSError:
        pass


class _Run:
    def __init__(self, slot, filters):
        self.slot = slot
        self.filters = filters
        self.reader = frames.Reader()

    def make(self):
        """Everything that does not depend on what will run: namespaces, /proc, and the program's process, jailed."""
        linux.prctl(linux.PR_SET_DUMPABLE, 0)
        os.setsid()
        linux.unshare(linux.CLONE_NEWNS | linux.CLONE_NEWNET | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS)
        # As soon as there is what it inherits: of each page that this process touches before the fork and again after
        # it, there would be two copies to make. What follows, both see.
        self._fork_program()
        linux.sethostname(rootfs.HOSTNAME)
        control = socket.SocketType(socket.AF_INET, socket.SOCK_DGRAM)
        # SIOCSIFFLAGS: IFF_UP on this namespace's own, empty loopback.
        fcntl.ioctl(control, 0x8914, LOOPBACK_UP)
        control.close()
        linux.mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, f"newinstance,ptmxmode=0666,mode=0620,max={TERMINALS}")
        # Only the run's own processes: nothing of the host's /proc/sys, meminfo, kcore or sysrq-trigger exists here.
        # Runtimes fall back (Python, Node, the JVM and Go ask the kernel by calls); what is not there cannot leak.
        linux.mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "subset=pid")
        self._expect_prepared()

    def serve(self, connection, description, taken):
        self.connection = connection
        request = self._receive_request(description)
        if request is None:
            return
        self._mount(request["limits"])
        self._receive_files(request["files"])
        self.slot.group.limit(request["limits"]["memoryBytes"], request["limits"]["processes"])
        program.hand_over(self.job, request)
        self._expect_prepared()
        self.connection.sendall(frames.pack(frames.READY))
        # The service replaces a sandbox as soon as it hears that this one is taken, and that would cost this caller a
        # millisecond: so when its program has started, or when it takes its time.
        if not self.reader.held and not select.select([connection], [], [], HASTE_SECONDS)[0]:
            taken()
        if self._wait_for_start():
            _Relay(self, request["limits"], taken).run()

    def _fork_program(self):
        stdin_r, self.stdin = os.pipe2(os.O_CLOEXEC)
        self.stdout, stdout_w = os.pipe2(os.O_CLOEXEC)
        self.stderr, stderr_w = os.pipe2(os.O_CLOEXEC)
        self.status, status_w = os.pipe2(os.O_CLOEXEC)
        job_r, self.job = os.pipe2(os.O_CLOEXEC)
        if not self.slot.own_user_namespace:
            # Its own, so that it may open /dev/stdout and the like: a pipe is else its maker's alone.
            for fd in (stdin_r, stdout_w, stderr_w):
                os.fchown(fd, self.slot.uid, self.slot.uid)
        self.pid = os.fork()
        if self.pid == 0:
            program.become(self.slot, self.filters, (stdin_r, stdout_w, stderr_w), status_w, job_r)
        for fd in (stdin_r, stdout_w, stderr_w, status_w, job_r):
            os.close(fd)
        self.pidfd = linux.pidfd_open(self.pid)

    def _expect_prepared(self):
        report = os.read(self.status, 1000)
        if report != program.PREPARED:
            raise OSError(f"cannot make the sandbox: {report.decode(errors='replace')}")

    def _mount(self, limits):
        owner = 0 if self.slot.own_user_namespace else self.slot.uid
        size = f"size={limits['diskBytes']},nr_inodes={limits['inodes']},uid={owner},gid={owner}"
        for folder in WRITABLE:
            # Programs may be made and run in /work and /tmp: compilers do. /dev/shm is for data.
            flags = MS_NOSUID | MS_NODEV | (MS_NOEXEC if folder == "/dev/shm" else 0)
            mode = "700" if folder == "/work" else "1777"
            linux.mount("tmpfs", folder, "tmpfs", flags, f"{size},mode={mode}")

    def _next_frame(self, deadline):
        while True:
            frame = self.reader.next()
            if frame:
                return frame
            self.connection.settimeout(max(0.001, deadline - time.monotonic()))
            data = self.connection.recv(65536)
            if not data:
                raise ConnectionError("closed")
            self.reader.feed(data)

    def _receive_request(self, description):
        self.deadline = time.monotonic() + REQUEST_SECONDS
        kind, payload = self._next_frame(self.deadline)
        if kind == frames.DESCRIBE:
            self.connection.sendall(frames.pack(frames.DESCRIPTION, description))
            return None
        if kind != frames.RUN:
            raise Refused(f"frame {kind} where RUN was expected")
        given, _ = DECODER.raw_decode(payload.decode())
        limits = dict(LIMITS)
        for name, value in given.get("limits", {}).items():
            if name not in limits or not isinstance(value, int) or not 0 < value < 1 << 50:
                raise Refused(f"limit {name} is not a positive whole number")
            limits[name] = value
        argv, env = given["argv"], given.get("env", {})
        if not argv or not argv[0].startswith("/") or not all(isinstance(word, str) for word in argv):
            raise Refused("argv must be words, the first an absolute path")
        if not all(isinstance(k, str) and isinstance(v, str) for k, v in env.items()):
            raise Refused("env must be texts")
        return {"argv": argv, "env": env, "files": int(given.get("files", 0)), "limits": limits}

    def _receive_files(self, count):
        """Write the program's files. Nothing of the program has run yet, so there is no link to be led astray by."""
        owner = -1 if self.slot.own_user_namespace else self.slot.uid
        for _ in range(count):
            kind, payload = self._next_frame(self.deadline)
            if kind != frames.FILE:
                raise Refused(f"frame {kind} where FILE was expected")
            try:
                self._write_file(owner, *frames.unpack_file(payload))
            except OSError as reason:
                # Without the path: the name of a program's file belongs in nobody's log.
                raise Refused(f"a file of the program could not be written: {reason.strerror}") from None

    def _write_file(self, owner, path, executable, content):
        parts = path.split("/")
        if any(part in ("", ".", "..") for part in parts) or "\0" in path:
            raise Refused("a file's path must be relative and plain")
        for depth in range(1, len(parts)):
            folder = "/work/" + "/".join(parts[:depth])
            try:
                os.mkdir(folder, 0o755)
                os.chmod(folder, 0o755)
                os.chown(folder, owner, owner)
            except FileExistsError:
                pass  # made for an earlier file
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open("/work/" + path, flags, 0o600)
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(fd, view) :]
            os.fchmod(fd, 0o755 if executable else 0o644)
            os.fchown(fd, owner, owner)
        finally:
            os.close(fd)

    def _wait_for_start(self):
        deadline = time.monotonic() + START_SECONDS
        try:
            kind, _ = self._next_frame(deadline)
        except TimeoutError:
            raise Refused("no START came in time") from None
        if kind == frames.KILL:
            return False
        if kind != frames.START:
            raise Refused(f"frame {kind} where START was expected")
        return True


class _Stream:
    """One of the program's output streams on its way to the caller."""

    def __init__(self, fd, kind, limit):
        os.set_blocking(fd, False)
        self.fd = fd
        self.kind = kind
        self.left = limit
        self.truncated = False
        self.not_before = 0.0


class _Relay:
    """The run while the program lives: one loop over its pipes, the connection and the clock."""

    def __init__(self, run, limits, taken):
        self.run_ = run
        self.taken = taken
        self.limits = limits
        self.group = run.slot.group
        self.connection = run.connection
        self.connection.setblocking(False)
        self.streams = {
            run.stdout: _Stream(run.stdout, frames.STDOUT, limits["outputBytes"]),
            run.stderr: _Stream(run.stderr, frames.STDERR, limits["outputBytes"]),
        }
        self.all_streams = list(self.streams.values())
        self.outgoing = bytearray()
        self.incoming = bytearray()  # standard input that the program has not taken yet
        self.stdin_closing = False
        self.started = False
        self.failed = None
        self.reason = None
        self.peak = 0
        self.status = None
        self.poll_cost = 0.0
        os.set_blocking(run.stdin, False)

    def run(self):
        self.group.start_clock()
        os.write(self.run_.job, b"g")
        os.close(self.run_.job)
        self.begun = time.monotonic()
        self._handle_frames()
        deadline = self.begun + self.limits["wallMs"] / 1000
        next_tick = self.begun + TICK_SECONDS
        while self.status is None and self.reason is None:
            now = time.monotonic()
            if now >= deadline:
                self.reason = REASON_WALL
                break
            if now >= next_tick:
                self._measure()
                # Measuring by hand may take long where there are many processes: never more than a fifth of the time.
                next_tick = time.monotonic() + max(TICK_SECONDS, 4 * self.poll_cost)
                continue
            self._turn(min(deadline, next_tick))
        self._finish()

    def _turn(self, until):
        """Wait for whatever comes first, and deal with it."""
        run = self.run_
        poll = select.poll()
        now = time.monotonic()
        poll.register(run.pidfd, select.POLLIN)
        if not self.started:
            poll.register(run.status, select.POLLIN)
        wanted = select.POLLRDHUP
        if len(self.incoming) < HELD_BACK:
            wanted |= select.POLLIN
        if self.outgoing:
            wanted |= select.POLLOUT
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
        if not self.started and run.status in ready:
            self._see_start()
        for fd in [fd for fd in self.streams if fd in ready]:
            self._relay(self.streams[fd])
        if run.stdin in ready:
            self._feed()
        events = ready.get(self.connection.fileno(), 0)
        if events & (select.POLLHUP | select.POLLERR | select.POLLRDHUP):
            raise ConnectionError("closed")
        if events & select.POLLIN:
            self._receive()
        if events & select.POLLOUT:
            self._flush()
        if run.pidfd in ready:
            self._reap(os.WNOHANG)

    def _see_start(self):
        problem = os.read(self.run_.status, 1000)
        if problem:
            self.failed = problem.decode(errors="replace")
        self.started = True
        if not problem:
            self._send(frames.pack(frames.STARTED))
            self.taken()

    def _relay(self, stream):
        if not self.started:
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
        self.outgoing += frame
        self._flush()

    def _flush(self):
        try:
            while self.outgoing:
                sent = self.connection.send(self.outgoing)
                del self.outgoing[:sent]
        except BlockingIOError:
            pass  # a slow reader: the loop waits for POLLOUT

    def _receive(self):
        try:
            data = self.connection.recv(65536)
        except BlockingIOError:
            return
        if not data:
            raise ConnectionError("closed")
        self.run_.reader.feed(data)
        self._handle_frames()

    def _handle_frames(self):
        while True:
            frame = self.run_.reader.next()
            if not frame:
                break
            kind, payload = frame
            if kind == frames.STDIN:
                if self.run_.stdin is not None and not self.stdin_closing:
                    self.incoming += payload
            elif kind == frames.STDIN_EOF:
                self.stdin_closing = True
            elif kind == frames.SIGNAL:
                os.kill(self.run_.pid, SIGNALS[payload.decode()])
            elif kind == frames.KILL:
                os.kill(self.run_.pid, signal.SIGKILL)
            else:
                raise Refused(f"frame {kind} while the program runs")
        self._feed()

    def _feed(self):
        if self.run_.stdin is None:
            return
        try:
            while self.incoming:
                taken = os.write(self.run_.stdin, self.incoming[:65536])
                del self.incoming[:taken]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self.incoming.clear()
            self.stdin_closing = True
        if self.stdin_closing:
            os.close(self.run_.stdin)
            self.run_.stdin = None

    def _reap(self, options):
        """Collect the dead. Being process 1, this gets every orphan of the run too. False when nobody is left."""
        while True:
            try:
                pid, status, _ = os.wait4(-1, options)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self.run_.pid:
                self.ended = time.monotonic()
                self.status = status

    # Measuring

    def _measure(self):
        before = time.monotonic()
        self._reap(os.WNOHANG)
        if self.group.out_of_memory():
            self.reason = REASON_MEMORY
        elif self._cpu_ms() >= self.limits["cpuMs"]:
            self.reason = REASON_CPU
        elif not self.group.has_memory or self.group.memory_peak() is None:
            now = self.group.memory_now()
            self.peak = max(self.peak, _memory_by_hand() if now is None else now)
            if self.peak > self.limits["memoryBytes"]:
                self.reason = REASON_MEMORY
        self.poll_cost = time.monotonic() - before

    def _cpu_ms(self):
        counted = self.group.cpu_ms()
        return _cpu_by_hand() if counted is None else counted

    def _finish(self):
        """End what is left, send the rest of the output and the verdict."""
        if self.status is None and self.reason is None:
            self.reason = REASON_EXITED
        # Every process of the run is this one's child, or becomes it when its parent dies.
        if self._reap(os.WNOHANG):
            os.kill(-1, signal.SIGKILL)
            self._reap(0)
        if self.failed:
            raise OSError(self.failed)
        # Everybody who could write is dead, so what the pipes hold is all there is.
        for stream in list(self.streams.values()):
            while self._relay(stream):
                self._wait_until_sent(HELD_BACK)
        self._send(frames.pack_json(frames.EXIT, self._verdict()))
        self._wait_until_sent(1)
        self._see_off()

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
        while len(self.outgoing) >= held_back:
            poll = select.poll()
            poll.register(self.connection, select.POLLOUT | select.POLLRDHUP)
            for _, events in poll.poll():
                if events & (select.POLLHUP | select.POLLERR | select.POLLRDHUP):
                    raise ConnectionError("closed")
            self._flush()

    def _verdict(self):
        cpu = self.group.cpu_ms()
        children = _resources_of_children()
        peak = self.group.memory_peak()
        if peak is None:
            # The largest single process is known exactly, so one that ended between two looks is not missed.
            peak = max(self.peak, children.ru_maxrss * 1024)
        if self.reason in (None, REASON_EXITED):
            self.reason = REASON_EXITED
            too_much = not self.group.has_memory and peak > self.limits["memoryBytes"]
            if self.group.out_of_memory() or too_much:
                self.reason = REASON_MEMORY
            elif os.WIFSIGNALED(self.status) and os.WTERMSIG(self.status) == signal.SIGXCPU:
                self.reason = REASON_CPU
            elif any(stream.truncated for stream in self.all_streams):
                self.reason = REASON_OUTPUT
        signalled = os.WIFSIGNALED(self.status)
        truncated = {stream.kind for stream in self.all_streams if stream.truncated}
        return {
            "reason": self.reason,
            "code": None if signalled else os.WEXITSTATUS(self.status),
            "signal": signal_name(os.WTERMSIG(self.status)) if signalled else None,
            "wallMs": round((self.ended - self.begun) * 1000),
            "cpuMs": round(children.ru_utime * 1000 + children.ru_stime * 1000 if cpu is None else cpu),
            "memoryPeakBytes": peak,
            "stdoutTruncated": frames.STDOUT in truncated,
            "stderrTruncated": frames.STDERR in truncated,
        }


def signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"


def _resources_of_children():
    return resource.getrusage(resource.RUSAGE_CHILDREN)


def _processes():
    return [name for name in os.listdir("/proc") if name.isdigit() and name != "1"]


def _cpu_by_hand():
    """Processor time of the run in milliseconds: of the living, and of the dead that somebody has collected."""
    ticks = 0
    for pid in _processes():
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
            ticks += sum(int(field) for field in fields[11:15])
        except (OSError, IndexError):
            pass  # it ended meanwhile
    collected = _resources_of_children()
    return ticks * 1000 / os.sysconf("SC_CLK_TCK") + (collected.ru_utime + collected.ru_stime) * 1000


def _memory_by_hand():
    """Bytes that the run holds: its processes' share of what they map, and its temporary files."""
    total = 0
    for pid in _processes():
        try:
            with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
                for line in file:
                    if line.startswith(b"Pss:"):
                        total += int(line.split()[1]) * 1024
                        break
        except OSError:
            pass  # it ended meanwhile
    for folder in WRITABLE:
        state = os.statvfs(folder)
        total += (state.f_blocks - state.f_bfree) * state.f_frsize
    return total
