"""The process that becomes the program: everything it may not have is given up here, in this order.

It does so before there is a program, up to and including the system-call filter, and then waits for its job. The files of
the program it writes itself, as the user that it is by then. So a run costs its files, its limits and its start: an exec,
or for a Python program not even that (interpreter.py).
"""
import _signal
import marshal
import os
import resource
import struct

from . import interpreter, linux, seccomp
from .linux import MS_NODEV, MS_NOEXEC, MS_NOSUID

# Where these are, nothing else is: descriptors of this process until the exec, which closes them.
STATUS_FD, JOB_FD = 3, 4
PREPARED, GO = b".", b"g"
NICE = 5
INNER_UID = 1000  # of a program that has a user namespace of its own
LENGTH = struct.Struct(">I")


def become(slot, filters, stdio, status, job):
    """Give up everything, and say so on `status`; take files and a job from `job`, and say so; then start it, when told
    to. Never returns.

    It is process 2 of its namespace, below a process 1 that does nothing.

    Raises interpreter.Leave where the program is to run in this very process; nothing else gets out of here.
    """
    try:
        _give_up_everything(slot, filters, stdio, status, job)
        os.write(STATUS_FD, PREPARED)
        os.chdir(interpreter.WORK)
        work, ends = _take_work()
        _make_folder(work["collect"])
        argv, env = work["argv"], work["env"]
        _limit(work["limits"])
        if work["terminal"]:
            _enter_terminal(work["terminal"])
        # On a terminal, Python's streams are others than the interpreter here has.
        starts = work["prelude"] or work["terminal"]
        in_place = not starts and interpreter.can_run(argv, env, ends)
        if in_place:
            interpreter.take_over(argv, env)
        os.write(STATUS_FD, PREPARED)
        _read(len(GO))
        if in_place:
            os.close(STATUS_FD)
            os.close(JOB_FD)
            raise interpreter.Leave
        if work["prelude"]:
            # It takes its run from there, and says that it waits for it, and that it has it.
            os.set_inheritable(JOB_FD, True)
            os.set_inheritable(STATUS_FD, True)
        _execute(argv, env)
    except interpreter.Leave:
        raise
    except EOFError:
        pass  # the run was given up before it began
    except BaseException as reason:
        _report(status, reason)
    os._exit(127)


def _report(status, reason):
    text = f"{type(reason).__name__}: {reason}".encode()[:1000]
    try:
        os.write(status, text)
    except OSError:
        os.write(STATUS_FD, text)  # it has been put in its place
    finally:
        os._exit(127)


def _give_up_everything(slot, filters, stdio, status, job):
    linux.prctl(linux.PR_SET_PDEATHSIG, _signal.SIGKILL)
    # Only the run's own processes: nothing of the host's /proc/sys, meminfo, kcore or sysrq-trigger exists here.
    # Runtimes fall back (Python, Node, the JVM and Go ask the kernel by calls); what is not there cannot leak.
    # Mounted from in here, for it shows the processes that whoever mounts it can see.
    linux.mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "subset=pid")
    # For its own files in /proc, which would else be the host's root's. The change of uid below takes it away again.
    linux.prctl(linux.PR_SET_DUMPABLE, 1)
    slot.group.join()
    _enter_namespaces(slot)
    os.setsid()
    _place_descriptors(stdio, status, job)
    # Raising this needs no right. Where the whole machine runs out of memory, runs go first.
    _write("/proc/self/oom_score_adj", "1000")
    uid = INNER_UID if slot.own_user_namespace else slot.uid
    if slot.own_user_namespace:
        linux.drop_bounding_set()  # a new namespace begins with the full set
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    linux.drop_capabilities()
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    # The change of uid cleared it.
    linux.prctl(linux.PR_SET_PDEATHSIG, _signal.SIGKILL)
    # A program that is not exec'ed finds its own files in /proc as one that is.
    linux.prctl(linux.PR_SET_DUMPABLE, 1)
    # Whoever watches the clock of a run comes before the run, and so does whoever takes the next.
    os.nice(NICE)
    # Last: everything above is on its list.
    seccomp.install(filters)


def pack_file(path, executable, size):
    """What comes before the `size` bytes of a file."""
    return _pack((path, executable, size))


def pack_job(job):
    """What comes after the last file: `argv`, `env`, `limits`, the folder to `collect` afterwards, whether it is a `prelude`, and
    the path of the `terminal`, if there is one."""
    return _pack(job)


def _pack(value):
    text = marshal.dumps(value)
    return LENGTH.pack(len(text)) + text


def _take_work():
    """Write the files as they come: the job that follows, and the last bytes of each file by its path."""
    ends = {}
    while True:
        said = marshal.loads(_read(LENGTH.unpack(_read(LENGTH.size))[0]))
        if type(said) is dict:
            return said, ends
        path, executable, size = said
        try:
            ends[path] = _write_file(path, executable, size)
        except OSError as reason:
            # Without the path: the name of a program's file belongs in nobody's log.
            raise OSError(f"a file of the program could not be written: {os.strerror(reason.errno)}") from None


def _write_file(path, executable, size):
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\0" in path:
        raise ValueError("a file's path must be relative and plain")
    for depth in range(1, len(parts)):
        _make_folder("/".join(parts[:depth]))
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o755 if executable else 0o644)
    left = size
    try:
        while left:
            moved = linux.splice(JOB_FD, fd, left)
            if not moved:
                raise EOFError
            left -= moved
        return os.pread(fd, interpreter.ZIP_END_BYTES, max(0, size - interpreter.ZIP_END_BYTES))
    finally:
        os.close(fd)


def _enter_terminal(path):
    """Make it the controlling terminal, as the first that whoever leads a session opens is, and all three streams."""
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    for target in range(STATUS_FD):
        os.dup2(fd, target)
    os.close(fd)


def _make_folder(path):
    try:
        os.mkdir(path, 0o755)
    except FileExistsError:
        pass  # made for an earlier file, or is one: the program finds out


def _read(length):
    held = b""
    while len(held) < length:
        data = os.read(JOB_FD, length - len(held))
        if not data:
            raise EOFError
        held += data
    return held


def _execute(argv, env):
    words = [os.fsencode(word) for word in argv]
    # Python ignores them, and what is ignored stays so over an exec.
    for number in (_signal.SIGPIPE, _signal.SIGXFSZ, _signal.SIGINT):
        _signal.signal(number, _signal.SIG_DFL)
    try:
        os.execve(words[0], words, env)
    except OSError as reason:
        raise OSError(f"cannot start {argv[0]}: {reason.strerror}") from reason


def _enter_namespaces(slot):
    if slot.own_user_namespace:
        linux.unshare(linux.CLONE_NEWUSER | linux.CLONE_NEWCGROUP)
        # One id: the caller's own, which is all that an unprivileged namespace may map.
        _write("/proc/self/uid_map", f"{INNER_UID} 0 1")
        _write("/proc/self/gid_map", f"{INNER_UID} 0 1")
    else:
        # After joining its groups: /proc/self/cgroup then names none of the host's.
        linux.unshare(linux.CLONE_NEWCGROUP)


def _place_descriptors(stdio, status, job):
    # None of them is in another's place: the service holds these places, for as long as it lives.
    for target, fd in enumerate((*stdio, status, job)):
        os.dup2(fd, target, target < STATUS_FD)
    linux.close_range(JOB_FD + 1)


def inherit(own_groups):
    """Set what is the same for every run: once, in the process that all of them are forks of. `own_groups` says whether
    there are groups to give up: a single user of the host's may not, and has none in here."""
    if own_groups:
        os.setgroups([])
    # None of Python's own: whoever is not the program must not be interrupted, and a process 1 without handlers cannot be.
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    os.umask(0o022)
    for kind, most in (
        # One byte, not zero: with zero the kernel still starts the host's core-dump handler.
        (resource.RLIMIT_CORE, 1),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_SIGPENDING, 1024),
        (resource.RLIMIT_RTPRIO, 0),
        (resource.RLIMIT_NICE, 0),
    ):
        _lower(kind, most, most)


def _limit(limits):
    # Whole seconds, as a spare: the monitor counts the processor time of the whole tree, and finer.
    cpu = limits["cpuMs"] // 1000 + 2
    _lower(resource.RLIMIT_CPU, cpu, cpu + 1)
    _lower(resource.RLIMIT_FSIZE, limits["fileBytes"], limits["fileBytes"])
    _lower(resource.RLIMIT_NOFILE, limits["openFiles"], limits["openFiles"])
    _lower(resource.RLIMIT_NPROC, limits["processes"], limits["processes"])


def _lower(kind, soft, hard):
    _, most = resource.getrlimit(kind)
    if most != resource.RLIM_INFINITY:
        soft, hard = min(soft, most), min(hard, most)
    resource.setrlimit(kind, (soft, hard))


def _write(path, text):
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)
