"""Watches what others run, or keeps them waiting: a notice at each access to a folder that all runs share, or a lease on a file."""
import fcntl
import os
import signal

from attempt import attempt, call, report

signal.signal(signal.SIGIO, signal.SIG_IGN)
folder = os.open("/usr/bin", os.O_RDONLY)
file = os.open("/usr/bin/env", os.O_RDONLY)
# As what toolchains have made is the run's own, where runs are the user who started it all.
own = os.open("/work/own", os.O_RDONLY | os.O_CREAT, 0o600)
report(
    notice=attempt(lambda: fcntl.fcntl(folder, fcntl.F_NOTIFY, fcntl.DN_ACCESS | fcntl.DN_MULTISHOT)),
    lease=attempt(lambda: fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)),
    own=attempt(lambda: fcntl.fcntl(own, fcntl.F_SETLEASE, fcntl.F_WRLCK)),
    watch=call("inotify_init1", 0),
    mark=call("fanotify_init", 0, os.O_RDONLY),
    cache=call("cachestat", file, b"\0" * 7 + b"\1" + b"\0" * 8, b"\0" * 40, 0),
)
