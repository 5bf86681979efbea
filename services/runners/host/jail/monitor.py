"""The monitor of a slot: takes a sandbox, waits for a caller, serves it, and takes the next.

Trusted code. It stays outside of the run's process namespace, where no program can name it, and it has another uid where
there is one. No program is a fork of it, for it has seen the requests and outputs of other runs: what programs are forked
from is the maker (maker.py), which it starts before it sees any.
"""
import _signal
import _socket
import os
import struct
import time

from . import frames, linux, maker, program
from .relay import END_SECONDS, FILL_SECONDS, GRACE_SECONDS, Relay
from .request import Refused, receive, receive_run
from .sandbox import Maker, Sandbox

MAKE_SECONDS = 30  # for a sandbox to be made
REQUEST_SECONDS = 10  # for the whole request to arrive
START_SECONDS = 5  # between READY, or the last file, and START
PRELUDE_START_SECONDS = 15  # for a prelude to be ready for its run
FOREVER = float("inf")
# A monitor and its maker make room for others after so many runs: what they may have gathered is gone then.
RUNS = 1000
# What a monitor tells the service.
MADE, FAILED = b"m", b"!"


def serve(listening, peers, slot, filters, kept, description, tell, set_deadline):
    """Serve one caller after the other. Never returns, but as interpreter.Leave in the process of a program.

    `peers` are the uids that may call; `kept` is where large files are kept; `tell` says to the service that a sandbox is made,
    or why none could be; `set_deadline` when the service shall end us.
    """
    its_maker = _start_maker(slot, filters, listening)
    try:
        # For a program's namespace, and out of it again.
        home = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        for number in range(RUNS):
            set_deadline(time.monotonic() + MAKE_SECONDS)
            sandbox = Sandbox(slot, its_maker, home)
            set_deadline(FOREVER)
            if number == 0:
                tell(MADE)
            _serve_one(listening, peers, sandbox, kept, description, set_deadline)
            set_deadline(time.monotonic() + END_SECONDS)
            sandbox.close()
        os._exit(0)
    except BaseException as reason:
        tell(FAILED, f"{type(reason).__name__}: {reason}".encode())
    os._exit(1)


def _start_maker(slot, filters, listening):
    """Fork the maker. It dies with this process."""
    ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        linux.prctl(linux.PR_SET_PDEATHSIG, _signal.SIGKILL)
        ours.close()
        listening.close()
        groups = slot.group.fds.get("procs", ())
        linux.close_all_but([*range(program.JOB_FD + 1), theirs.fileno(), *groups])
        # As low as they can be: a program can see how large a table of descriptors it was forked with, and in which slot.
        theirs = _socket.socket(fileno=linux.move_down(theirs.detach()))
        if groups:
            slot.group.fds["procs"] = [linux.move_down(fd) for fd in groups]
        maker.serve(slot, filters, theirs)
    theirs.close()
    return Maker(pid, ours)


def _serve_one(listening, peers, sandbox, kept, description, set_deadline):
    """Find a caller, and give it this sandbox."""
    while True:
        connection = _accept(listening, peers)
        try:
            now = time.monotonic()
            set_deadline(now + REQUEST_SECONDS + START_SECONDS + FILL_SECONDS + GRACE_SECONDS)
            request = receive(connection, now + REQUEST_SECONDS)
            if request is None:
                connection.sendall(frames.pack(frames.DESCRIPTION, description))
                set_deadline(FOREVER)
                continue
            sandbox.limit(request)
            if request.prelude:
                sandbox.fill(request)
                request = _await_run(sandbox, request, set_deadline)
                connection.sendall(frames.pack(frames.READY))
            else:
                _fill(sandbox, request, kept)
            if request.wait_for_start(START_SECONDS):
                Relay(sandbox, request, set_deadline).run()
        except (ConnectionError, TimeoutError):
            pass  # the caller left: there is nobody to tell
        except Exception as reason:
            _tell(connection, f"{type(reason).__name__}: {reason}")
        finally:
            connection.close()
        return


def _fill(sandbox, request, kept):
    """Say READY, and then pass the files on: large ones take as long as the caller takes to make up its mind."""
    found, missing = request.find_kept(kept)
    request.connection.sendall((frames.pack_words(frames.MISSING, missing) if missing else b"") + frames.pack(frames.READY))
    try:
        sandbox.fill(request, found)
    except TimeoutError:
        raise Refused("the files did not come in time") from None  # the caller is there, and was told READY


def _await_run(sandbox, prelude, set_deadline):
    """Start a prelude, and wait for as long as it takes for its run, which it is then given."""
    connection = prelude.connection
    set_deadline(time.monotonic() + REQUEST_SECONDS + PRELUDE_START_SECONDS + GRACE_SECONDS)
    sandbox.start_prelude(PRELUDE_START_SECONDS)
    connection.sendall(frames.pack(frames.READY))
    set_deadline(FOREVER)
    sandbox.await_caller(connection)
    now = time.monotonic()
    set_deadline(now + REQUEST_SECONDS + 2 * START_SECONDS + GRACE_SECONDS)
    request = receive_run(prelude, now + REQUEST_SECONDS)
    sandbox.hand_over(request, START_SECONDS)
    return request


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
