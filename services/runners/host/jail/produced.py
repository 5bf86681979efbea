"""What a program has left in a folder: found and read by the monitor when nobody lives any more who could change it.

The program chose the names, kinds, sizes and how many there are, so no name is followed anywhere: each part of a path is
opened by itself. And only as much is held of them as may be sent.
Used in containers too, where it is part of a text: it imports nothing of ours.
"""
import os
import stat

_CHUNK = 64 * 1024
_MOST_DEPTH = 8
_MOST_PATH_BYTES = 1024
# So many times the files that may be sent are remembered: some of them will be too large, or no files after all.
_SPARE = 4
# Things that are looked at between two questions whether to go on.
_AT_ONCE = 256
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Not to wait for anybody at a pipe.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def find_produced(parent, name, most_files, may_go_on):
    """The paths below a folder that may be files to read, as bytes and in their order: not all there are, but the first, and
    some more of them than `most_files`. Then how many other things are there. Folders count for nothing,
    but where they are not looked into: those that are too deep, or closed.

    `may_go_on` is asked every now and then. Where it says no, all that was not seen by then counts as one.
    """
    finder = _Finder(_SPARE * most_files, may_go_on)
    folder = _open(parent, os.fsencode(name), _FOLDER)
    if folder is None:
        return [], 0  # it was taken away, or is something else
    whole = finder.walk(folder, b"", 1)
    finder.forget_the_last()
    return finder.paths, finder.others + (not whole)


class _Finder:
    def __init__(self, most_paths, may_go_on):
        self.paths = []
        self.others = 0
        self._most_paths = most_paths
        self._may_go_on = may_go_on
        self._seen = 0

    def walk(self, folder, path, depth):
        """Whether it saw all. Closes the folder."""
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    self._seen += 1
                    if self._seen % _AT_ONCE == 0 and not self._may_go_on():
                        return False
                    if not self._see(folder, path, depth, entry):
                        return False
        finally:
            os.close(folder)
        return True

    def _see(self, folder, path, depth, entry):
        below = path + os.fsencode(entry.name)
        if len(below) <= _MOST_PATH_BYTES and _is_plain(entry.name):
            if entry.is_file(follow_symlinks=False):
                self._keep(below)
                return True
            if entry.is_dir(follow_symlinks=False) and depth < _MOST_DEPTH:
                inner = _open(folder, os.fsencode(entry.name), _FOLDER)
                if inner is not None:
                    return self.walk(inner, below + b"/", depth + 1)
        self.others += 1
        return True

    def _keep(self, path):
        self.paths.append(path)
        if len(self.paths) > 2 * self._most_paths + _AT_ONCE:
            self.forget_the_last()

    def forget_the_last(self):
        """Put the paths in their order, and only count those beyond what is remembered."""
        self.paths.sort()
        self.others += max(0, len(self.paths) - self._most_paths)
        del self.paths[self._most_paths :]


def _is_plain(name):
    """Whether it can be said in any answer, and means the same everywhere: UTF-8, without control characters or backslash."""
    return name.isprintable() and "\\" not in name


def read_produced(parent, name, paths, most_files, most_bytes):
    """Each piece as (path, executable, bytes), then None for every file that is left out, for it would be past the limits."""
    files = 0
    for path in paths:
        fd = None if files == most_files else _open(parent, os.fsencode(name) + b"/" + path, _FILE)
        if fd is None:
            yield None
            continue
        try:
            mode, size = os.fstat(fd).st_mode, os.fstat(fd).st_size
            if size > most_bytes or not stat.S_ISREG(mode):
                yield None
                continue
            files, most_bytes = files + 1, most_bytes - size
            executable = bool(mode & stat.S_IXUSR)
            if not size:
                yield path.decode(), executable, b""
            while size > 0 and (data := os.read(fd, min(size, _CHUNK))):
                size -= len(data)
                yield path.decode(), executable, data
        finally:
            os.close(fd)


def _open(parent, path, flags):
    """None where it cannot be opened: the program may have closed it to its own user, which we are in some jails."""
    *folders, name = path.split(b"/")
    opened = []
    try:
        for folder in folders:
            parent = os.open(folder, _FOLDER, dir_fd=parent)
            opened.append(parent)
        return os.open(name, flags, dir_fd=parent)
    except OSError:
        return None
    finally:
        for fd in opened:
            os.close(fd)
