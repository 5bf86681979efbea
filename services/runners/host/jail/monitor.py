"""The monitor of a slot: makes a sandbox, waits for a caller, serves it, takes the sandbox away, and makes the next.

Trusted code. It stays outside of the run's process namespace, where no program can name it, and it has another uid where
there is one. It lives for many runs, for a fork of an interpreter costs more than all that it does in one.
"""
import _socket
import os
import struct
import time

from . import frames, interpreter, linux
from .network import Network
from .relay import Relay
from .request import Refused, receive
from .sandbox import Sandbox

REQUEST_SECONDS = 10  # for the whole request to arrive
START_SECONDS = 5  # between READY and START
GRACE_SECONDS = 3  # past its limits, after which a run is ended from outside; a busy machine takes its time
FOREVER = float("inf")
# A monitor makes room for another after so many runs: what it may have gathered is gone then.
RUNS = 1000
# What a monitor tells the service.
MADE, FAILED = b"m", b"!"


class Home:
    """Where a monitor goes back to between runs: the namespaces of the service, the mounts and the process ids."""

    def __init__(self):
        self.mounts, self.pids = (os.open(f"/proc/self/ns/{name}", os.O_RDONLY | os.O_CLOEXEC) for name in ("mnt", "pid"))

    def fds(self):
        return [self.mounts, self.pids]

    def enter(self):
        linux.setns(self.mounts, linux.CLONE_NEWNS)
        linux.setns(self.pids, linux.CLONE_NEWPID)


def serve(listening, peers, slot, filters, description, home, tell, set_deadline):
    """Serve one caller after the other. Never returns, but as interpreter.Leave in the process of a program.

    `peers` are the uids that may call; `tell` says to the service that the first sandbox is made, or why none could be; `set_deadline` when it shall end us.
    """
    made = False
    network = Network()
    try:
        for _ in range(RUNS):
            home.enter()
            network.enter()
            sandbox = Sandbox(slot, filters)
            if not made:
                made = True
                tell(MADE)
            _serve_one(listening, peers, sandbox, description, set_deadline)
            set_deadline(time.monotonic() + GRACE_SECONDS)
            sandbox.end()
            sandbox.close()
            set_deadline(FOREVER)
        os._exit(0)
    except interpreter.Leave:
        raise  # this process is the program's
    except BaseException as reason:
        tell(FAILED, f"{type(reason).__name__}: {reason}".encode())
    os._exit(1)


def _serve_one(listening, peers, sandbox, description, set_deadline):
    """Find a caller, and give it this sandbox."""
    while True:
        connection = _accept(listening, peers)
        try:
            now = time.monotonic()
            set_deadline(now + REQUEST_SECONDS + START_SECONDS + GRACE_SECONDS)
            request = receive(connection, now + REQUEST_SECONDS)
            if request is None:
                connection.sendall(frames.pack(frames.DESCRIPTION, description))
                continue
            sandbox.fill(request)
            connection.sendall(frames.pack(frames.READY))
            if request.wait_for_start(START_SECONDS):
                set_deadline(time.monotonic() + request.limits["wallMs"] / 1000 + GRACE_SECONDS)
                Relay(sandbox, request).run()
        except (ConnectionError, TimeoutError):
            pass  # the caller left: there is nobody to tell
        except Exception as reason:
            _tell(connection, f"{type(reason).__name__}: {reason}")
        finally:
            connection.close()
        return


def _accept(listening, peers):
    while True:
        # The plain type: the module socket would make an enum of each number.
        connection = _socket.socket(fileno=linux.accept(listening.fileno()))
        _, uid, _ = struct.unpack("3i", connection.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12))
        # The socket file's owner and mode decide who may connect; and nobody who came from a jail.
        if uid in peers:
            return connection
        connection.close()


def _tell(connection, message):
    try:
        connection.settimeout(1)
        connection.sendall(frames.pack(frames.ERROR, message.encode()))
    except OSError:
        pass
