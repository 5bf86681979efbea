"""Connects to what listens on the host's loopback, and on another run's: stores, queues, the platform itself."""
import socket

from attempt import GIVEN, attempt, report

read = []


def connect(address, port):
    with socket.create_connection((address, port), 2) as one:
        read.append(one.recv(100))


results = {attempt(lambda: connect("127.0.0.1", port)) for port in (*GIVEN["ports"], GIVEN["peerPort"])}
results |= {attempt(lambda: connect(address, port)) for port in GIVEN["ports"] for address in ("::1", "127.1.2.3", "0.0.0.0")}
report(results=sorted(results), read=read)
