"""Somebody else's run: holds a secret in every place that a run has, and answers each line it is given until there is none."""
import ctypes
import fcntl
import mmap
import os
import socket
import subprocess
import sys

from attempt import GIVEN, NUMBERS, ARM, attempt, libc, raw, report

secret = os.environ["PEER_SECRET"].encode()
for path in ("/work/secret", "/tmp/secret", "/dev/shm/secret"):
    with open(path, "wb") as file:
        file.write(secret)
lock = open(GIVEN["shared"], "rb")
# Where another suite on this machine holds it, that is seen as well.
attempt(lambda: fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB))
memory = mmap.mmap(-1, 4096)
memory.write(secret)
segment = raw(NUMBERS["shmget"][ARM], GIVEN["key"], 4096, 0o1666)
if segment >= 0:
    libc.shmat.restype = ctypes.c_void_p
    ctypes.memmove(libc.shmat(segment, None, 0), secret, len(secret))


def serve(family, address):
    listening = socket.socket(family)
    listening.bind(address)
    listening.listen()
    if os.fork() == 0:
        while True:
            listening.accept()[0].sendall(secret)


serving = [attempt(lambda: serve(socket.AF_INET, ("127.0.0.1", GIVEN["peerPort"])))]
serving.append(attempt(lambda: serve(socket.AF_UNIX, f"\0{GIVEN['peerAbstract']}")))
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)", secret])
report(up=serving)
for _ in sys.stdin:
    print("here", flush=True)
