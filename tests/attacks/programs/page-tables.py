"""Makes the kernel hold page tables for memory that it only reads: one table for each two mebibytes, and no page of its own."""
import mmap
import time

from attempt import report

PIECE = 2 << 20
area = mmap.mmap(-1, 256 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)
area.madvise(mmap.MADV_NOHUGEPAGE)
for n in range(50_000):
    area[n * PIECE]
time.sleep(1)  # longer than a look at so many tables takes, where memory is measured by looking
with open("/proc/self/status") as file:
    tables = next(int(line.split()[1]) for line in file if line.startswith("VmPTE"))
report(heldMiB=tables >> 10)
