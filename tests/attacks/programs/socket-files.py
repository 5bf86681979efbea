"""Connects to Unix sockets that are files: the container engine's, the system's, the jail's own."""
import socket

from attempt import GIVEN, attempt, report

read = []


def connect(path):
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(2)
        one.connect(path)
        read.append(one.recv(100))


paths = [GIVEN["socketFile"], GIVEN["jailSocket"], "/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock"]
paths += ["/run/systemd/private", "/run/dbus/system_bus_socket", "/run/systemd/journal/socket", "/dev/log"]
report(results=sorted({attempt(lambda: connect(path)) for path in paths}), read=read)
