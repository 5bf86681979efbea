"""What the attack programs share: their mark, where the canaries are, raw system calls, and how to say what came of it.

Every program bounds itself, so that it does no harm where nothing stops it.
"""
import ctypes
import errno
import json
import os
import platform
import re
import time

# Where the canaries are, never what they hold.
GIVEN = json.loads(os.environ["ATTACK"])
MARK = GIVEN["mark"]
# How every secret looks: a program that finds one prints it, and the suite looks for it in all output.
SECRET = re.compile(b"CANARY" + b"-[0-9a-f]{24}")

# Who watches it: process 1 of what it sees, where its parent is out of sight.
SUPERVISOR = os.getppid() or 1

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
# The name of this process and of its forks, by which the suite finds those that are left (PR_SET_NAME).
libc.prctl(15, MARK.encode(), 0, 0, 0)

ARM = platform.machine() == "aarch64"
# name: (x86-64, arm64)
NUMBERS = {
    "acct": (163, 89), "add_key": (248, 217), "adjtimex": (159, 171), "bpf": (321, 280), "cachestat": (451, 451), "capset": (126, 91),
    "chroot": (161, 51), "clock_settime": (227, 112), "clone": (56, 220), "clone3": (435, 435),
    "delete_module": (176, 106), "fanotify_init": (300, 262), "finit_module": (313, 273), "fsopen": (430, 430),
    "getpid": (39, 172), "init_module": (175, 105), "inotify_init1": (294, 26), "io_uring_setup": (425, 425),
    "ioperm": (173, None), "iopl": (172, None), "ioprio_set": (251, 30), "kcmp": (312, 272),
    "kexec_load": (246, 104), "keyctl": (250, 219), "mbind": (237, 235), "memfd_create": (319, 279),
    "memfd_secret": (447, 447), "mlock": (149, 228), "modify_ldt": (154, None), "mount": (165, 40),
    "mount_setattr": (442, 442), "move_mount": (429, 429), "mq_open": (240, 180), "msgget": (68, 186), "msgsnd": (69, 189), "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265), "open_tree": (428, 428), "perf_event_open": (298, 241),
    "personality": (135, 92), "pidfd_getfd": (438, 438), "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424), "pivot_root": (155, 41), "prlimit64": (302, 261),
    "process_madvise": (440, 440), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "ptrace": (101, 117), "quotactl": (179, 60), "reboot": (169, 142), "request_key": (249, 218), "semget": (64, 190),
    "setdomainname": (171, 162), "sethostname": (170, 161), "setns": (308, 268), "settimeofday": (164, 170),
    "shmat": (30, 196), "shmget": (29, 194), "swapoff": (168, 225), "swapon": (167, 224), "syncfs": (306, 267),
    "syslog": (103, 116), "timer_create": (222, 107), "umount2": (166, 39), "unshare": (272, 97),
    "userfaultfd": (323, 282), "vhangup": (153, 58), "vmsplice": (278, 75),
}  # fmt: skip


def attempt(action):
    """What came of it: "done", or the name of the error."""
    try:
        action()
        return "done"
    except OSError as reason:
        return errno.errorcode.get(reason.errno, type(reason).__name__)
    except ValueError as reason:
        return f"ValueError: {reason}"


def call(name, *words):
    """A system call made directly: "done", or the name of the error. Words are integers, bytes, ctypes' arrays or None."""
    number = NUMBERS[name][ARM]
    if number is None:
        return "ENOSYS"
    result = raw(number, *words)
    return "done" if result >= 0 else errno.errorcode.get(-result, str(-result))


def raw(number, *words):
    """Its result, or the error's number negated."""
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *[_word(word) for word in words])
    return result if result >= 0 else -ctypes.get_errno()


def _word(word):
    if isinstance(word, int):
        return ctypes.c_long(word)
    return word if isinstance(word, (bytes, type(None))) else ctypes.byref(word)


def in_child(action):
    """What came of it in a child, which may be changed or killed by it: what `action` returns, or how the child ended."""
    told, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(told)
        try:
            os.write(tell, str(action()).encode())
        finally:
            os._exit(0)
    os.close(tell)
    with os.fdopen(told, "rb") as file:
        text = file.read().decode()
    _, status = os.waitpid(pid, 0)
    return text or (f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"code {os.WEXITSTATUS(status)}")


def sleeper(seconds=3):
    """A child that does nothing, and ends by itself."""
    pid = os.fork()
    if pid == 0:
        time.sleep(seconds)
        os._exit(0)
    return pid


def read(path, length=1 << 16):
    """What can be read of a file, at once."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return os.read(fd, length)
    finally:
        os.close(fd)


def processes():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def report(**facts):
    """Say what was found: one line of JSON. What is said later about the same replaces what was said before."""
    print(json.dumps(facts, default=lambda value: value.decode("latin-1")), flush=True)
