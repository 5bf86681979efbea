"""What a run uses, measured by looking at its processes: where the machine gives no control group that would count.

Called in the namespaces of the run, whose /proc shows its processes and no others.
"""
import os

from .maker import WRITABLE


def cpu_ms():
    """Processor time in milliseconds: of the living, and of the dead that their parents have waited for."""
    ticks = 0
    for pid in _processes():
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
            ticks += sum(int(field) for field in fields[11:15])
        except (OSError, IndexError):
            pass  # it ended meanwhile
    return ticks * 1000 / os.sysconf("SC_CLK_TCK")


def memory_bytes():
    """Bytes that the run holds: its processes' share of what they map, the tables for that, and its temporary files."""
    total = 0
    for pid in _processes():
        try:
            total += _held(pid)
        except OSError:
            pass  # it ended meanwhile
    for folder, _, _ in WRITABLE:
        state = os.statvfs(folder)
        total += (state.f_blocks - state.f_bfree) * state.f_frsize
    return total


def _held(pid):
    folder = f"/proc/{pid}"
    tables = _field(f"{folder}/status", b"VmPTE:")
    if tables == 0:
        # Its first thread has ended: what is left of the process shows in the others, if there are any.
        others = [thread for thread in os.listdir(f"{folder}/task") if thread != pid]
        if not others:
            return 0
        folder = f"{folder}/task/{others[0]}"
        tables = _field(f"{folder}/status", b"VmPTE:")
    try:
        held = _field(f"{folder}/smaps_rollup", b"Pss:")
        # The walk over many tables takes long enough to make many more: they count as they are after it.
        return held + max(tables, _field(f"{folder}/status", b"VmPTE:"))
    except PermissionError:
        # It has made itself undumpable. Nobody can hide this, which counts shared pages in full.
        return tables + _field(f"{folder}/status", b"VmRSS:")


def _field(path, name):
    """The value of a line such as "Pss: 4 kB", in bytes; 0 where there is none, as when the process is a zombie."""
    with open(path, "rb") as file:
        for line in file:
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return 0


def _processes():
    # Process 1 is the sandbox's own, and shares the maker's memory.
    return [name for name in os.listdir("/proc") if name.isdigit() and name != "1"]
