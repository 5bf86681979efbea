"""Eight children that each hold less than the limit, and far more together."""
import os
import time

from attempt import report

for _ in range(8):
    if os.fork() == 0:
        held = b"x" * (48 << 20)
        time.sleep(1)
        os._exit(0)
codes = [os.wait()[1] for _ in range(8)]
report(survived=codes.count(0))
