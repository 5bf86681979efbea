"""Starts a program as a child that ends with its parent and, for root, as somebody who may do nothing else.

    python3 -I start-child.py [--uid N --gid N [--group N]] [--see PATH]... [--lock FILE] -- PROGRAM ARGUMENT...

Node can do none of this by itself: ask the kernel to be signalled when the parent dies, hold a file lock for as long as
the process lives, or start a child that is another user in a folder that only root may enter (a clone in /root, say).
For the last, the child gets a mount namespace of its own, in which every closed folder on the way to a path that it must
see holds nothing but such paths; what else lies there stays hidden. What is closed in a path itself stays closed.
"""
import argparse
import ctypes
import errno
import fcntl
import os
import signal
import stat
import sys

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
CLONE_NEWNS = 0x00020000
MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 4096, 16384, 1 << 18

libc = ctypes.CDLL(None, use_errno=True)
libc.mount.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p]


def check(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, "%s: %s" % (what, os.strerror(number)))


def mount(source, target, kind, flags, data=None):
    text = [None if each is None else os.fsencode(each) for each in (source, target, kind, data)]
    check(libc.mount(text[0], text[1], text[2], flags, text[3]), "mount %s" % target)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--uid", type=int)
    parser.add_argument("--gid", type=int)
    parser.add_argument("--group", type=int, action="append", default=[])
    parser.add_argument("--see", action="append", default=[])
    parser.add_argument("--lock")
    parser.add_argument("program", nargs="+")
    arguments = parser.parse_args()
    parent = os.getppid()

    if arguments.uid is not None:
        open_the_way([os.path.realpath(path) for path in arguments.see])
        os.setgroups(arguments.group)
        os.setresgid(arguments.gid, arguments.gid, arguments.gid)
        os.setresuid(arguments.uid, arguments.uid, arguments.uid)
        check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
        os.umask(0o007)
        check_readable(arguments)
    # As the user whose folder it is: root would make and open whatever that user has put in the lock's place.
    if arguments.lock:
        hold_lock(arguments.lock)
    # After the change of user, which clears it.
    check(libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0), "parent death signal")
    if os.getppid() != parent:
        sys.exit(1)
    os.execv(arguments.program[0], arguments.program)


def check_readable(arguments):
    """Say what to do when this user may not read the program: a clone made under umask 077 is root's alone, for one."""
    executable, *scripts = [path for path in arguments.program if path.startswith("/")]
    if os.access(executable, os.R_OK | os.X_OK) and all(os.access(path, os.R_OK) for path in scripts):
        return
    unreadable = next((path for path in arguments.see if not os.access(path, os.R_OK | os.X_OK)), arguments.see[0])
    sys.exit(
        "the files in %s cannot be read by user %d, who is to run them: `chmod -R a+rX %s`, or start Runlane as an "
        "ordinary user" % (unreadable, arguments.uid, unreadable)
    )


def hold_lock(path):
    """Lock a file until this process (and what it becomes by exec) ends, however it ends."""
    try:
        descriptor = open_lock(path)
    except PermissionError:
        # Root's, from when root took the lock. The folder is ours, so the file may be replaced.
        os.unlink(path)
        descriptor = open_lock(path)
    except OSError as error:
        if error.errno == errno.ELOOP:
            sys.exit("%s is a symbolic link, which Runlane did not make: remove it" % path)
        raise
    os.set_inheritable(descriptor, True)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        folder = os.path.dirname(path)
        sys.exit("another Runlane uses %s: stop it, or set DATA_DIR to another folder" % folder)


def open_lock(path):
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def open_the_way(paths):
    """Make each path reachable for other users, in a view of the file system that only this process and its children have."""
    check(libc.unshare(CLONE_NEWNS), "unshare")
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    opened = {path: os.open(path, os.O_PATH) for path in paths}
    # One closed folder a round: a path that was put back whole may hold another, on the way to a path inside it.
    while True:
        closed = {first_closed_folder(path, paths) for path in paths} - {None}
        if not closed:
            break
        folder = min(closed)
        mount("runlane", folder, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=64k")
        for path in sorted(path for path in paths if path.startswith(folder + "/")):
            if not os.path.lexists(path):
                make_mount_point(path, opened[path])
                mount("/proc/self/fd/%d" % opened[path], path, None, MS_BIND | MS_REC)
    for descriptor in opened.values():
        os.close(descriptor)


def first_closed_folder(path, kept):
    """The first folder above the path, from the root, that others may not pass through and that is not to be seen whole."""
    parts = path.split("/")[1:-1]
    for count in range(1, len(parts) + 1):
        folder = "/" + "/".join(parts[:count])
        if folder not in kept and not os.stat(folder).st_mode & stat.S_IXOTH:
            return folder
    return None


def make_mount_point(path, descriptor):
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        os.mkdir(path, 0o755)
    else:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))


try:
    main()
except OSError as error:
    if error.errno == errno.EPERM:
        sys.exit("%s: root without the right to mount cannot change user here; start Runlane as an ordinary user" % error)
    sys.exit(str(error))
