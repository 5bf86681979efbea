"""Large files that come again and again, such as a compiled program: whoever asks for a run names them, and sends only those
that are not kept here. Sending them costs more than a short run.

They are in a file system that is mounted nowhere any more: no path leads to it, and no program has a descriptor of it.
What a run gets is a copy, its own to change and charged to it.
"""
import errno
import io
import os

from . import linux
from .linux import MS_NODEV, MS_NOEXEC, MS_NOSUID

ROOM_BYTES = 64 << 20
INODES = 4096
DRAFT = "."  # begins the name of a file that is still being written


def make():
    """A descriptor of the place, for `Kept`: once, for all slots, by who may mount."""
    options = f"size={ROOM_BYTES},nr_inodes={INODES},mode=700"
    linux.mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options)
    folder = os.open("/tmp", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    linux.umount("/tmp")
    return folder


class Kept:
    """The place, as every monitor has it: they use it at the same time, so what one sees may be gone the next moment."""

    def __init__(self, folder):
        self._folder = folder

    def find(self, name):
        """The file, open until it is forgotten; or None where it is not here."""
        try:
            found = io.FileIO(os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._folder))
        except FileNotFoundError:
            return None
        os.utime(found.fileno())  # those that were not used for the longest time go first
        return found

    def keeping(self, name, size, pieces):
        """The pieces as they come. They are kept on the way, where there is room, and found once the last has come."""
        draft = f"{DRAFT}{os.getpid()}"
        fd = self._begin(draft, size)
        try:
            for piece in pieces:
                if fd is not None and not _write_all(fd, piece):
                    os.close(fd)
                    fd = None
                yield piece
            if fd is not None:
                self._finish(draft, name)
        finally:
            if fd is not None:
                os.close(fd)

    def _begin(self, draft, size):
        """None where it cannot have its room."""
        try:
            self._make_room(size)
            return os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600, dir_fd=self._folder)
        except OSError:
            return None

    def _finish(self, draft, name):
        try:
            os.rename(draft, name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        except FileNotFoundError:
            pass  # it had to make room for another's

    def _make_room(self, size):
        """Raises OSError where that is not to be had: what is removed takes its room for as long as somebody reads it."""
        if self._has_room(size):
            return
        for name in sorted(os.listdir(self._folder), key=self._used_at):
            self._remove(name)
            if self._has_room(size):
                return
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _has_room(self, size):
        state = os.fstatvfs(self._folder)
        return state.f_bfree * state.f_frsize >= size and state.f_ffree > 0

    def _used_at(self, name):
        try:
            return os.stat(name, dir_fd=self._folder).st_mtime_ns
        except FileNotFoundError:
            return 0

    def _remove(self, name):
        try:
            os.unlink(name, dir_fd=self._folder)
        except FileNotFoundError:
            pass  # somebody else needed room


def _write_all(fd, data):
    """False where there is no room after all: others write too."""
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(fd, view) :]
        return True
    except OSError:
        return False
