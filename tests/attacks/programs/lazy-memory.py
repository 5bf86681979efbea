"""Maps a terabyte and touches nothing of it: no harm, and no offence."""
import mmap

from attempt import report

held = mmap.mmap(-1, 1 << 40, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)  # MAP_NORESERVE
report(mapped=len(held) >> 40)
