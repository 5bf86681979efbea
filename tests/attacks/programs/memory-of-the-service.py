"""Reads all of its own memory, which may be that of a fork of the platform's, and asks the interpreter for what is left there."""
import gc
import sys

from attempt import SECRET, report

found = set()
with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
    for line in maps:
        span, mode = line.split()[:2]
        if mode[0] != "r" or line.rstrip().endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
            continue
        start, end = (int(edge, 16) for edge in span.split("-"))
        try:
            memory.seek(start)
            found.update(SECRET.findall(memory.read(end - start)))
        except (OSError, OverflowError, ValueError):
            pass
frame, frames = sys._getframe(), []
while frame:
    frames.append(frame.f_code.co_name)
    frame = frame.f_back
services = [type(one).__name__ for one in gc.get_objects() if type(one).__name__ in ("_Service", "_Monitor", "_Run", "Slot")]
report(found=sorted(found), frames=frames, services=services)
