"""Finds out whose machine this is: its name, its groups, its mounts, its users."""
import os

from attempt import GIVEN, report

with open("/proc/self/mountinfo") as file:
    mounts = file.read()
with open("/etc/passwd") as file:
    users = sorted(line.split(":")[0].rstrip("0123456789") for line in file)
report(
    name=os.uname().nodename == GIVEN["hostName"],
    users=sorted(set(users)),
    project=GIVEN["project"] in mounts,
    home=os.environ.get("HOME"),
)
