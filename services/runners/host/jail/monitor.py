"""The monitor of a slot: makes a sandbox, waits for a caller, serves it, and takes the sandbox away.

Trusted code. It stays outside of the run's process namespace, where no program can name it, and it has another uid where
there is one. It serves one run: the program is a fork of it, and must find nothing there of a run before.
"""
import _socket
import os
import struct
import time

from . import frames, interpreter, linux, network
from .relay import Relay
from .request import Refused, receive
from .sandbox import Sandbox

REQUEST_SECONDS = 10  # for the whole request to arrive
START_SECONDS = 5  # between READY and START
GRACE_SECONDS = 3  # past its limits, after which a run is ended from outside; a busy machine takes its time
FOREVER = float("inf")
# What a monitor tells the service.
MADE, FAILED = b"m", b"!"


def serve(listening, peers, slot, filters, description, tell, set_deadline):
    """Serve one caller. Never returns, but as interpreter.Leave in the process of a program.

    `peers` are the uids that may call; `tell` says to the service that the sandbox is made, or why it could not be;
    `set_deadline` when the service shall end us.
    """
    try:
        network.enter()
        sandbox = Sandbox(slot, filters)
        tell(MADE)
        _serve_one(listening, peers, sandbox, description, set_deadline)
        set_deadline(time.monotonic() + GRACE_SECONDS)
        sandbox.end()
        sandbox.close()
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
                set_deadline(FOREVER)
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
