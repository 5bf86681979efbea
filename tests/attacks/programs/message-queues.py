"""Makes POSIX message queues and locked memory: both count against a user of the host."""
import ctypes
import mmap

from attempt import call, report

memory = mmap.mmap(-1, 8 << 20)
place = ctypes.addressof(ctypes.c_char.from_buffer(memory))
report(queue=call("mq_open", b"q", 0o100 | 2, 0o600, None), lock=call("mlock", place, 8 << 20))
