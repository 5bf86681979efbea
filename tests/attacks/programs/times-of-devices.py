"""Leaves a message in the times and modes of the devices that all runs and the host share."""
import os

from attempt import attempt, report

results = {}
for name in ("null", "zero", "full", "random", "urandom", "tty"):
    results[f"now {name}"] = attempt(lambda: os.utime(f"/dev/{name}"))
    results[f"then {name}"] = attempt(lambda: os.utime(f"/dev/{name}", (1, 1)))
    results[f"mode {name}"] = attempt(lambda: os.chmod(f"/dev/{name}", 0o600))
    if name == "tty":
        continue  # who has no terminal cannot open it
    with open(f"/dev/{name}", "r+b", 0) as device:
        results[f"by descriptor {name}"] = attempt(lambda: os.utime(device.fileno()))
report(done=sorted(name for name, result in results.items() if result == "done"))
