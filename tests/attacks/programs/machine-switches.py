"""Turns the machine's own switches: modules, restart, swap, clocks, names, ports, accounting, logs."""
import ctypes

from attempt import call, report

time = (ctypes.c_int64 * 2)(0, 0)
attempts = {
    "init_module": ("init_module", b"", 0, b""),
    "finit_module": ("finit_module", -1, b"", 0),
    "delete_module": ("delete_module", b"no-such-module", 0),
    "kexec_load": ("kexec_load", 0, 0, None, 0),
    # Without the magic number: where it is not refused, nothing happens all the same.
    "reboot": ("reboot", 0, 0, 0, None),
    "swapon": ("swapon", b"/nonexistent", 0),
    "swapoff": ("swapoff", b"/nonexistent"),
    "settimeofday": ("settimeofday", None, None),
    "clock_settime": ("clock_settime", 12345, time),
    "adjtimex": ("adjtimex", (ctypes.c_uint64 * 32)()),
    "sethostname": ("sethostname", b"attacked", 8),
    "setdomainname": ("setdomainname", b"attacked", 8),
    "iopl": ("iopl", 0),
    "ioperm": ("ioperm", 0, 0, 0),
    "acct": ("acct", b"/nonexistent"),
    "quotactl": ("quotactl", 0, None, 0, None),
    "syslog": ("syslog", 10, None, 0),
}
results = {name: call(*words) for name, words in attempts.items()}
allowed = sorted(name for name, result in results.items() if result not in ("EPERM", "ENOSYS"))
report(allowed=allowed, results=results)
