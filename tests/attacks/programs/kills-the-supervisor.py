"""A child kills its parents, up to process 1, so that nobody is left to tell how the run ended, and ends with success."""
import os
import signal
import time

from attempt import SUPERVISOR, attempt

main = os.getpid()
if os.fork() == 0:
    attempt(lambda: os.kill(SUPERVISOR, signal.SIGKILL))
    os.kill(main, signal.SIGKILL)
    os._exit(0)
time.sleep(3)
