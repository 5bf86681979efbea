"""Makes files of 10 GiB that take no room: by truncating, by seeking, by allocating."""
import os

from attempt import attempt, report

SIZE = 10 << 30
fd = os.open("/work/sparse", os.O_CREAT | os.O_RDWR)
facts = {
    "truncate": attempt(lambda: os.ftruncate(fd, SIZE)),
    "seek": attempt(lambda: os.pwrite(fd, b"x", SIZE)),
    "allocate": attempt(lambda: os.posix_fallocate(fd, SIZE, 4096)),
}
report(**facts, size=os.fstat(fd).st_size)
