"""The anchor and the service, from their first instruction: make the outer sandbox, then serve in it (service.py).

    python3 -I -S zygote.py FD          FD holds the parameters, from the launcher

Every run is two forks of the service, and each pays for what that holds and for every page that it touches. So this is
an interpreter of its own, which loads what a run needs and no more; it holds nothing of the launcher's; and the layout
of its memory is another one.
"""
import sys

sys.dont_write_bytecode = True

import json  # noqa: E402
import os  # noqa: E402
import signal  # noqa: E402

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from jail import cgroup, linux, program, rootfs, service  # noqa: E402

NAMESPACES = (
    linux.CLONE_NEWUSER
    | linux.CLONE_NEWNS
    | linux.CLONE_NEWPID
    | linux.CLONE_NEWNET
    | linux.CLONE_NEWIPC
    | linux.CLONE_NEWUTS
)


def main():
    with open(int(sys.argv[1]), encoding="utf-8") as file:
        file.seek(0)
        given = json.load(file)
    report = given["report"]
    try:
        _anchor(given)
    except BaseException as reason:
        os.write(report, f"!{type(reason).__name__}: {reason}".encode()[:1000])
    finally:
        os._exit(1)


def _anchor(given):
    """Make the namespaces, fork their process 1, and wait with it: when either goes, both do."""
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    # Not before the exec that brought us here: a program's memory belongs to the user namespace it was started in, and
    # with a single id a run's own would be the same user there.
    linux.unshare(NAMESPACES)
    os.write(given["report"], b"u")
    if os.read(given["mapped"], 1) != b"m":
        return
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
    leash_r, leash_w = os.pipe2(os.O_CLOEXEC)
    # Seen from a new pid namespace the launcher has the same pid as before: this process itself has not moved.
    if os.getppid() != given["launcher"]:
        return
    pid = os.fork()
    if pid == 0:
        os.close(leash_w)
        linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
        _serve(given, leash_r)
        return
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
    rootfs.build(given["users"], given["binds"])
    linux.sethostname(rootfs.HOSTNAME)
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    os.dup2(null, 0)
    os.dup2(null, 1)
    kept = [listening, leash, report]
    for slot in slots:
        kept += slot.group.all_fds()
    for fd in kept:
        os.set_inheritable(fd, False)
    linux.close_all_but([0, 1, 2, *kept])
    linux.prctl(linux.PR_SET_DUMPABLE, 0)
    linux.drop_bounding_set()
    program.inherit()
    service.serve(listening, slots, given["warm"], leash, given["description"].encode(), report)


if __name__ == "__main__":
    main()
