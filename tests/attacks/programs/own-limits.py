"""Raises its own limits: by the call, by cgroup files, by a better place in the queue for the processor and against being killed."""
import os
import resource

from attempt import SUPERVISOR, attempt, report

results = {}
for name in ("CORE", "CPU", "FSIZE", "NOFILE", "NPROC", "MEMLOCK", "SIGPENDING", "MSGQUEUE", "NICE", "RTPRIO"):
    kind = getattr(resource, f"RLIMIT_{name}")
    results[name] = attempt(lambda: resource.setrlimit(kind, (resource.RLIM_INFINITY,) * 2))
for path in (
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    "/sys/fs/cgroup/pids/cgroup.procs",
    "/sys/fs/cgroup/cgroup.procs",
):
    results[path] = attempt(lambda: os.close(os.open(path, os.O_WRONLY)))


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


results["oom"] = attempt(lambda: write("/proc/self/oom_score_adj", "-1000"))
results["oom of another"] = attempt(lambda: write(f"/proc/{SUPERVISOR}/oom_score_adj", "1000"))
results["nice"] = attempt(lambda: os.setpriority(os.PRIO_PROCESS, 0, -10))
results["real time"] = attempt(lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)))
report(done=sorted(name for name, result in results.items() if result == "done"))
