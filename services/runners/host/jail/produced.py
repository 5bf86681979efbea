"""What a program has left in a folder: found and read by the monitor when nobody lives any more who could change it.

The program chose the names, kinds and sizes, so no name is followed anywhere: each part of a path is opened by itself.
Used in containers too, where it is part of a text: it imports nothing of ours.
"""
import os
import stat

_CHUNK = 64 * 1024
_MOST_DEPTH = 8
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Not to wait for anybody at a pipe.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def find_produced(parent, name):
    """The paths below a folder that may be files to read, in the byte order of their names; then how many other things are
    there. Folders count for nothing."""
    paths, others = [], [0]
    try:
        folder = os.open(name, _FOLDER, dir_fd=parent)
    except OSError:
        return [], 0  # it was taken away, or is something else
    _walk(folder, "", 1, paths, others)
    return sorted(paths, key=os.fsencode), others[0]


def _walk(folder, path, depth, paths, others):
    """Closes the folder."""
    try:
        with os.scandir(folder) as entries:
            listed = [(entry.name, entry.is_dir(follow_symlinks=False), entry.is_file(follow_symlinks=False)) for entry in entries]
        for name, is_folder, is_file in listed:
            if is_file and _is_plain(name):
                paths.append(path + name)
            elif is_folder and _is_plain(name) and depth < _MOST_DEPTH:
                _walk(os.open(name, _FOLDER, dir_fd=folder), f"{path}{name}/", depth + 1, paths, others)
            else:
                others[0] += 1
    finally:
        os.close(folder)


def _is_plain(name):
    """Whether it can be said in any answer: UTF-8, without control characters."""
    return name.isprintable()


def read_produced(parent, name, paths, most_files, most_bytes):
    """Each piece as (path, executable, bytes), then None for every file that is left out, for it would be past the limits."""
    files = 0
    for path in paths:
        fd = _open(parent, f"{name}/{path}")
        try:
            mode, size = os.fstat(fd).st_mode, os.fstat(fd).st_size
            if files == most_files or size > most_bytes or not stat.S_ISREG(mode):
                yield None
                continue
            files, most_bytes = files + 1, most_bytes - size
            executable = bool(mode & stat.S_IXUSR)
            if not size:
                yield path, executable, b""
            while size > 0 and (data := os.read(fd, min(size, _CHUNK))):
                size -= len(data)
                yield path, executable, data
        finally:
            os.close(fd)


def _open(parent, path):
    *folders, name = path.split("/")
    opened = []
    try:
        for folder in folders:
            parent = os.open(folder, _FOLDER, dir_fd=parent)
            opened.append(parent)
        return os.open(name, _FILE, dir_fd=parent)
    finally:
        for fd in opened:
            os.close(fd)
