"""Calls the kernel by the numbers of another architecture, which mean other calls: x32, and 32-bit by machine code."""
import ctypes
import mmap

from attempt import ARM, in_child, raw, report


def by_interrupt():
    if ARM:
        return "signal 31"
    # mov eax, 20 (getpid); int 0x80; ret
    code = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")
    return ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()


X32 = 0x40000000
report(x32=in_child(lambda: raw(X32 | 39)), unknown=in_child(lambda: raw(470)), interrupt=in_child(by_interrupt))
