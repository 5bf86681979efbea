"""Sends a signal to every process that it may send one to."""
import os
import signal

from attempt import attempt, report, sleeper

sleeper()
result = attempt(lambda: os.kill(-1, signal.SIGKILL))
report(killed=result)
os._exit(6)
