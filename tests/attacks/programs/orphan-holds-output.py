"""Ends while a child keeps its output open, so that whoever waits for the end of it waits for long."""
import os
import time

from attempt import report

if os.fork() == 0:
    os.setsid()
    time.sleep(4)
    print("late", flush=True)
    os._exit(0)
report(done=True)
