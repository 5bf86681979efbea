"""Enters the parts of the kernel that programs have no use for, and attackers do."""
import ctypes
import os

from attempt import call, report

zeros = (ctypes.c_uint64 * 16)()
# perf_event_attr: hardware cycles of this process in user mode alone.
event = (ctypes.c_uint64 * 16)(128 << 32, 0, 0, 0, 0, 1 << 5 | 1 << 6)
attempts = {
    "userfaultfd": ("userfaultfd", 1),
    "bpf": ("bpf", 0, (ctypes.c_uint32 * 32)(2, 4, 8, 1), 120),
    "perf_event_open": ("perf_event_open", (ctypes.c_uint32 * 32)(1, 128), 0, -1, -1, 0),
    "memfd_secret": ("memfd_secret", 0),
    "modify_ldt": ("modify_ldt", 0, zeros, 16),
    "vmsplice": ("vmsplice", 1, zeros, 0, 0),
    "process_madvise": ("process_madvise", -1, zeros, 0, 0, 0),
    "mbind": ("mbind", 0, 0, 0, 0, 0, 0),
    "fanotify_init": ("fanotify_init", 0, os.O_RDONLY),
    "inotify_init1": ("inotify_init1", 0),
    "syncfs": ("syncfs", 0),
}
results = {name: call(*words) for name, words in attempts.items()}
report(results=results, refused=sorted(set(results.values())))
