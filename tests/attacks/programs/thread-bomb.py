"""Starts threads until it is refused."""
import _thread
import time

from attempt import report

_thread.stack_size(64 << 10)
made, refused = 0, "never"
try:
    while made < 400:
        _thread.start_new_thread(time.sleep, (2,))
        made += 1
except RuntimeError as reason:
    refused = str(reason)
report(made=made, refused=refused)
