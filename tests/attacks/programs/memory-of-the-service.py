"""Reads all of its own memory, which may be that of a fork of the platform's, looks for memory that it shares with others, and asks the interpreter for what is left there."""
import gc
import sys

from attempt import SECRET, report



def _kinds(*names):
    return [type(one).__name__ for one in gc.get_objects() if type(one).__name__ in names]


found, shared = set(), []
with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
    for line in maps:
        span, mode = line.split()[:2]
        if mode[1] == "w" and mode[3] == "s":
            shared.append(line)
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
services = _kinds("_Service", "_Monitor", "Slot")
# What was set aside so that no collection touches it, of a run before this one too.
gc.unfreeze()
runs = _kinds("Sandbox", "Relay", "_Stream", "Request", "Reader")
report(found=sorted(found), shared=shared, frames=frames, services=services, runs=runs)
