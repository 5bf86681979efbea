"""Sleeps past its time."""
import time

from attempt import report

time.sleep(3)
report(survived=True)
