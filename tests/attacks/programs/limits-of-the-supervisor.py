"""Changes what the process that watches it may use and how soon it gets a processor: with one user for all it has the right to."""
import ctypes
import os

from attempt import SUPERVISOR, attempt, call, report

same = (ctypes.c_ulong * 2)()
results = {}
for target in (1, SUPERVISOR):
    results[f"read {target}"] = call("prlimit64", target, 7, None, same)
    results[f"limit {target}"] = call("prlimit64", target, 7, same, None)
    results[f"affinity {target}"] = attempt(lambda: os.sched_setaffinity(target, os.sched_getaffinity(0)))
    results[f"priority {target}"] = attempt(lambda: os.setpriority(os.PRIO_PROCESS, target, 1))
    results[f"policy {target}"] = attempt(lambda: os.sched_setscheduler(target, os.SCHED_BATCH, os.sched_param(0)))
    results[f"io {target}"] = call("ioprio_set", 1, target, 2 << 13 | 7)
results["whole user"] = attempt(lambda: os.setpriority(os.PRIO_USER, 0, 1))
results["io of the user"] = call("ioprio_set", 3, 0, 2 << 13 | 7)
report(done=sorted(name for name, result in results.items() if result == "done"))
