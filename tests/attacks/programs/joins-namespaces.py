"""Joins namespaces that are there: its own again, process 1's, by file and by process."""
import os

from attempt import ARM, NUMBERS, SUPERVISOR, call, in_child, raw, report

results = {}
for pid in ("self", "1", str(SUPERVISOR)):
    for name in ("user", "mnt", "net", "pid", "ipc", "uts", "cgroup"):

        def join():
            try:
                fd = os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY)
            except OSError:
                return "closed"
            return call("setns", fd, 0)

        results[f"{name} of {pid}"] = in_child(join)
pidfd = raw(NUMBERS["pidfd_open"][ARM], SUPERVISOR, 0)
results["by process"] = in_child(lambda: call("setns", pidfd, 0x20000000))
allowed = sorted(name for name, result in results.items() if result not in ("EPERM", "closed"))
report(allowed=allowed)
