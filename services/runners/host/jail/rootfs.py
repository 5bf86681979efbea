"""The file system that every run sees: a read-only skeleton with the host's runtimes in it, and nothing else of the host.

Built once, by the service, inside its own mount namespace. A run adds its own /work, /tmp, /dev/shm, /dev/pts and
/proc on top (monitor.py); the mount points for them are made here.
"""
import os

from .linux import (
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    MS_REMOUNT,
    mount,
    pivot_root_here,
)

HOSTNAME = "runlane"
# What a program's environment holds before its own variables; nothing of the host's.
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/work", "LANG": "C.UTF-8"}
# What the tools of languages have made for all programs (the host's setups.ts); the host fills it while runs go on.
TOOLCHAINS = "/toolchains"
# `tty` is to each process the terminal of its own session.
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2", "ptmx": "pts/ptmx"}
# Of the host's /etc only what programs cannot do without, and nothing that tells who the host is.
ETC_FILES = ("ld.so.cache", "localtime", "mime.types")
ETC_FOLDERS = ("alternatives",)
# What is written for the runs, whatever the host has by these names.
ETC_TEXTS = {
    "hosts": f"127.0.0.1 localhost\n::1 localhost\n127.0.1.1 {HOSTNAME}\n",
    "hostname": f"{HOSTNAME}\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\nservices: files\nprotocols: files\n",
    "resolv.conf": "",
}
OWN_ETC = ("passwd", "group", *ETC_TEXTS, *ETC_FILES)


def build(users, binds, toolchains):
    """Make the skeleton and make it the root. `users` are (name, uid); `binds` are files and folders to show at their own path,
    `toolchains` is one to show at TOOLCHAINS, or None."""
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    # Something that exists everywhere and hides nothing that is bound below.
    base = next(p for p in ("/mnt", "/srv", "/media", "/tmp") if os.path.isdir(p) and not _hides(p, [*binds, *filter(None, [toolchains])]))
    etc = {name: _content(f"/etc/{name}") for name in ETC_FILES}
    mount("tmpfs", base, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,nr_inodes=4096,mode=755")
    os.umask(0o022)
    for name in ("usr", "etc", "dev", "dev/pts", "dev/shm", "proc", "work", "tmp"):
        os.mkdir(f"{base}/{name}")
    _bind("/usr", f"{base}/usr")
    for name in sorted(os.listdir("/")):
        if not (name in ("bin", "sbin") or name.startswith("lib")) or name == "lost+found":
            continue
        if os.path.islink(f"/{name}"):
            os.symlink(os.readlink(f"/{name}"), f"{base}/{name}")
        else:
            os.mkdir(f"{base}/{name}")
            _bind(f"/{name}", f"{base}/{name}")
    for path in binds:
        if not path.startswith("/usr/"):
            _show(path, base + path)
    if toolchains:
        os.mkdir(base + TOOLCHAINS)
        _bind(toolchains, base + TOOLCHAINS)
    _fill_etc(f"{base}/etc", users, etc)
    # A machine without terminals, as some containers are, has no name for them either.
    for name in (name for name in DEVICES if name != "tty" or os.path.exists("/dev/tty")):
        os.close(os.open(f"{base}/dev/{name}", os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o666))
        _bind_device(f"/dev/{name}", f"{base}/dev/{name}")
    for name, target in LINKS.items():
        os.symlink(target, f"{base}/dev/{name}")
    # Complete and unmasked: the kernel refuses a run its own /proc where even one file of this one is covered.
    mount("proc", f"{base}/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    os.chdir(base)
    pivot_root_here()
    os.chdir("/")
    mount(None, "/", None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV)


def _show(path, target):
    """Show a file or a folder at its own path, and what a link leads to at the link's."""
    if os.path.isdir(path):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        _write(target, b"")
    _bind(path, target)


def _hides(base, binds):
    return any(path == base or path.startswith(base + "/") for path in binds)


def _bind(source, target):
    """Show something read-only. What is mounted below it comes too, for a user namespace may not leave it out."""
    mount(source, target, None, MS_BIND | MS_REC)
    mount(None, target, None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | _kept_flags(source))
    for point in _mounts_below(target):
        mount(None, point, None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | _kept_flags(point))


def _bind_device(source, target):
    """Show a device. Read-only, which keeps nobody from writing to it, but from setting the times that the host sees too."""
    mount(source, target, None, MS_BIND)
    mount(None, target, None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NOEXEC | _kept_flags(source))


def _kept_flags(path):
    """Flags of a mount that a user namespace may not take away, as mount() spells them."""
    flags = os.statvfs(path).f_flag
    kept = flags & (MS_NOEXEC | os.ST_NOATIME | os.ST_NODIRATIME)
    return kept | ((1 << 21) if flags & os.ST_RELATIME else 0)


def _mounts_below(target):
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as lines:
        points = [line.split(" ")[4].encode().decode("unicode_escape") for line in lines]
    return [point for point in points if point.startswith(target + "/")]


def _content(path):
    try:
        with open(path, "rb") as file:
            return file.read(512 * 1024)
    except OSError:
        return None


def _fill_etc(folder, users, copies):
    accounts = "root:x:0:0:root:/work:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
    groups = "root:x:0:\nnogroup:x:65534:\n"
    for name, uid in users:
        accounts += f"{name}:x:{uid}:{uid}:{name}:/work:/bin/sh\n"
        groups += f"{name}:x:{uid}:\n"
    texts = {"passwd": accounts, "group": groups, **ETC_TEXTS}
    for name, text in texts.items():
        _write(f"{folder}/{name}", text.encode())
    for name, content in copies.items():
        if content is not None:
            _write(f"{folder}/{name}", content)
    for name in ETC_FOLDERS:
        if os.path.isdir(f"/etc/{name}"):
            os.mkdir(f"{folder}/{name}")
            _bind(f"/etc/{name}", f"{folder}/{name}")


def _write(path, content):
    with open(path, "wb") as file:
        file.write(content)
