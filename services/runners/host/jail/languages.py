"""What the manifests ask of a machine: which of their tools are here, what must be shown for them, and why a language cannot be
had. The trouble of one language is its own: it keeps neither the jail nor another language from starting.
"""
import collections
import glob
import json
import os

from . import maker, rootfs
from .toolchains import explain_lack, find_toolchains

# `toolchains` as {language: [{tool: path}, ...]}, the preferred one first; `problems` as {language: why it has none, where there
# is more to say than that its tools are missing}; `binds` are paths to show; `zygote` what the service itself runs in, as
# (interpreter, environment): that of the language whose programs run in forks of it, or None.
Found = collections.namedtuple("Found", "toolchains problems binds zygote")

# Of these each run has its own, or, for the sake of the host, nothing.
CLOSED = (*(folder for folder, _, _ in maker.WRITABLE), "/proc", "/sys", "/dev", rootfs.TOOLCHAINS)
# So much of the host that no language needs all of it.
TOO_MUCH = ("/", "/etc", "/home", "/root", "/run", "/var")
OWN_FILES = tuple(f"/etc/{name}" for name in rootfs.OWN_ETC)
SEEN_ANYWAY = tuple(f"/etc/{name}" for name in rootfs.ETC_FOLDERS)


class _Problem(Exception):
    """Why this language cannot be had; the message says what to do."""


def find_languages(folder, given):
    """All of them. `given` is {language: a tool in the place of all that its manifest names first}."""
    toolchains, problems, binds, zygote = {}, {}, set(), None
    for path in sorted(glob.glob(os.path.join(glob.escape(folder), "*", "runner.json"))):
        # Not what the manifest says: it may say anything. The host refuses one whose name is not its folder's.
        name = os.path.basename(os.path.dirname(path))
        try:
            with open(path, encoding="utf-8") as file:
                manifest = json.load(file)
            found = find_toolchains(manifest["tools"], given.get(name))
            if not found:
                lack = explain_lack(manifest["tools"])
                if lack:
                    problems[name] = lack
                continue
            shown = _shown_for(found) | _wanted(manifest.get("shows", []))
            inside = (next(iter(found[0].values())), _texts(manifest.get("env", {}))) if manifest.get("warm") == "zygote" else None
        except _Problem as reason:
            problems[name] = str(reason)
        except Exception as reason:
            # No manifest at all: the host says so in better words.
            problems[name] = f"its runner.json cannot be used: {type(reason).__name__}: {reason}"
        else:
            toolchains[name] = found
            binds |= shown
            zygote = zygote or inside
    return Found(toolchains, problems, _topmost(binds), zygote)


def _shown_for(toolchains):
    """What tools outside of /usr need shown: the folder that each was installed to."""
    shown = set()
    for path in {path for tools in toolchains for path in tools.values()}:
        for each in {path, os.path.realpath(path)}:
            prefix = os.path.dirname(os.path.dirname(each))
            # A tool right below a folder of the root has no folder of its own.
            shown |= _allowed(each if prefix == "/" else prefix)
    return shown


def _wanted(patterns):
    """What a manifest shows beyond that."""
    shown = set()
    for pattern in patterns:
        found = [path for path in glob.glob(pattern) if os.path.exists(path)]
        if not found and not glob.has_magic(pattern):
            what = "is a link to nothing" if os.path.islink(pattern) else "is not there"
            raise _Problem(f"{pattern}, which its manifest shows, {what}: install what brings it, or take it out of \"shows\"")
        for path in found:
            shown |= _allowed(path)
    return shown


def _allowed(path):
    """The path, as a set, which is empty where every run sees it anyway."""
    path = "/" + os.path.normpath(path).lstrip("/")
    real = os.path.realpath(path)
    for each in (path, real):
        closed = next((folder for folder in CLOSED if _is_in(each, folder)), None)
        if closed:
            raise _Problem(f"{path} cannot be shown: it is in {closed}, of which each run has its own; move it elsewhere")
        if each in TOO_MUCH:
            raise _Problem(f"{path} cannot be shown: that is too much of the machine; name the folders in it that the tools read")
        if each in OWN_FILES:
            raise _Problem(f"{path} cannot be shown: each run has one that the jail made; the tools have to do with that")
    if not (os.path.isdir(real) or os.path.isfile(real)):
        raise _Problem(f"{path} cannot be shown: it is neither a file nor a folder")
    top = path.split("/")[1]
    seen = top in ("usr", "bin", "sbin") or top.startswith("lib") or any(_is_in(path, folder) for folder in SEEN_ANYWAY)
    return set() if seen else {path}


def _texts(env):
    if not all(isinstance(value, str) for value in env.values()):
        raise _Problem("its env must hold texts alone")
    return env


def _is_in(path, folder):
    return f"{path}/".startswith(f"{folder}/")


def _topmost(paths):
    """Without those that lie in another of them, which shows them already."""
    kept = []
    for path in sorted(paths):
        if not any(_is_in(path, other) for other in kept):
            kept.append(path)
    return kept
