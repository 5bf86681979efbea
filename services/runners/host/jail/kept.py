"""Large files that come again and again, such as a compiled program: whoever asks for a run names them, and sends only those
that are not kept here. Sending them costs more than a short run.

They are in a file system that is mounted nowhere any more: no path leads to it, and no program has a descriptor of it.
What a run gets is a copy, its own to change and charged to it.
"""
import errno
import io
import os
import time

from . import linux
from .linux import MS_NODEV, MS_NOEXEC, MS_NOSUID

ROOM_BYTES = 64 << 20
INODES = 4096
DRAFT = "."  # begins the name of a file that is still being written
DRAFT_SECONDS = 60  # far longer than that takes


def make():
    """A descriptor of the place, for `Kept`: once, for all slots, by who may mount. Call when those up to JOB_FD are taken."""
    options = f"size={ROOM_BYTES},nr_inodes={INODES},mode=700"
    linux.mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options)
    folder = os.open("/tmp", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    linux.umount("/tmp")
    return folder


class Kept:
    """The place, as every monitor has it: they use it at the same time, so what one sees may be gone the next moment. Where
    anything fails here, the file is sent as if it were not kept."""

    def __init__(self, folder):
        # Opened anew: whoever lists a folder moves the position of all that share its descriptor.
        self._folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
        os.close(folder)

    def find(self, name):
        """The file, open until it is forgotten; or None where it is not here."""
        try:
            found = io.FileIO(os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._folder))
            os.utime(found.fileno())  # those that were not used for the longest time go first
            return found
        except OSError:
            return None

    def keeping(self, name, size, pieces):
        """The pieces as they come. They are kept on the way, where there is room, and found once the last has come."""
        draft = f"{DRAFT}{os.getpid()}"
        fd = self._begin(draft, name, size)
        try:
            for piece in pieces:
                if fd is not None and not _write_all(fd, piece):
                    os.close(fd)
                    fd = None
                    self._remove(draft)
                yield piece
            if fd is not None:
                self._finish(draft, name)
        finally:
            if fd is not None:
                os.close(fd)
                self._remove(draft)

    def _begin(self, draft, name, size):
        """None where it is there by now, or cannot have its room."""
        try:
            if os.access(name, os.F_OK, dir_fd=self._folder):
                return None
            self._make_room(size)
            return os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=self._folder)
        except OSError:
            return None

    def _finish(self, draft, name):
        try:
            os.rename(draft, name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        except OSError:
            pass  # it is not kept, then

    def _make_room(self, size):
        """Raises OSError where that is not to be had: what is removed takes its room for as long as somebody reads it."""
        if self._has_room(size):
            return
        for name in sorted(filter(self._may_go, os.listdir(self._folder)), key=self._used_at):
            self._remove(name)
            if self._has_room(size):
                return
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _has_room(self, size):
        state = os.fstatvfs(self._folder)
        return state.f_bfree * state.f_frsize >= size and state.f_ffree > 0

    def _may_go(self, name):
        """Of drafts only those whose monitor was killed."""
        return not name.startswith(DRAFT) or time.time() - self._used_at(name) > DRAFT_SECONDS

    def _used_at(self, name):
        try:
            return os.stat(name, dir_fd=self._folder).st_mtime
        except OSError:
            return 0.0

    def _remove(self, name):
        try:
            os.unlink(name, dir_fd=self._folder)
        except OSError:
            pass  # somebody else needed room, or it has its name


def _write_all(fd, data):
    """False where there is no room after all: others write too."""
    try:
        linux.write_all(fd, data)
        return True
    except OSError:
        return False
