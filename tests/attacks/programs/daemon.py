"""A daemon by the book, its streams closed, that wants to outlive its program; its parent adopts orphans as process 1 does."""
import os
import time

from attempt import libc, report

libc.prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for fd in range(3):
            os.close(fd)
        time.sleep(4)
    os._exit(0)
os.wait()
report(done=True)
