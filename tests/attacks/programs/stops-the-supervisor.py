"""Stops, slows, ends and crashes the process that watches it."""
import os
import signal

from attempt import ARM, NUMBERS, SUPERVISOR, attempt, call, raw, report

for name in ("SIGSTOP", "SIGTERM", "SIGHUP", "SIGSEGV", "SIGPIPE", "SIGCHLD"):
    attempt(lambda: os.kill(SUPERVISOR, getattr(signal, name)))
pidfd = raw(NUMBERS["pidfd_open"][ARM], SUPERVISOR, 0)
if pidfd >= 0:
    call("pidfd_send_signal", pidfd, signal.SIGSTOP, None, 0)
if os.fork() == 0:
    # Where that worked, it goes on: that is for the control.
    import time

    time.sleep(3)
    attempt(lambda: os.kill(SUPERVISOR, signal.SIGCONT))
    os._exit(0)
report(tried=SUPERVISOR)
os._exit(5)
