"""Fills memory that is in nobody's mappings: memfd files and System V segments."""
import ctypes
import os
import time

from attempt import ARM, NUMBERS, call, libc, raw, report

held, segments = 0, []
made = raw(NUMBERS["memfd_create"][ARM], b"x", 0)
while made >= 0 and held < 400 << 20:
    # In pieces that no limit on a file's size stops.
    held += os.write(made, b"x" * (32 << 20))
    made = raw(NUMBERS["memfd_create"][ARM], b"x", 0)
libc.shmat.restype = ctypes.c_void_p
while held < 400 << 20:
    segment = raw(NUMBERS["shmget"][ARM], 0, 16 << 20, 0o1600)
    if segment < 0:
        break
    place = libc.shmat(segment, None, 0)
    ctypes.memset(place, 1, 16 << 20)
    libc.shmdt(ctypes.c_void_p(place))
    held += 16 << 20
    segments.append(segment)
time.sleep(0.2)
for segment in segments:
    libc.shmctl(segment, 0, None)
report(heldMiB=held >> 20, memfd="done" if made >= 0 else "refused", segment=call("shmget", 0, 4096, 0o1600))
