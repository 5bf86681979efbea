"""Looks for another run's files in every folder that runs write to, and through every process it sees."""
import os

from attempt import SECRET, read, report

roots = ["/work", "/tmp", "/dev/shm", "/var/tmp", "/work/..", "/run"]
for pid in os.listdir("/proc"):
    if pid.isdigit():
        roots += [f"/proc/{pid}/{link}{folder}" for link in ("root", "cwd") for folder in ("/work", "/tmp", "/dev/shm", "")]
found, seen = [], set()
for root in roots:
    try:
        names = os.listdir(root)
    except OSError:
        continue
    for name in names:
        path = f"{root}/{name}"
        try:
            state = os.stat(path)
            if (state.st_dev, state.st_ino) in seen or not 0o100000 <= state.st_mode < 0o110000:
                continue
            seen.add((state.st_dev, state.st_ino))
            if name == "secret":
                found.append(path)
            found += SECRET.findall(read(path))
        except OSError:
            pass
report(found=found)
