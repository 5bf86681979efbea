"""Ignores every signal that can be, blocks the rest, and sleeps past its time."""
import signal
import time

from attempt import report

for number in signal.valid_signals():
    try:
        signal.signal(number, signal.SIG_IGN)
    except OSError:
        pass
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
time.sleep(3)
report(survived=True)
