"""Becomes root or anybody else: by the calls, by capabilities, by a set-user-id program of the system's and one of its own."""
import ctypes
import os
import shutil
import subprocess

from attempt import attempt, call, in_child, libc, report


def raise_capabilities():
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    return call("capset", header, (ctypes.c_uint32 * 6)(*[0xFFFFFFFF] * 6))


attempts = {
    "setuid": lambda: attempt(lambda: os.setuid(0)),
    "setresuid": lambda: attempt(lambda: os.setresuid(-1, 0, -1)),
    "setgid": lambda: attempt(lambda: os.setgid(0)),
    "setgroups": lambda: attempt(lambda: os.setgroups([0])),
    "other": lambda: attempt(lambda: os.setuid(os.getuid() + 1)),
    "capabilities": raise_capabilities,
    "ambient": lambda: "done" if libc.prctl(47, 2, 21, 0, 0) == 0 else "refused",
    "no_new_privs off": lambda: "done" if libc.prctl(38, 0, 0, 0, 0) == 0 else "refused",
}
results = {name: in_child(action) for name, action in attempts.items()}
with open("/proc/self/status") as file:
    status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
show = shutil.which("id") or "/usr/bin/id"
shutil.copy(os.path.realpath(show), "/work/id")
os.chmod("/work/id", 0o6755)
ids = {subprocess.run([path, "-u"], capture_output=True, text=True).stdout.strip() for path in ("/work/id", show)}
report(
    done=sorted(name for name, result in results.items() if result == "done"),
    capabilities=sorted({status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}),
    noNewPrivs=status["NoNewPrivs"],
    root=0 in os.getresuid() + os.getresgid(),
    ids=len(ids | {str(os.getuid())}),
)
