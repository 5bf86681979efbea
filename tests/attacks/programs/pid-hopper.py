"""Outlives the run by never being the process that somebody looked at: fork, end, repeat."""
import os
import time

from attempt import report

report(hopping=True)
if os.fork() == 0:
    os.setsid()
    until = time.monotonic() + 4
    while time.monotonic() < until:
        if os.fork():
            os._exit(0)
    os._exit(0)
