"""Fills shared memory and drops it from its own page tables: it is held all the same."""
import ctypes
import mmap
import time

from attempt import report

held = []
for _ in range(24):
    piece = mmap.mmap(-1, 16 << 20)
    ctypes.memset(ctypes.addressof(ctypes.c_char.from_buffer(piece)), 1, 16 << 20)
    piece.madvise(mmap.MADV_DONTNEED)
    held.append(piece)
time.sleep(0.2)
report(heldMiB=sum(len(piece) for piece in held) >> 20)
