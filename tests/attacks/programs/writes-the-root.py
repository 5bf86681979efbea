"""Changes what later runs would use: the interpreter, libraries, accounts, the loader's list, devices, the root itself."""
import os
import sys

from attempt import attempt, report

exe = os.path.realpath(sys.executable)
library = os.path.realpath(os.__file__)
results = {}
for path in (exe, library, "/etc/passwd", "/etc/ld.so.cache", "/etc/resolv.conf", "/usr/bin/env", "/bin/sh"):
    results[f"open {path}"] = attempt(lambda: os.close(os.open(path, os.O_WRONLY)))
    results[f"mode of {path}"] = attempt(lambda: os.chmod(path, os.stat(path).st_mode))
    results[f"owner of {path}"] = attempt(lambda: os.chown(path, os.getuid(), os.getgid()))
    results[f"time of {path}"] = attempt(lambda: os.utime(path))
    results[f"attribute of {path}"] = attempt(lambda: os.setxattr(path, "user.x", b"x"))
folders = ("/", "/etc", "/usr", "/usr/bin", "/usr/lib", "/dev", "/proc", os.path.dirname(library), "/var", "/home")
for folder in folders:
    path = f"{folder}/attacked"
    results[f"file in {folder}"] = attempt(lambda: os.close(os.open(path, os.O_WRONLY | os.O_CREAT)))
    if results[f"file in {folder}"] == "done":
        os.unlink(path)
    results[f"link in {folder}"] = attempt(lambda: os.symlink("/tmp", path))
    if results[f"link in {folder}"] == "done":
        os.unlink(path)
for path in ("/work", "/tmp", "/dev/null", "/dev/shm"):
    results[f"rename {path}"] = attempt(lambda: os.rename(path, path))
    results[f"other name for {path}"] = attempt(lambda: os.rename(path, f"{path}2"))
results["hard link"] = attempt(lambda: os.link("/usr/bin/env", "/work/env"))
# Renaming a file to itself changes nothing, and some kernels say so before they look at the mount.
report(done=sorted(name for name, result in results.items() if result == "done" and not name.startswith("rename")))
