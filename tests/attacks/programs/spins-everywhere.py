"""Spins in eight processes that ignore the signal which says that their processor time is over."""
import os
import signal
import time

from attempt import report

signal.signal(signal.SIGXCPU, signal.SIG_IGN)
for _ in range(3):
    os.fork()
until = time.monotonic() + 4
while time.monotonic() < until:
    pass
report(survived=True)
