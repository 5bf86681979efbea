"""The system-call filter of a run: a list of refusals, built once and set last, just before the program starts.

Errors rather than kills, so that a program sees a readable PermissionError. Numbers that this list was not written
for (later kernels) do not exist as far as a run is concerned.
"""
import ctypes
import errno

from . import linux

# name: (x86-64, arm64); None where an architecture lacks the call.
# fmt: off
REFUSED = {
    # mounts, roots and namespaces
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431),
    "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
    "unshare": (272, 97), "setns": (308, 268),
    # other processes
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_getfd": (438, 438), "process_madvise": (440, 440), "process_mrelease": (448, 448),
    "migrate_pages": (256, 238), "move_pages": (279, 239),
    # large and often broken parts of the kernel
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "fanotify_init": (300, 262),
    "memfd_secret": (447, 447), "vmsplice": (278, 75),
    # what reaches the host past every namespace: who opens and runs what in the folders shown, a quota of the host's own
    # user (inotify), and everybody's disk
    "inotify_init": (253, None), "inotify_init1": (294, 26), "sync": (162, 81), "syncfs": (306, 267),
    "cachestat": (451, 451),
    # keys, and files by their inode's handle
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    # the machine itself
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106), "kexec_load": (246, 104),
    "kexec_file_load": (320, 294), "swapon": (167, 224), "swapoff": (168, 225), "reboot": (169, 142),
    "acct": (163, 89), "quotactl": (179, 60), "quotactl_fd": (443, 443), "settimeofday": (164, 170),
    "clock_settime": (227, 112), "adjtimex": (159, 171), "clock_adjtime": (305, 266), "syslog": (103, 116),
    "vhangup": (153, 58), "sethostname": (170, 161), "setdomainname": (171, 162), "lookup_dcookie": (212, 18),
    "ioperm": (173, None), "iopl": (172, None), "modify_ldt": (154, None), "uselib": (134, None),
    "_sysctl": (156, None), "create_module": (174, None), "nfsservctl": (180, 42),
    "mbind": (237, 235), "set_mempolicy": (238, 237),
}
# Refused where memory is measured by polling: memory behind these is in nobody's mappings, so it would not be seen.
UNSEEN_MEMORY = {"memfd_create": (319, 279), "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190)}
NUMBERS = {
    "clone": (56, 220), "clone3": (435, 435), "socket": (41, 198), "setsockopt": (54, 208), "ioctl": (16, 29),
    "fcntl": (72, 25), "mmap": (9, 222), "memfd_create": (319, 279), "personality": (135, 92),
    "prlimit64": (302, 261), "setpriority": (141, 140), "ioprio_set": (251, 30), "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119), "sched_setaffinity": (203, 122), "sched_setattr": (314, 274),
}
# fmt: on
LAST_KNOWN = 462  # mseal, Linux 6.10
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
X32_BIT = 0x40000000
# Every CLONE_NEW* that clone() takes, and CLONE_PARENT: a child of the maker's own would keep it from seeing the run's end.
NOT_BY_CLONE = 0x7E020000 | 0x8000
MAP_HUGETLB, MFD_HUGETLB = 0x40000, 4
F_SETLEASE, F_NOTIFY, F_SETDELEG = 1024, 1026, 1040

LOAD, EQUAL, GREATER_EQUAL, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL_PROCESS = 0x7FFF0000, 0x80000000


def _error(number):
    return 0x00050000 | number


ALLOWED, PERMISSION, MISSING = (RETURN, 0, 0, ALLOW), (RETURN, 0, 0, _error(errno.EPERM)), (RETURN, 0, 0, _error(errno.ENOSYS))


def supported():
    return linux.MACHINE in AUDIT_ARCH


class _Filter(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint32)]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.POINTER(_Filter))]


def _argument(index):
    """Load the low half of an argument: all of it that counts for the calls inspected here (both are little-endian)."""
    return (LOAD, 0, 0, 16 + 8 * index)


def build(unseen_memory):
    """The filter as a structure for the kernel; `unseen_memory` says whether memfd and SysV segments are allowed."""
    column = list(AUDIT_ARCH).index(linux.MACHINE)
    answers = _answers(column)
    refused = {**REFUSED, **({} if unseen_memory else UNSEEN_MEMORY)}
    answers.update({pair[column]: [PERMISSION] for pair in refused.values() if pair[column] is not None})
    code = [(LOAD, 0, 0, 4), (EQUAL, 1, 0, AUDIT_ARCH[linux.MACHINE]), (RETURN, 0, 0, KILL_PROCESS), (LOAD, 0, 0, 0)]
    code += _search(_stretches(answers))
    table = (_Filter * len(code))(*(_Filter(*line) for line in code))
    return _Program(len(code), table)


def _answers(column):
    """What is answered to system calls whose arguments decide, as code that ends in a return: {number: code}."""
    answers = {}

    def when(name, code):
        answers[NUMBERS[name][column]] = code

    # Its flags are behind a pointer, where no filter can look: libc falls back to clone.
    when("clone3", [MISSING])
    when("clone", [_argument(0), (ANY_BIT, 0, 1, NOT_BY_CLONE), PERMISSION, ALLOWED])
    when(
        "socket",
        [
            _argument(0),
            (EQUAL, 6, 0, 1),  # UNIX
            (EQUAL, 1, 0, 2),  # INET
            (EQUAL, 0, 5, 10),  # INET6; every other family: a path to the hypervisor or to kernel bugs
            _argument(2),
            (EQUAL, 2, 0, 0),
            (EQUAL, 1, 0, 6),  # TCP
            (EQUAL, 0, 2, 17),  # UDP; every other protocol might load a kernel module
            ALLOWED,
            (RETURN, 0, 0, _error(errno.EAFNOSUPPORT)),
            (RETURN, 0, 0, _error(errno.EPROTONOSUPPORT)),
        ],
    )
    # Memory of INET sockets is charged to no run where there is no cgroup v2, so their buffers stay as the kernel makes
    # them: asking for larger ones "succeeds", as it does where the system's maximum is small.
    pretend = (RETURN, 0, 0, _error(0))
    # SOL_SOCKET: SO_SNDBUF, SO_RCVBUF
    when("setsockopt", [_argument(1), (EQUAL, 0, 4, 1), _argument(2), (EQUAL, 1, 0, 7), (EQUAL, 0, 1, 8), pretend, ALLOWED])
    # Huge pages are a store of the host's that no limit of a run counts.
    when("mmap", [_argument(3), (ANY_BIT, 0, 1, MAP_HUGETLB), PERMISSION, ALLOWED])
    when("memfd_create", [_argument(1), (ANY_BIT, 0, 1, MFD_HUGETLB), PERMISSION, ALLOWED])
    # As inotify: a notice of who opens what in the folders shown. And leases, for which everybody else who opens the file
    # waits 45 seconds: where runs are the user who owns what toolchains have made, the kernel gives them one.
    when(
        "fcntl",
        [_argument(1), (EQUAL, 2, 0, F_SETLEASE), (EQUAL, 1, 0, F_NOTIFY), (EQUAL, 0, 1, F_SETDELEG), PERMISSION, ALLOWED],
    )
    # TIOCSTI and TIOCLINUX type into somebody's terminal; TIOCSETD has the kernel load another driver for one.
    when("ioctl", [_argument(1), (EQUAL, 2, 0, 0x5412), (EQUAL, 1, 0, 0x541C), (EQUAL, 0, 1, 0x5423), PERMISSION, ALLOWED])
    when("personality", [_argument(0), (EQUAL, 2, 0, 0), (EQUAL, 1, 0, 0xFFFFFFFF), PERMISSION, ALLOWED])
    # Where there is one uid, process 1 has the program's: nothing may be done to it that a uid would allow.
    when("prlimit64", [_argument(0), (EQUAL, 1, 0, 0), PERMISSION, ALLOWED])
    for name in ("sched_setparam", "sched_setscheduler", "sched_setaffinity", "sched_setattr"):
        when(name, [_argument(0), (EQUAL, 0, 1, 1), PERMISSION, ALLOWED])
    for name, whole_user in (("setpriority", 2), ("ioprio_set", 3)):
        when(name, [_argument(0), (EQUAL, 2, 0, whole_user), _argument(1), (EQUAL, 0, 1, 1), PERMISSION, ALLOWED])
    return answers


def _stretches(answers):
    """The line of all numbers, cut where the answer changes: [(first number, code)], in order."""
    stretches = [(0, [ALLOWED])]
    for number in sorted(answers):
        if stretches[-1][0] == number:
            stretches.pop()
        if not stretches or stretches[-1][1] != answers[number]:
            stretches.append((number, answers[number]))
        stretches.append((number + 1, [ALLOWED]))
    # This refuses x32 calls too: their numbers have bit 30 set.
    return [*stretches, (LAST_KNOWN + 1, [MISSING])]


def _search(stretches):
    """Code that finds a number's stretch by halves. The kernel tries every number when a filter is set, in each run."""
    if len(stretches) == 1:
        return stretches[0][1]
    middle = len(stretches) // 2
    below, above = _search(stretches[:middle]), _search(stretches[middle:])
    return [(GREATER_EQUAL, len(below), 0, stretches[middle][0]), *below, *above]


def install(program):
    """Filter this process and all that it starts, for good. Needs no_new_privs."""
    linux.prctl(linux.PR_SET_SECCOMP, 2, ctypes.addressof(program))
