"""Makes the sandboxes of a slot, one after the other: namespaces, folders, process 1, and the process that becomes the
program (program.py). Used once each, and taken away with everything in it.

Every program is a fork of this process, and finds its memory. So it holds nothing of any run: it reads no request, and how
a run ended is passed on in a buffer that is wiped. What has to know more is the monitor (monitor.py), at the other end of
`channel`.
"""
import _signal
import _socket
import ctypes
import mmap
import os
import struct

from . import interpreter, linux, network, program, rootfs
from .linux import MS_NODEV, MS_NOEXEC, MS_NOSUID
from .request import LIMITS

# That of the network is made by network.py.
NAMESPACES = linux.CLONE_NEWNS | linux.CLONE_NEWPID | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS
# Programs may be made and run in /work and /tmp: compilers do. /dev/shm is for data.
WRITABLE = (("/work", "700", 0), ("/tmp", "1777", 0), ("/dev/shm", "1777", MS_NOEXEC))
TERMINALS = 64  # of a run; the machine has 4,096 for all of them
# What is said on the channel. MADE comes with the descriptors of a sandbox; FAILED, and the reason, comes last.
# After an ending comes LEFT, when nobody is in the run's namespaces any more; NEXT asks for another.
MADE, FAILED, LEFT, NEXT = b"m", b"!", b"l", b"n"
# stdin, stdout, stderr, status, job, the program, process 1, /work.
HANDED_OVER = struct.Struct("8i")

_clone = linux.libc.clone
_clone.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p]
_pause = ctypes.cast(linux.libc.pause, ctypes.c_void_p)
# Private: what is written to it here, no other process may see or change.
_stack = mmap.mmap(-1, 16384, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
_stack_top = ctypes.addressof(ctypes.c_char.from_buffer(_stack)) + 16384 - 64
_ending = linux.Ending()


def serve(slot, filters, channel):
    """Make sandboxes until the monitor is gone. Never returns, but as interpreter.Leave in the process of a program."""
    try:
        home = _Home()
        while True:
            init, pid = _make(slot, filters, channel)
            _await_end(init, pid, channel)
            home.enter()
            channel.send(LEFT)
            # The slot's group is the monitor's to read and to empty before anything else joins it.
            if channel.recv(1) != NEXT:
                os._exit(0)
    except interpreter.Leave:
        raise  # this process is the program's
    except BaseException as reason:
        _give_up(channel, reason)


def _give_up(channel, reason):
    try:
        channel.send(FAILED + f"{type(reason).__name__}: {reason}".encode()[:1000])
    finally:
        os._exit(1)


class _Home:
    """Where the next sandbox is made from: the namespaces that this process began in."""

    def __init__(self):
        self._fds = [os.open(f"/proc/self/ns/{name}", os.O_RDONLY | os.O_CLOEXEC) for name in ("mnt", "pid", "ipc")]

    def enter(self):
        for fd, kind in zip(self._fds, (linux.CLONE_NEWNS, linux.CLONE_NEWPID, linux.CLONE_NEWIPC)):
            linux.setns(fd, kind)


def _make(slot, filters, channel):
    """Make a sandbox and hand it over: the pids of its process 1 and of what becomes the program. Raises OSError."""
    network.enter()
    linux.unshare(NAMESPACES)
    linux.sethostname(rootfs.HOSTNAME)
    owner = _owner(slot)
    terminals = f"newinstance,ptmxmode=0666,mode=0620,max={TERMINALS},uid={owner},gid={owner}"
    linux.mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, terminals)
    mount_folders(slot, LIMITS)
    init = _start_init()
    # Last: while it lives, each page of this process that is written to must be copied first.
    return init, _fork_program(slot, filters, init, channel)


def _owner(slot):
    """The program's user, as it is called here."""
    return 0 if slot.own_user_namespace else slot.uid


def mount_folders(slot, limits, remount=0):
    owner = _owner(slot)
    options = f"size={limits['diskBytes']},nr_inodes={limits['inodes']},uid={owner},gid={owner},mode="
    for folder, mode, flags in WRITABLE:
        linux.mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV | flags | remount, options + mode)


def _start_init():
    """Start process 1 of the new namespace: it has no program, it only is there.

    It shares this process's memory and descriptors, and sleeps in the C library's pause() on a stack of its own, so it
    costs no copy of anything. What is orphaned in the namespace becomes its child, and is gone when it ends, for it
    ignores SIGCHLD.
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


def _fork_program(slot, filters, init, channel):
    pipes = [os.pipe2(os.O_CLOEXEC) for _ in range(5)]
    (stdin_r, stdin), (stdout, stdout_w), (stderr, stderr_w), (status, status_w), (job_r, job) = pipes
    if not slot.own_user_namespace:
        # Its own, so that it may open /dev/stdout and the like: a pipe is else its maker's alone.
        for fd in (stdin_r, stdout_w, stderr_w):
            os.fchown(fd, slot.uid, slot.uid)
    pid = os.fork()
    if pid == 0:
        program.become(slot, filters, (stdin_r, stdout_w, stderr_w), status_w, job_r)
    more = [linux.pidfd_open(pid), linux.pidfd_open(init), os.open("/work", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)]
    handed_over = HANDED_OVER.pack(stdin, stdout, stderr, status, job, *more)
    channel.sendmsg([MADE], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, handed_over)])
    for fd in (*(end for pipe in pipes for end in pipe), *more):
        os.close(fd)
    return pid


def _await_end(init, pid, channel):
    """Wait for the program, end whatever else is left of the run, and pass on how it ended. Nothing of it exists then."""
    _ending.wait(pid)
    # The kernel kills the whole namespace with its process 1, which has ended only when all the others have.
    os.kill(init, _signal.SIGKILL)
    os.waitpid(init, 0)
    channel.send(_ending.buffer)
    _ending.wipe()
