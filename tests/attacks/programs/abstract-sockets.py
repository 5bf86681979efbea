"""Connects to Unix sockets that have no file: mount namespaces do not hide these."""
import socket

from attempt import GIVEN, attempt, report

read = []


def connect(name):
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(2)
        one.connect(f"\0{name}")
        read.append(one.recv(100))


with open("/proc/self/net/unix") as file:
    listed = [line.split()[-1] for line in file if "@" in line]
names = [GIVEN["abstract"], GIVEN["peerAbstract"], "/containerd-shim/x", "/tmp/.X11-unix/X0"]
report(results=sorted({attempt(lambda: connect(name)) for name in names}), listed=listed, read=read)
