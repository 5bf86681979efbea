"""Counts the processes that it can see or send a signal to."""
import os

from attempt import attempt, processes, report

signalled = [pid for pid in range(1, 5000) if pid != os.getpid() and attempt(lambda: os.kill(pid, 0)) == "done"]
report(seen=sorted(set(processes()) - {1, os.getpid()}), signalled=[pid for pid in signalled if pid != 1])
