"""Takes huge pages: from a store of the host's, which no limit of a run counts."""
import ctypes
import mmap

from attempt import call, libc, report

HUGE = 0x40000
libc.mmap.restype = ctypes.c_void_p
flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | HUGE
place = libc.mmap(None, ctypes.c_size_t(2 << 20), 3, flags, -1, ctypes.c_long(0))
report(mapped="done" if place not in (None, 2**64 - 1) else ctypes.get_errno(), file=call("memfd_create", b"x", 4))
