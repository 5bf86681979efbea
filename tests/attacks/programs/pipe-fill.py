"""Fills pipes, made as large as they can be."""
import fcntl
import os

from attempt import attempt, report

held = 0


def fill():
    global held
    while held < 400 << 20:
        _, end = os.pipe2(os.O_NONBLOCK)
        try:
            fcntl.fcntl(end, 1031, 1 << 20)  # F_SETPIPE_SZ
        except OSError:
            pass  # the kernel has a limit of its own
        try:
            while True:
                held += os.write(end, b"x" * 65536)
        except BlockingIOError:
            pass


refused = attempt(fill)
report(refused=refused, heldMiB=held >> 20)
