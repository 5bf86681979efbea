"""Sets up io_uring, which makes calls that no filter sees."""
import ctypes

from attempt import call, report

report(setup=call("io_uring_setup", 8, (ctypes.c_uint32 * 30)()))
