"""Process 1 of a container, and what becomes the program in it: given to the image's own Python as text, so that an image
needs nothing of ours. Before it in that text come jail/toolchains.py and jail/produced.py.

It speaks on standard input and output what is spoken with a jail (jail/frames.py). Its child gives up everything, waits for a
job, unpacks it and becomes the program. It itself keeps two capabilities, to kill and to read what the program left, and another uid than the program's, so
that the program cannot signal, slow or look into it. It ends when its input does: so does the container then, whatever
became of whoever started it. Time and amounts of output are watched from outside.
"""
import ctypes
import errno
import fcntl
import json
import os
import resource
import select
import signal
import struct
import sys
import termios
import time

HEADER = struct.Struct(">IB")
RUN, FILE, START, STDIN, STDIN_EOF, SIGNAL, KILL, RESIZE = 1, 2, 3, 4, 5, 6, 7, 10
READY, STARTED, STDOUT, STDERR, EXIT, ERROR, DESCRIPTION, PRODUCED = 65, 66, 67, 68, 69, 70, 71, 72

PROGRAM_UID, AGENT_UID = 65534, 65533
CAP_DAC_OVERRIDE, CAP_KILL = 1, 5
WRITABLE = ("/work", "/tmp", "/dev/shm")
PR_SET_DUMPABLE, PR_SET_KEEPCAPS, PR_CAPBSET_DROP = 4, 8, 24
PR_SET_SECCOMP, PR_GET_NO_NEW_PRIVS = 22, 39
IDLE_SECONDS = 600  # for a job to come: where nobody will, the container is not left over
FIND_SECONDS = 2  # for what the program left to be found, however much it is
TICK_SECONDS = 0.02
CHUNK = 32 * 1024
HELD_BACK = 256 * 1024  # bytes that wait for a slow reader before the program's own writes block
SIGNALS = {"SIGINT": signal.SIGINT, "SIGTERM": signal.SIGTERM, "SIGKILL": signal.SIGKILL}

TIOCSIG = 0x40045436
INPUT_IS_UTF8 = 0x4000  # IUTF8, which terminals of today have set

ARCHITECTURES = {"x86_64": "x64", "aarch64": "arm64"}

libc = ctypes.CDLL(None, use_errno=True)


def main(tools):
    os.setgroups([])
    # Made as the program, so that they are its own: it may open /dev/stdout by name then.
    os.seteuid(PROGRAM_UID)
    (stdin_r, stdin), (stdout, stdout_w), (stderr, stderr_w) = os.pipe(), os.pipe(), os.pipe()
    terminal, its_end = os.openpty()
    os.seteuid(0)
    (status, status_w), (go_r, go) = os.pipe(), os.pipe()
    wakeup, wakeup_w = os.pipe()
    for fd in (stdin, stdout, stderr, terminal, wakeup, wakeup_w):
        os.set_blocking(fd, False)
    pid = os.fork()
    if pid == 0:
        os.close(terminal)
        become_program((stdin_r, stdout_w, stderr_w), its_end, status_w, go_r, tools)
    for fd in (stdin_r, stdout_w, stderr_w, status_w, go_r):
        os.close(fd)
    # Not CAP_DAC_READ_SEARCH, which also opens files by their inode's number: the host's, past every mount namespace.
    give_up_all(AGENT_UID, keep=1 << CAP_KILL | 1 << CAP_DAC_OVERRIDE)
    prctl(PR_SET_DUMPABLE, 0)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakeup_w)
    group = Group()
    send(DESCRIPTION, {**json.loads(expect(status)), "memory": group.oom_kills() is not None, "cpu": group.has_cpu})
    expect(status)
    send(READY)
    kind, payload = read_frame()
    if kind != START:
        os._exit(0)
    job = json.loads(payload)
    streams, size = {stdout: STDOUT, stderr: STDERR}, job.pop("size")
    if size:
        # Our copy of the program's end stays open: what is written last is then never lost.
        stdin, streams[terminal] = os.dup(terminal), STDOUT
        set_up(its_end, *size)
    else:
        os.close(terminal)
        os.close(its_end)
    Relay(pid, stdin, streams, terminal if size else None, its_end, wakeup, group, **job).run(go, status)


def set_up(terminal, rows, columns):
    settings = termios.tcgetattr(terminal)
    settings[0] |= INPUT_IS_UTF8
    termios.tcsetattr(terminal, termios.TCSANOW, settings)
    resize(terminal, rows, columns)


def resize(terminal, rows, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))


def expect(status):
    """The child's next word; ends the container where there is none."""
    ready, _, _ = select.select([status], [], [], IDLE_SECONDS)
    report = os.read(status, 65536) if ready else b""
    if report.startswith(b"!"):
        send(ERROR, {"message": report[1:].decode(errors="replace")})
    if not report or report.startswith(b"!"):
        os._exit(0)
    return report


# The child


def become_program(stdio, terminal, status, go, tools):
    """Give up everything, take a job, unpack it, start it when told. Never returns."""
    try:
        os.setsid()
        # Raising this needs no right. Where the container runs out of memory, the program goes, not process 1.
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write("1000")
        # As the root's owner: whom its mode alone keeps out learns nothing.
        read_only_root = is_read_only("/")
        give_up_all(PROGRAM_UID)
        prctl(PR_SET_DUMPABLE, 1)  # for its own files in /proc, which the change of uid gave to root
        os.umask(0o022)
        # Before our own filter, which would hide that the engine's is missing.
        found = describe(tools, read_only_root)
        refuse_calls()
        os.write(status, json.dumps(found).encode())
        kind, payload = read_frame()
        if kind != RUN:
            os._exit(0)
        job = json.loads(payload)
        for _ in range(job["files"]):
            write_file()
        set_limits(job["limits"])
        os.chdir("/work")
        os.makedirs(job["collect"], exist_ok=True)
        os.write(status, b".")
        if not os.read(go, 1):
            os._exit(0)
        if job["terminal"]:
            fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
            stdio = (terminal, terminal, terminal)
        start(job, stdio)
    except BaseException as reason:
        os.write(status, b"!" + f"{type(reason).__name__}: {reason}".encode()[:1000])
    os._exit(127)


def refuse_calls():
    """What engines' own filters let through and no program needs: sockets that leave the container's network (vsock reaches the
    hypervisor) or talk to the kernel, what is done to terminals, rings that make such sockets, watches shared with others, files by their inode's number,
    calls of other machines."""
    known = {
        "x86_64": (0xC000003E, 41, 16, (253, 294, 303, 304, 425)),
        "aarch64": (0xC00000B7, 198, 29, (26, 264, 265, 425)),
    }.get(os.uname().machine)
    if known is None:
        return
    machine, socket_call, ioctl_call, refused = known
    load, equal, at_least, answer = 0x20, 0x15, 0x35, 0x06
    allow, refuse = (answer, 0, 0, 0x7FFF0000), (answer, 0, 0, 0x50000 | errno.EPERM)
    # Each: code, how many to skip when it holds, when it does not, operand.
    program = [(load, 0, 0, 4), (equal, 1, 0, machine), refuse, (load, 0, 0, 0), (at_least, 0, 1, 0x40000000), refuse]
    for number_ in refused:
        program += [(equal, 0, 1, number_), refuse]
    # Of a terminal: typing into it, and having the kernel load another driver for it.
    program += [(equal, 0, 5, ioctl_call), (load, 0, 0, 24), (equal, 1, 0, termios.TIOCSTI), (equal, 0, 1, termios.TIOCSETD), refuse, allow]
    families = [(equal, 3, 0, 1), (equal, 2, 0, 2), (equal, 1, 0, 10)]  # UNIX, INET, INET6
    unsupported = (answer, 0, 0, 0x50000 | errno.EAFNOSUPPORT)
    program += [(equal, 0, 5, socket_call), (load, 0, 0, 16), *families, unsupported, allow]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    head = struct.pack("HxxxxxxQ", len(program), ctypes.addressof(code))
    if libc.prctl(PR_SET_SECCOMP, ctypes.c_ulong(2), ctypes.c_char_p(head), ctypes.c_ulong(0), ctypes.c_ulong(0)) < 0:
        raise OSError(ctypes.get_errno(), "the filter of system calls")


def describe(tools, read_only_root):
    """What holds for a program in here, as it itself finds it."""
    with open("/proc/self/status", encoding="ascii") as file:
        status = dict(line.split(":\t", 1) for line in file.read().splitlines() if ":\t" in line)
    with open("/proc/net/dev", encoding="ascii") as file:
        interfaces = sorted(line.split(":")[0].strip() for line in file if ":" in line)
    return {
        "toolchains": {language: find_toolchains(each) for language, each in tools.items()},
        "platform": f"linux/{ARCHITECTURES.get(os.uname().machine, os.uname().machine)}",
        "noCapabilities": all(int(text, 16) == 0 for name, text in status.items() if name.startswith("Cap")),
        "noNewPrivileges": libc.prctl(PR_GET_NO_NEW_PRIVS, *[ctypes.c_ulong(0)] * 4) == 1,
        "seccomp": status.get("Seccomp") == "2",
        "readOnlyRoot": read_only_root,
        "interfaces": interfaces,
    }


def is_read_only(folder):
    """By trying: not every runtime says so in the flags of a mount."""
    try:
        os.close(os.open(f"{folder}/runlane-probe", os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    except OSError as reason:
        return reason.errno == errno.EROFS
    return False


def write_file():
    """The next frame, straight into its file: what is held in memory here counts as the program's.

    Nothing of the program has run yet, so there is no link to be led astray by.
    """
    missing, kind = HEADER.unpack(read_exactly(HEADER.size))
    if kind != FILE:
        raise ValueError(f"frame {kind} where FILE was expected")
    (length,) = struct.unpack(">H", read_exactly(2))
    path, executable = read_exactly(length).decode(), read_exactly(1)[0]
    missing -= 3 + length
    if any(part in ("", ".", "..") for part in path.split("/")) or "\0" in path:
        raise ValueError("a file's path must be relative and plain")
    try:
        os.makedirs(os.path.dirname("/work/" + path), exist_ok=True)
        mode = 0o755 if executable else 0o644
        with open(os.open("/work/" + path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode), "wb") as file:
            while missing:
                data = read_exactly(min(missing, 65536))
                missing -= len(data)
                file.write(data)
    except OSError as reason:
        # Without the path: the name of a program's file belongs in nobody's log.
        raise OSError(f"a file of the program could not be written: {reason.strerror}") from None


def set_limits(limits):
    for kind, most in (
        # One byte, not zero: with zero the kernel still starts the host's core-dump handler.
        (resource.RLIMIT_CORE, 1),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_RTPRIO, 0),
        (resource.RLIMIT_NICE, 0),
    ):
        try:
            lower(kind, most)
        except ValueError:
            pass  # gVisor has no such limit, nor what it is a limit of
    lower(resource.RLIMIT_FSIZE, limits["fileBytes"])
    lower(resource.RLIMIT_NOFILE, limits["openFiles"])


def lower(kind, most):
    _, hard = resource.getrlimit(kind)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (most, most))


def start(job, stdio):
    for target, fd in enumerate(stdio):
        os.dup2(fd, target)
    # Python ignores these, and an exec keeps what is ignored.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    argv = [os.fsencode(word) for word in job["argv"]]
    try:
        os.execve(argv[0], argv, job["env"])
    except OSError as reason:
        raise OSError(f"cannot start {job['argv'][0]}: {reason.strerror}") from reason


# The parent


class Relay:
    """The run while the program lives: its pipes, our two streams, and what it uses."""

    def __init__(self, pid, stdin, streams, terminal, its_end, wakeup, group, limits, collect):
        self.pid, self.stdin, self.streams, self.wakeup, self.group = pid, stdin, streams, wakeup, group
        self.terminal, self.its_end = terminal, its_end
        self.limits, self.collect = limits, collect
        self.held, self.incoming, self.outgoing = bytearray(), bytearray(), bytearray()
        self.stdin_closing = False
        self.reason = self.status = None

    def run(self, go, status):
        os.set_blocking(0, False)
        os.set_blocking(1, False)
        self.group.begin()
        self.begun = time.monotonic()
        os.write(go, b"g")
        # It closes when the program is started.
        problem = os.read(status, 1100)
        if problem:
            self._say(ERROR, {"message": problem[1:].decode(errors="replace")})
            self._leave()
        self._say(STARTED)
        next_tick = self.begun + TICK_SECONDS
        while self.status is None and self.reason is None:
            now = time.monotonic()
            if now >= next_tick:
                self.reason = self.group.offence(**self.limits)
                self._stay_at_end()
                # Measuring by hand may take long where there are many processes: never more than a fifth of the time.
                measured = time.monotonic()
                next_tick = measured + max(TICK_SECONDS, 4 * (measured - now))
            else:
                self._turn(next_tick - now)
        self._finish()

    def _turn(self, seconds):
        poll = select.poll()
        poll.register(self.wakeup, select.POLLIN)
        # Registered without an event, it still tells that the other side is gone.
        poll.register(0, select.POLLIN if len(self.incoming) < HELD_BACK else 0)
        if self.outgoing:
            poll.register(1, select.POLLOUT)
        if len(self.outgoing) < HELD_BACK:
            for fd in self.streams:
                poll.register(fd, select.POLLIN)
        if self.incoming and self.stdin is not None:
            poll.register(self.stdin, select.POLLOUT)
        ready = dict(poll.poll(seconds * 1000))
        for fd in [fd for fd in self.streams if fd in ready]:
            self._relay(fd)
        if self.stdin in ready:
            self._feed()
        if 1 in ready:
            self._flush()
        if 0 in ready:
            self._receive()
        if self.wakeup in ready:
            os.read(self.wakeup, 4096)
            self._reap(os.WNOHANG)

    def _relay(self, fd):
        """Pass on some of a stream; False when there is none now."""
        try:
            data = os.read(fd, CHUNK)
        except BlockingIOError:
            return False
        if data:
            self._say(self.streams[fd], data)
        else:
            del self.streams[fd]
        return bool(data)

    def _receive(self):
        data = os.read(0, 65536)
        if not data:
            os._exit(0)  # whoever wanted the run is gone: so is the container now, and all in it
        self.held += data
        while len(self.held) >= HEADER.size:
            length, kind = HEADER.unpack_from(self.held)
            end = HEADER.size + length
            if len(self.held) < end:
                break
            self._handle(kind, bytes(self.held[HEADER.size : end]))
            del self.held[:end]
        self._feed()

    def _handle(self, kind, payload):
        if kind == STDIN and self.stdin is not None and not self.stdin_closing:
            self.incoming += payload
        elif kind == STDIN_EOF:
            self.stdin_closing = True
        elif kind == SIGNAL:
            self._signal(SIGNALS[payload.decode()])
        elif kind == RESIZE and self.terminal is not None:
            resize(self.terminal, *json.loads(payload))
        elif kind == KILL:
            self.reason = "exited"

    def _signal(self, number_):
        # As ^C: the program itself may be a shell, which waits for what runs in the foreground.
        if self.terminal is not None and number_ == signal.SIGINT:
            fcntl.ioctl(self.terminal, TIOCSIG, int(number_))
        else:
            os.kill(self.pid, number_)

    def _feed(self):
        if self.stdin is None:
            return
        try:
            while self.incoming:
                del self.incoming[: os.write(self.stdin, self.incoming[:65536])]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self.incoming.clear()
            self.stdin_closing = True
        if self.stdin_closing:
            os.close(self.stdin)
            self.stdin = None
            self._stay_at_end()

    def _stay_at_end(self):
        """Say that nothing more comes, again and again: the key says it once, and within a line only hands that over."""
        if self.terminal is None or self.stdin is not None:
            return
        poll = select.poll()
        poll.register(self.its_end, select.POLLIN)
        settings = termios.tcgetattr(self.its_end)
        if settings[3] & termios.ICANON and not poll.poll(0):
            os.write(self.terminal, settings[6][termios.VEOF])

    def _reap(self, options):
        """Collect the dead. Being process 1, this gets every orphan too. False when nobody is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, options)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self.pid:
                self.ended, self.status = time.monotonic(), status

    def _finish(self):
        # All at once: the kernel lets no process of the run fork while this goes round.
        try:
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            pass
        while self._reap(0):
            pass
        for fd in list(self.streams):
            while self._relay(fd):
                pass
        omitted = self._say_produced(**self.collect)
        offence = self.group.offence(**self.limits)
        reason = "memory" if offence == "memory" else self.reason or "exited"
        self._say(EXIT, {
            "reason": reason,
            "code": os.WEXITSTATUS(self.status) if os.WIFEXITED(self.status) else None,
            "signal": name_of(os.WTERMSIG(self.status)) if os.WIFSIGNALED(self.status) else None,
            "wallMs": (self.ended - self.begun) * 1000,
            "cpuMs": self.group.cpu_ms(),
            "memoryPeakBytes": self.group.peak_bytes(),
            "filesOmitted": omitted,
        })
        self._leave()

    def _say_produced(self, folder, mostFiles, mostBytes):
        """Send what the program left in a folder of /work; how many things in there are not sent."""
        work = os.open("/work", os.O_PATH | os.O_DIRECTORY)
        until = time.monotonic() + FIND_SECONDS

        def may_go_on():
            self._expect_caller()
            return time.monotonic() < until

        paths, omitted = find_produced(work, folder, mostFiles, may_go_on)
        for piece in read_produced(work, folder, paths, mostFiles, mostBytes):
            if piece is None:
                omitted += 1
                continue
            path, executable, data = piece
            name = path.encode()
            self._say(PRODUCED, struct.pack(">H", len(name)) + name + bytes([executable]) + data)
            self._drain(HELD_BACK)
        return omitted

    def _expect_caller(self):
        """Ends the container where nobody waits for the run any more."""
        poll = select.poll()
        poll.register(0, 0)
        if poll.poll(0):
            os._exit(0)

    def _say(self, kind, value=b""):
        self.outgoing += pack(kind, value)
        self._flush()

    def _flush(self):
        try:
            while self.outgoing:
                del self.outgoing[: os.write(1, self.outgoing[:65536])]
        except BlockingIOError:
            pass

    def _leave(self):
        self._drain(1)
        os._exit(0)

    def _drain(self, held_back):
        """Wait until less than so much waits for the reader; ends the container where there is none."""
        while len(self.outgoing) >= held_back:
            poll = select.poll()
            poll.register(1, select.POLLOUT)
            poll.register(0, 0)
            if dict(poll.poll()).get(0, 0) & select.POLLHUP:
                os._exit(0)
            self._flush()


class Group:
    """What the container's control group says: v2, or v1, or nothing (gVisor), when it is measured by hand."""

    def __init__(self):
        top = "/sys/fs/cgroup"
        v2 = os.path.exists(f"{top}/cgroup.controllers")
        memory = top if v2 else f"{top}/memory"
        self._oom = open_if_there(f"{memory}/memory.events" if v2 else f"{memory}/memory.oom_control")
        self._usage = open_if_there(f"{memory}/memory.current" if v2 else f"{memory}/memory.usage_in_bytes")
        self._peak = open_if_there(f"{memory}/memory.peak" if v2 else f"{memory}/memory.max_usage_in_bytes")
        self._cpu = open_if_there(f"{top}/cpu.stat" if v2 else f"{top}/cpuacct/cpuacct.usage")
        self._v2 = v2
        self._highest = 0
        self.has_cpu = self._cpu is not None

    def begin(self):
        """Count from here on: what made the container ready is ours."""
        self._cpu_before = self._total_cpu_ms()
        self._oom_before = self.oom_kills() or 0
        self._usage_before = number(self._usage)
        self._peak_before = number(self._peak)

    def offence(self, cpuMs, memoryBytes):
        """Which limit was passed, or None."""
        usage = sum(memory_of_processes()) if self._oom is None else number(self._usage)
        self._highest = max(self._highest, usage)
        # The kernel's own word; by hand, there is no such.
        if self._highest > memoryBytes if self._oom is None else self.oom_kills() > self._oom_before:
            return "memory"
        return "cpu" if self.cpu_ms() >= cpuMs else None

    def oom_kills(self):
        return None if self._oom is None else field(self._oom, b"oom_kill")

    def peak_bytes(self):
        peak = number(self._peak)
        # The kernel's own highest is exact, but also counts what was before the program.
        highest = peak if peak > self._peak_before else self._highest
        return max(0, highest - self._usage_before)

    def cpu_ms(self):
        return self._total_cpu_ms() - self._cpu_before

    def _total_cpu_ms(self):
        if self._cpu is None:
            return sum(cpu_of_processes()) * 1000
        return field(self._cpu, b"usage_usec") / 1000 if self._v2 else number(self._cpu) / 1e6


def cpu_of_processes():
    """Seconds used by the dead that were collected, and by each process that lives."""
    dead = resource.getrusage(resource.RUSAGE_CHILDREN)
    yield dead.ru_utime + dead.ru_stime
    for name in os.listdir("/proc"):
        if name.isdigit() and name != "1":
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
                yield sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
            except OSError:
                pass  # it ended meanwhile


def memory_of_processes():
    """Bytes in use by each process, shared ones each time, and by files."""
    for name in os.listdir("/proc"):
        if name.isdigit() and name != "1":
            try:
                with open(f"/proc/{name}/statm", "rb") as file:
                    yield int(file.read().split()[1]) * resource.getpagesize()
            except OSError:
                pass  # it ended meanwhile
    for folder in WRITABLE:
        state = os.statvfs(folder)
        yield (state.f_blocks - state.f_bfree) * state.f_frsize


def open_if_there(path):
    try:
        return os.open(path, os.O_RDONLY)
    except OSError:
        return None


def number(fd):
    return 0 if fd is None else int(os.pread(fd, 4096, 0))


def field(fd, name):
    lines = (line.partition(b" ") for line in os.pread(fd, 4096, 0).splitlines())
    return next((int(value) for key, _, value in lines if key == name), None)


def name_of(number_):
    try:
        return signal.Signals(number_).name
    except ValueError:
        return f"SIG{number_}"  # a real-time one


# Both


def give_up_all(uid, keep=0):
    """Become `uid` for good, with no capability but those in the mask `keep`, and none to be gained."""
    for capability in range(64):
        if libc.prctl(PR_CAPBSET_DROP, ctypes.c_ulong(capability), *[ctypes.c_ulong(0)] * 3) < 0:
            break  # past the last capability that this kernel knows
    prctl(PR_SET_KEEPCAPS, 1 if keep else 0)
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    # Effective, permitted and inheritable, twice: 32 capabilities each.
    data = (ctypes.c_uint32 * 6)(keep, keep, 0, 0, 0, 0)
    if libc.capset(ctypes.byref(header), ctypes.byref(data)) < 0:
        raise OSError(ctypes.get_errno(), "capset")


def prctl(option, value):
    if libc.prctl(option, ctypes.c_ulong(value), *[ctypes.c_ulong(0)] * 3) < 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def pack(kind, value=b""):
    payload = value if isinstance(value, bytes) else json.dumps(value).encode()
    return HEADER.pack(len(payload), kind) + payload


def send(kind, value=b""):
    view = memoryview(pack(kind, value))
    while view:
        view = view[os.write(1, view) :]


def read_frame():
    """The next frame of standard input, and not a byte more; (None, b"") at its end."""
    try:
        length, kind = HEADER.unpack(read_exactly(HEADER.size))
        return kind, read_exactly(length)
    except EOFError:
        return None, b""


def read_exactly(length):
    parts, missing = [], length
    while missing:
        data = os.read(0, min(missing, 1 << 20))
        if not data:
            raise EOFError("whoever wanted the run is gone")
        parts.append(data)
        missing -= len(data)
    return b"".join(parts)


main(json.loads(sys.argv[1]))
