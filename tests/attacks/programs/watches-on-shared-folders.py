"""Watches what others run: a notice at each access to a folder that all runs share, or a lease on a file of it."""
import fcntl
import os
import signal

from attempt import attempt, call, report

signal.signal(signal.SIGIO, signal.SIG_IGN)
folder = os.open("/usr/bin", os.O_RDONLY)
file = os.open("/usr/bin/env", os.O_RDONLY)
report(
    notice=attempt(lambda: fcntl.fcntl(folder, fcntl.F_NOTIFY, fcntl.DN_ACCESS | fcntl.DN_MULTISHOT)),
    lease=attempt(lambda: fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)),
    watch=call("inotify_init1", 0),
    mark=call("fanotify_init", 0, os.O_RDONLY),
    cache=call("cachestat", file, b"\0" * 7 + b"\1" + b"\0" * 8, b"\0" * 40, 0),
)
