"""Takes its system-call filter away, lays another over it that allows everything, and execs to see whether it is still there."""
import ctypes
import subprocess
import sys

from attempt import call, in_child, libc, report


def allow_all():
    rule = (ctypes.c_uint16 * 4)(6, 0, 0, 0x7FFF)
    program = (ctypes.c_uint64 * 2)(1, ctypes.addressof(rule))
    libc.prctl(22, ctypes.c_ulong(2), program, 0, 0)
    return call("unshare", 0x10000000)


off = in_child(lambda: "done" if libc.prctl(22, 0, 0, 0, 0) == 0 else "refused")
code = "import ctypes, os; l = ctypes.CDLL(None); print(l.unshare(0x10000000))"
afterwards = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip()
with open("/proc/self/status") as file:
    mode = next(line.split()[1] for line in file if line.startswith("Seccomp:"))
report(mode=mode, off=off, over=in_child(allow_all), afterwards=afterwards)
