"""Looks for another run's memory: System V segments by key and by number, queues, and files of shared memory."""
import ctypes
import os

from attempt import ARM, GIVEN, NUMBERS, SECRET, libc, raw, report

found = []
libc.shmat.restype = ctypes.c_void_p
numbers = {raw(NUMBERS["shmget"][ARM], GIVEN["key"], 0, 0), *range(64)}
for number in numbers:
    place = libc.shmat(ctypes.c_int(number), None, 0o10000) if number >= 0 else None
    if place not in (None, 2**64 - 1):
        found += SECRET.findall(ctypes.string_at(place, 4096)) or ["a segment"]
for path in ("/proc/sysvipc/shm", "/dev/mqueue"):
    if os.path.exists(path):
        found.append(path)
report(found=found, files=os.listdir("/dev/shm"))
