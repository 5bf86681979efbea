"""Sends descriptors over sockets that nobody reads: open files past the limit, and a count that a whole user shares."""
import array
import socket
import time

from attempt import attempt, report

in_flight, kept = 0, []


def send():
    global in_flight
    fds = array.array("i", [0] * 200)
    while in_flight < 4000:
        pair = socket.socketpair()
        kept.append(pair)
        pair[0].sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
        in_flight += len(fds)


refused = attempt(send)
report(full=True)
time.sleep(1)
report(refused=refused, inFlight=in_flight)
