"""Learns how busy and how full the machine is: what neighbours do shows in it."""
import ctypes
import os

from attempt import libc, report

state = os.statvfs("/usr")
info = (ctypes.c_ulong * 16)()
libc.sysinfo(info)
report(disk=state.f_bfree > 0, load=info[1] > 0 or info[2] > 0 or info[3] > 0, files=[name for name in ("loadavg", "meminfo", "stat", "uptime") if os.path.exists(f"/proc/{name}")])
