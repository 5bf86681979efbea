"""Stops all of its processes: what is stopped uses no processor time, and cannot end by itself."""
import os
import signal
import time

from attempt import report

main = os.getpid()
if os.fork() == 0:
    # Where nobody ends it, it goes on: that is for the control.
    time.sleep(3)
    os.kill(main, signal.SIGCONT)
    os._exit(0)
os.kill(main, signal.SIGSTOP)
report(survived=True)
