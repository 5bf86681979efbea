"""The anchor and the service: make the outer sandbox (rootfs.py), then serve in it (service.py)."""
import _signal
import marshal
import os
import sys

from . import cgroup, interpreter, kept, linux, program, rootfs, service

NAMESPACES = (
    linux.CLONE_NEWUSER
    | linux.CLONE_NEWNS
    | linux.CLONE_NEWNET
    | linux.CLONE_NEWIPC
    | linux.CLONE_NEWUTS
)
# What monitors need to make sandboxes: namespaces and mounts, the loopback, another user's files and its end; and for a user
# namespace within their own, the right to lay its ids on their root (since Linux 5.12).
CAPABILITIES = (
    linux.CAP_SYS_ADMIN,
    linux.CAP_SYS_CHROOT,
    linux.CAP_NET_ADMIN,
    linux.CAP_CHOWN,
    linux.CAP_DAC_OVERRIDE,
    linux.CAP_SETUID,
    linux.CAP_SETGID,
    linux.CAP_KILL,
    linux.CAP_SYS_PTRACE,
    linux.CAP_SETFCAP,
)


def main(modules_at_start):
    """Never returns. `modules_at_start` are the names of what every Python program finds imported."""
    with open(int(sys.argv[1]), "rb") as file:
        file.seek(0)
        given = marshal.load(file)
    try:
        _isolate(given)
        interpreter.host(lambda: _hold(given), modules_at_start)
    except BaseException as reason:
        _give_up(given, reason)


def _give_up(given, reason):
    os.write(given["report"], f"!{type(reason).__name__}: {reason}".encode()[:1000])
    os._exit(1)


def _isolate(given):
    """Make the namespaces; the first of them only a process with a single thread can make."""
    _signal.pthread_sigmask(_signal.SIG_SETMASK, [])
    # Not before the exec that brought us here: a program's memory belongs to the user namespace it was started in, and
    # with a single id a run's own would be the same user there.
    linux.unshare(NAMESPACES if given["user_namespace"] else NAMESPACES & ~linux.CLONE_NEWUSER)
    os.write(given["report"], b"u")
    if os.read(given["mapped"], 1) != b"m":
        os._exit(1)
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    linux.prctl(linux.PR_SET_PDEATHSIG, _signal.SIGKILL)


def _hold(given):
    """Fork process 1 of the namespaces, which serves, and wait with it: when either goes, both do.

    Returns in no process but that of a Python program, which has left all of this behind.
    """
    # In the thread that forks, for a process with a new one can start no more threads.
    linux.unshare(linux.CLONE_NEWPID)
    leash_r, leash_w = os.pipe2(os.O_CLOEXEC)
    # Seen from a new pid namespace the launcher has the same pid as before: this process itself has not moved.
    if os.getppid() != given["launcher"]:
        os._exit(1)
    pid = os.fork()
    if pid == 0:
        os.close(leash_w)
        linux.prctl(linux.PR_SET_PDEATHSIG, _signal.SIGKILL)
        try:
            _serve(given, leash_r)
        except Exception as reason:
            _give_up(given, reason)
    linux.close_all_but([2, leash_w])
    os.waitpid(pid, 0)
    os._exit(1)


def _serve(given, leash):
    slots = [
        service.Slot(number, uid, cgroup.Group(version, fds), own_user_namespace)
        for number, uid, version, fds, own_user_namespace in given["slots"]
    ]
    listening, report = given["listening"], given["report"]
    os.setsid()
    rootfs.build(given["users"], given["binds"], given["toolchains"])
    linux.sethostname(rootfs.HOSTNAME)
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    os.dup2(null, 0)
    os.dup2(null, 1)
    needed = [listening, leash, report]
    for slot in slots:
        needed += slot.group.all_fds()
    for fd in needed:
        os.set_inheritable(fd, False)
    linux.close_all_but([0, 1, 2, *needed])
    while os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC) < program.JOB_FD:
        pass  # so that these places are taken
    keep = kept.make()
    linux.prctl(linux.PR_SET_DUMPABLE, 0)
    linux.drop_bounding_set()
    linux.keep_capabilities(CAPABILITIES)
    program.inherit(own_groups=not any(slot.own_user_namespace for slot in slots))
    interpreter.prepare(given["preload"])
    service.serve(listening, given["peers"], slots, keep, leash, given["description"].encode(), report)

