"""Which of the toolchains that a manifest names are on a machine.

Used in containers too, where it is part of a text: it imports nothing of ours.
"""
import glob
import os
import stat


def find_toolchains(tools, own=None):
    """All as {tool: path}, the preferred one first, from {tool: [pattern, ...]}.

    Each is a match of the first tool's patterns, and for every further tool the first match of its own, in which "{bin}" is
    the folder of the first. `own` is used in the place of all that the first has, and by its own name: a virtual environment
    is known by where its interpreter is.
    """
    first, *others = tools
    # One of each, however many names it has, and by the first of them: a program may ask what it was started as.
    mains = {}
    for path in [own] if own else _matches(tools[first]):
        mains.setdefault(os.path.realpath(path), path)
    found = []
    for real, main in mains.items():
        further = {name: _matches(pattern.replace("{bin}", os.path.dirname(real)) for pattern in tools[name]) for name in others}
        if all(further.values()):
            found.append({first: main, **{name: paths[0] for name, paths in further.items()}})
    return found


def _matches(patterns):
    paths = [path for pattern in patterns for path in sorted(glob.glob(pattern))]
    return [path for path in paths if os.path.isfile(path) and os.access(path, os.X_OK) and _is_open(path)]


def _is_open(path):
    """Whether runs, which are other users than root, can get to it. As an ordinary user they are that user."""
    real = os.path.realpath(path)
    parents = [real[:at] for at, character in enumerate(real) if character == "/" and at]
    return os.getuid() != 0 or all(os.stat(each).st_mode & stat.S_IXOTH for each in (*parents, real))
