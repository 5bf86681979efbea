"""Traces, reads and writes processes that are not its own: the one that watches it, and another run's."""
import ctypes
import os

from attempt import ARM, NUMBERS, SUPERVISOR, attempt, call, processes, raw, read, report

word = ctypes.create_string_buffer(8)
results = {}
others = sorted({1, SUPERVISOR, *processes()} - {os.getpid()})
place = (ctypes.c_ulong * 2)(ctypes.addressof(word), 8)
for pid in others:
    results[f"seize {pid}"] = call("ptrace", 0x4206, pid, None, None)
    results[f"attach {pid}"] = call("ptrace", 16, pid, None, None)
    results[f"readv {pid}"] = call("process_vm_readv", pid, place, 1, place, 1, 0)
    results[f"writev {pid}"] = call("process_vm_writev", pid, place, 1, place, 1, 0)
    results[f"kcmp {pid}"] = call("kcmp", os.getpid(), pid, 0, 0, 0)
    pidfd = raw(NUMBERS["pidfd_open"][ARM], pid, 0)
    if pidfd >= 0:
        results[f"take a descriptor of {pid}"] = call("pidfd_getfd", pidfd, 0, 0)
    for name in ("mem", "environ", "maps", "stack", "syscall", "auxv", "io"):
        results[f"{name} {pid}"] = attempt(lambda: read(f"/proc/{pid}/{name}", 1))
    for name in ("root", "cwd", "exe"):
        results[f"{name} {pid}"] = attempt(lambda: os.readlink(f"/proc/{pid}/{name}"))
    results[f"fd {pid}"] = attempt(lambda: os.listdir(f"/proc/{pid}/fd"))
report(others=others, done=sorted(name for name, result in results.items() if result == "done"))
