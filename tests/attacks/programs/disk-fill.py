"""Writes into every folder that can be written until there is no room."""
import os

from attempt import attempt, report

results, written = {}, {}


def fill(path):
    with open(path, "wb", 0) as file:
        while written[path] < 96 << 20:
            written[path] += file.write(b"x" * (1 << 20))


for folder in ("/work", "/tmp", "/dev/shm"):
    path = f"{folder}/fill"
    written[path] = 0
    results[folder] = attempt(lambda: fill(path))
    os.unlink(path)
report(results=sorted(set(results.values())), mostMiB=max(written.values()) >> 20)
