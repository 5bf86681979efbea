"""The system calls that Python's os module lacks, as functions that raise OSError. Everything here is Linux."""
import _functools
import _signal
import _socket
import ctypes
import os
import struct

libc = ctypes.CDLL(None, use_errno=True)

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
CLONE_VM, CLONE_FILES = 0x00000100, 0x00000400

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MNT_DETACH = 2

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP = 1, 4, 22, 24
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 36, 38, 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_KILL, CAP_SETGID, CAP_SETUID = 0, 1, 5, 6, 7
CAP_NET_ADMIN, CAP_SYS_CHROOT, CAP_SYS_PTRACE, CAP_SYS_ADMIN, CAP_SETFCAP = 12, 18, 19, 21, 31

MACHINE = os.uname().machine
NR_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}.get(MACHINE)
# These two have the same number on every architecture.
NR_PIDFD_OPEN, NR_CLOSE_RANGE = 434, 436
HIGHEST_FD = 0xFFFFFFFF
MSG_CMSG_CLOEXEC = 0x40000000
CLOCK_MONOTONIC = 1
SIGSET_SIZE = 128

ulong = ctypes.c_ulong
libc.unshare.argtypes = [ctypes.c_int]
libc.setns.argtypes = [ctypes.c_int, ctypes.c_int]
libc.mount.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ulong, ctypes.c_char_p]
libc.umount2.argtypes = [ctypes.c_char_p, ctypes.c_int]
libc.prctl.argtypes = [ctypes.c_int, ulong, ulong, ulong, ulong]
libc.sethostname.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
libc.accept4.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
libc.capset.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
libc.wait4.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p]
libc.ioctl.argtypes = [ctypes.c_int, ulong, ulong]
libc.clock_gettime.argtypes = [ctypes.c_int, ctypes.c_void_p]
libc.splice.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint]
libc.splice.restype = ctypes.c_ssize_t
libc.syscall.restype = ctypes.c_long


def _check(result, what, where=""):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what} {where}: {os.strerror(number)}")
    return result


def unshare(flags):
    _check(libc.unshare(flags), "unshare")


def setns(fd, kind):
    _check(libc.setns(fd, kind), "setns")


def mount(source, target, kind=None, flags=0, data=None):
    words = [text and text.encode(errors="surrogateescape") for text in (source, target, kind, data)]
    _check(libc.mount(words[0], words[1], words[2], flags, words[3]), "mount", target)


def umount(target):
    _check(libc.umount2(os.fsencode(target), MNT_DETACH), "umount", target)


def pivot_root_here():
    """Make the current folder the root, and leave the old root behind."""
    _check(libc.syscall(ulong(NR_PIVOT_ROOT), ctypes.c_char_p(b"."), ctypes.c_char_p(b".")), "pivot_root")
    umount(".")


def prctl(option, a=0, b=0, c=0, d=0):
    return _check(libc.prctl(option, a, b, c, d), "prctl", option)


def sethostname(name):
    _check(libc.sethostname(os.fsencode(name), len(name)), "sethostname")


def accept(fd):
    return _check(libc.accept4(fd, None, None, os.O_CLOEXEC), "accept")


def unblocking(number):
    """A function without arguments that lets a signal in, and itself never raises what a signal's handler raises."""
    signals = ctypes.create_string_buffer(SIGSET_SIZE)
    libc.sigaddset(signals, number)
    return _functools.partial(libc.pthread_sigmask, _signal.SIG_UNBLOCK, signals, None)


def write_all(fd, data):
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def splice(source, target, most):
    """Move bytes from a pipe into a file, or from a file, where it stands, into a pipe: how many; 0 at the end of what they are
    moved from."""
    return _check(libc.splice(source, None, target, None, most, 0), "splice")


def pidfd_open(pid):
    return _check(libc.syscall(ulong(NR_PIDFD_OPEN), ctypes.c_int(pid), ctypes.c_uint(0)), "pidfd_open")


def receive_descriptors(channel, size):
    """The next message on a socket, with the descriptors that came along: (bytes, their numbers packed as ints of C)."""
    message, more, _, _ = channel.recvmsg(1001, _socket.CMSG_SPACE(size), MSG_CMSG_CLOEXEC)
    return message, more[0][2] if more else b""


class Ending:
    """How a child ended, written down without anything of it becoming an object of this process: its wait status, its
    struct rusage, and the time on the monotonic clock."""

    _STATUS, _USAGE, _TIME = 0, 8, 8 + 144
    SIZE = _TIME + 16

    def __init__(self):
        self.buffer = ctypes.create_string_buffer(self.SIZE)
        self._at = ctypes.addressof(self.buffer)

    def wait(self, pid):
        _check(libc.wait4(pid, self._at + self._STATUS, 0, self._at + self._USAGE), "wait4")
        libc.clock_gettime(CLOCK_MONOTONIC, self._at + self._TIME)

    def wipe(self):
        ctypes.memset(self._at, 0, self.SIZE)

    @classmethod
    def read(cls, text):
        """What a buffer said: (wait status, processor time in seconds, most memory in bytes, time in seconds)."""
        (status,) = struct.unpack_from("i", text, cls._STATUS)
        user, user_more, system, system_more, most_kib = struct.unpack_from("5l", text, cls._USAGE)
        seconds, more = struct.unpack_from("2l", text, cls._TIME)
        return status, user + system + (user_more + system_more) / 1e6, most_kib * 1024, seconds + more / 1e9


def ioctl(fd, request, data):
    """Ask a device, with a buffer that holds `data`; what it holds afterwards."""
    buffer = ctypes.create_string_buffer(data, len(data))
    _check(libc.ioctl(fd, request, ctypes.addressof(buffer)), "ioctl")
    return buffer.raw


def ioctl_by_value(fd, request, value):
    return _check(libc.ioctl(fd, request, value), "ioctl")


def close_range(first, last=HIGHEST_FD):
    """Close every descriptor from `first` to `last`."""
    if libc.syscall(ulong(NR_CLOSE_RANGE), ctypes.c_uint(first), ctypes.c_uint(last), ctypes.c_uint(0)) < 0:
        for name in os.listdir("/proc/self/fd"):
            if first <= int(name) <= last:
                try:
                    os.close(int(name))
                except OSError:
                    pass  # the descriptor of the listing itself


def gaps(keep):
    """The ranges, for close_range, of all descriptors but those in `keep`."""
    edges = sorted({-1, *keep, HIGHEST_FD + 1})
    return [(before + 1, after - 1) for before, after in zip(edges, edges[1:]) if after > before + 1]


def close_all_but(keep):
    """Close every descriptor that is not in `keep`."""
    for first, last in gaps(keep):
        close_range(first, last)


def move_down(fd):
    """Give a descriptor the lowest number that is free."""
    moved = os.dup(fd)
    if moved > fd:
        os.close(moved)
        return fd
    os.close(fd)
    return moved


def give_back_memory():
    """Return to the kernel what is free, so that no fork copies it; where the C library can (glibc)."""
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)


def hide_arguments(name):
    """Write `name` over this process's words, which its forks show in /proc too, and with them the paths of the host."""
    with open("/proc/self/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    start, end = int(fields[45]), int(fields[46])
    ctypes.memmove(start, name[: end - start - 1].ljust(end - start, b"\0"), end - start)


def drop_bounding_set():
    """Give up, for this process and all that it starts, every capability it might gain by an exec."""
    for capability in range(64):
        if libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0:
            break  # past the last capability that this kernel knows
    libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)


# Of the caller, in version 3: effective, permitted and inheritable, the lower 32 of each first.
_CAPABILITIES_OF = ctypes.create_string_buffer(struct.pack("II", 0x20080522, 0), 8)
_NO_CAPABILITIES = ctypes.create_string_buffer(24)


def drop_capabilities():
    """Give up the capabilities held now."""
    _check(libc.capset(_CAPABILITIES_OF, _NO_CAPABILITIES), "capset")


def keep_capabilities(numbers):
    """Give up all capabilities but these."""
    mask = sum(1 << number for number in numbers)
    data = ctypes.create_string_buffer(struct.pack("6I", mask, mask, 0, 0, 0, 0), 24)
    _check(libc.capset(_CAPABILITIES_OF, data), "capset")
