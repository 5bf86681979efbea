"""One sandbox: its namespaces, its folders, its process 1, and the process that becomes the program (program.py).

Made before anybody asks for it, used once, and taken away with everything in it.
"""
import _signal
import ctypes
import mmap
import os

from . import interpreter, linux, program, rootfs
from .linux import MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_REMOUNT
from .request import LIMITS, Refused

# That of the network is the monitor's affair (network.py).
NAMESPACES = linux.CLONE_NEWNS | linux.CLONE_NEWPID | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS
# Programs may be made and run in /work and /tmp: compilers do. /dev/shm is for data.
WRITABLE = (("/work", "700", 0), ("/tmp", "1777", 0), ("/dev/shm", "1777", MS_NOEXEC))
TERMINALS = 64  # of a run; the machine has 4,096 for all of them

_clone = linux.libc.clone
_clone.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p]
_pause = ctypes.cast(linux.libc.pause, ctypes.c_void_p)
# Private: what is written to it here, no other process may see or change.
_stack = mmap.mmap(-1, 16384, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
_stack_top = ctypes.addressof(ctypes.c_char.from_buffer(_stack)) + 16384 - 64


class Sandbox:
    """Made by being constructed, in the namespaces that the caller is in then; raises OSError where that fails."""

    def __init__(self, slot, filters):
        self.slot = slot
        linux.unshare(NAMESPACES)
        linux.sethostname(rootfs.HOSTNAME)
        linux.mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, f"newinstance,ptmxmode=0666,mode=0620,max={TERMINALS}")
        self._mount(LIMITS)
        self._init = _start_init()
        # Last: while it lives, each page of this process that is written to must be copied first.
        self._fork_program(filters)
        self._expect_prepared()

    def _fork_program(self, filters):
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
            program.become(self.slot, filters, (stdin_r, stdout_w, stderr_w), status_w, job_r)
        for fd in (stdin_r, stdout_w, stderr_w, status_w, job_r):
            os.close(fd)
        self.pidfd = linux.pidfd_open(self.pid)
        self.usage = None

    def _expect_prepared(self):
        report = os.read(self.status, 1000)
        if report != program.PREPARED:
            raise OSError(f"cannot make the sandbox: {report.decode(errors='replace')}")

    def fill(self, request):
        """Everything that depends on what will run: its folders, files and limits."""
        limits = request.limits
        if any(limits[name] != LIMITS[name] for name in ("diskBytes", "inodes")):
            self._mount(limits, MS_REMOUNT)
        owner = -1 if self.slot.own_user_namespace else self.slot.uid
        # Nothing of the program has run yet, so there is no link to be led astray by.
        ends = {}
        for path, executable, content in request.files():
            ends[path] = content[-interpreter.ZIP_END_BYTES :]
            try:
                _write_file(owner, path, executable, content)
            except OSError as reason:
                # Without the path: the name of a program's file belongs in nobody's log.
                raise Refused(f"a file of the program could not be written: {reason.strerror}") from None
        self.slot.group.limit(limits["memoryBytes"], limits["processes"])
        self._job = program.packed(
            {
                "argv": request.argv,
                "env": request.env,
                "limits": limits,
                "fork": interpreter.can_run(request.argv, request.env, ends),
            }
        )

    def _mount(self, limits, remount=0):
        owner = 0 if self.slot.own_user_namespace else self.slot.uid
        options = f"size={limits['diskBytes']},nr_inodes={limits['inodes']},uid={owner},gid={owner},mode="
        for folder, mode, flags in WRITABLE:
            linux.mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV | flags | remount, options + mode)

    def start(self):
        """Start the program."""
        self.slot.group.start_clock()
        try:
            view = memoryview(self._job)
            while view:
                view = view[os.write(self.job, view) :]
        except BrokenPipeError:
            # Not to be taken for a caller that left.
            raise OSError("the sandbox ended before its program began") from None

    def wait(self, options=0):
        """The program's wait status once it has ended, else None; with WNOHANG without waiting for that."""
        if self.pid is None:
            return self.usage[0]
        pid, status, usage = os.wait4(self.pid, options)
        if pid == 0:
            return None
        self.pid, self.usage = None, (status, usage)
        return status

    def end(self):
        """Kill whatever is left of the run; the program's wait status. When this returns no process of it exists."""
        if self._init is not None:
            # The kernel kills the whole namespace with its process 1, which has ended only when all the others have.
            os.kill(self._init, _signal.SIGKILL)
        status = self.wait()
        if self._init is not None:
            os.waitpid(self._init, 0)
            self._init = None
        return status

    def close_stdin(self):
        if self.stdin is not None:
            os.close(self.stdin)
            self.stdin = None

    def close(self):
        """Give back what this process held for the sandbox."""
        self.close_stdin()
        for fd in (self.stdout, self.stderr, self.status, self.job, self.pidfd):
            os.close(fd)
        try:
            self.slot.group.forget()
        except OSError:
            pass  # what cannot be given back stays charged, and makes the next run's limit tighter, not looser


def _start_init():
    """Start process 1 of the new namespace: it has no program, it only is there.

    It shares this process's memory and descriptors, and sleeps in the C library's pause() on a stack of its own, so it costs no copy of
    anything. What is orphaned in the namespace becomes its child, and is gone when it ends, for it ignores SIGCHLD.
    """
    _signal.signal(_signal.SIGCHLD, _signal.SIG_IGN)
    try:
        pid = _clone(_pause, _stack_top, linux.CLONE_VM | linux.CLONE_FILES | _signal.SIGCHLD, None)
    finally:
        _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
    if pid < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"clone: {os.strerror(number)}")
    return pid


def _write_file(owner, path, executable, content):
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
