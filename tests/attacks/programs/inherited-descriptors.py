"""Looks for open files of whoever started it, and for a way out of the root through them."""
import os
import stat

from attempt import GIVEN, attempt, report

names = sorted(int(name) for name in os.listdir("/proc/self/fd"))
# The last is the listing's own.
names.pop()
kinds = {stat.S_IFMT(os.stat(f"/proc/self/fd/{fd}").st_mode) for fd in names[:3]}
climbed = [fd for fd in range(64) if attempt(lambda: os.close(os.open(f"..{GIVEN['secretFile']}", os.O_RDONLY, dir_fd=fd))) == "done"]
report(open=names, pipes=kinds == {stat.S_IFIFO}, climbed=climbed)
