"""Closes all its streams and goes on working behind the end of its output."""
import os
import time

from attempt import report

report(closed=True)
for fd in range(3):
    os.close(fd)
time.sleep(0.5)
os._exit(3)
