"""Makes timers of the kernel's until it is refused: each takes a signal's place in a queue."""
import ctypes

from attempt import call, report

made, refused = 0, "never"
while made < 5000:
    result = call("timer_create", 1, None, ctypes.c_int())
    if result != "done":
        refused = result
        break
    made += 1
report(made=made, refused=refused)
