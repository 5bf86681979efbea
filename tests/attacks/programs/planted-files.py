"""Leaves links, pipes, sockets and devices where somebody might collect or delete files: none may be followed or waited for."""
import os
import socket
import stat

from attempt import GIVEN, attempt, report

for folder in ("/work", "/tmp"):
    os.symlink(GIVEN["secretFile"], f"{folder}/result")
    os.symlink("/", f"{folder}/folder")
    os.symlink("loop", f"{folder}/loop")
    os.mkfifo(f"{folder}/pipe")
    socket.socket(socket.AF_UNIX).bind(f"{folder}/socket")
    os.mkdir(f"{folder}/closed", 0)
os.rename("/work/attempt.py", "/work/moved.py")
os.symlink("/dev/zero", "/work/attempt.py")
os.chmod("/work", 0)
devices = sorted({attempt(lambda: os.mknod(f"/tmp/{n}", kind | 0o666, device)) for n, (kind, device) in enumerate([(stat.S_IFBLK, os.makedev(8, 0)), (stat.S_IFCHR, os.makedev(1, 1)), (stat.S_IFCHR, os.makedev(5, 1))])})
through = attempt(lambda: os.close(os.open("/tmp/result", os.O_WRONLY | os.O_APPEND)))
report(devices=devices, through=through)
