"""Writes the kernel's switches: what it does at a crash, restarts, what it may load; by the path and through a /proc of its own."""
import os

from attempt import attempt, call, in_child, report

results = {}
for path in (
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/hostname",
    "/proc/sys/kernel/modprobe",
    "/proc/sys/vm/drop_caches",
    "/proc/sys/net/ipv4/ip_forward",
    "/proc/sysrq-trigger",
    "/proc/irq/0/smp_affinity",
    "/proc/mtrr",
    "/proc/bus/pci",
    "/proc/acpi",
    "/proc/scsi/scsi",
    "/proc/timer_list",
    "/proc/self/sessionid/../../sys/kernel/core_pattern",
):
    # Opening is all that is tried: where it works, writing would.
    results[path] = attempt(lambda: os.close(os.open(path, os.O_WRONLY)))


def own_proc():
    if call("unshare", 0x10000000 | 0x20000) != "done" or call("mount", b"x", b"/tmp", b"proc", 0, None) != "done":
        return "refused"
    return attempt(lambda: os.close(os.open("/tmp/sys/kernel/core_pattern", os.O_RDONLY)))


results["a /proc of its own"] = in_child(own_proc)
visible = sorted(name for name in os.listdir("/proc") if not name.isdigit())
report(done=sorted(name for name, result in results.items() if result == "done"), visible=visible)
