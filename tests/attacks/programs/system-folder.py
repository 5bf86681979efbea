"""Looks for /sys and what can be switched there: power, the uevent helper, a cgroup's release agent."""
import glob
import os

from attempt import attempt, call, in_child, report

there = [path for path in ("/sys", "/sys/power/state", "/sys/kernel/uevent_helper", "/sys/fs/cgroup", "/sys/kernel/security") if os.path.exists(path)]
agents = [path for path in glob.glob("/sys/fs/cgroup/**/release_agent", recursive=True) if attempt(lambda: os.close(os.open(path, os.O_WRONLY))) == "done"]


def mount_groups():
    call("unshare", 0x10000000 | 0x20000 | 0x2000000)
    return call("mount", b"x", b"/tmp", b"cgroup2", 0, None)


with open("/proc/self/cgroup") as file:
    groups = sorted({line.rstrip("\n").split(":", 2)[2] for line in file})
report(there=there, agents=agents, mounted=in_child(mount_groups), groups=groups)
