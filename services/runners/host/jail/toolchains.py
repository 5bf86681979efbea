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


def explain_lack(tools):
    """Why there is none though something is where a tool may be; None where nothing is."""
    for patterns in tools.values():
        for path in _paths(patterns):
            problem = _problem(path)
            if problem:
                return f"{path} {problem}"
    return None


def _matches(patterns):
    return [path for path in _paths(patterns) if not _problem(path)]


def _paths(patterns):
    return [path for pattern in patterns for path in sorted(glob.glob(pattern))]


def _problem(path):
    """Why a path is no tool, or None."""
    if os.path.isdir(path):
        return "is a folder: name the program in it"
    if not os.path.isfile(path):
        return "is a link to nothing" if os.path.islink(path) else "is no file"
    if not os.access(path, os.X_OK):
        return "may not be executed: chmod a+rx"
    if not _is_open(path):
        return "is closed to other users, as which programs run: chmod a+rx it and the folders above it"
    return None


def _is_open(path):
    """Whether runs, which are other users than root, can get to it. As an ordinary user they are that user."""
    real = os.path.realpath(path)
    parents = [real[:at] for at, character in enumerate(real) if character == "/" and at]
    return os.getuid() != 0 or all(os.stat(each).st_mode & stat.S_IXOTH for each in (*parents, real))
