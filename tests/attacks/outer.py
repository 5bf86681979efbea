"""Keeps the weak jail of the control away from the machine: starts it as an ordinary user in namespaces of its own.

    python3 outer.py WHEREABOUTS COMMAND...

In there are canaries like the host's own: listeners on the loopback's ports and on an abstract socket, a way to the
network that leads nowhere, and a variable in the environment. A line is printed for each that is touched. Ends, and with
it everything below, when its standard input does.
"""
import ctypes
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading

NEW_ALL = 0x10000000 | 0x20000000 | 0x40000000 | 0x20000 | 0x8000000 | 0x4000000
INNER_UID = 1000
MS_REC, MS_PRIVATE, MS_NOSUID, MS_NODEV, MS_NOEXEC = 16384, 1 << 18, 2, 4, 8
PR_SET_PDEATHSIG = 1
SIOCADDRT, SIOCSIFFLAGS, IFF_UP = 0x890B, 0x8914, 1

libc = ctypes.CDLL(None, use_errno=True)


def check(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def main():
    uid, gid = os.getuid(), os.getgid()
    if uid == 0:
        sys.exit("not as root: what is started here is weak on purpose")
    check(libc.unshare(NEW_ALL))
    write("/proc/self/setgroups", "deny")
    write("/proc/self/uid_map", f"{INNER_UID} {uid} 1")
    write("/proc/self/gid_map", f"{INNER_UID} {gid} 1")
    pid = os.fork()
    if pid == 0:
        check(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0))
        inside(json.loads(sys.argv[1]), sys.argv[2:])
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    sys.exit(os.waitstatus_to_exitcode(status) & 255)


def inside(where, command):
    check(libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None))
    check(libc.mount(b"proc", b"/proc", b"proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, None))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
        add_default_route(control)
    for port in where["ports"]:
        listen("a port of the loopback", socket.AF_INET, ("127.0.0.1", port))
    listen("an abstract socket", socket.AF_UNIX, f"\0{where['abstract']}")
    # Standard input goes on to the launcher, which ends when it does.
    launcher = subprocess.Popen(command)
    print(json.dumps({"launcher": launcher.pid}), flush=True)
    launcher.wait()


def add_default_route(control):
    """Everything goes to the loopback, and is lost there: a program that may send will not be told otherwise."""
    name = ctypes.create_string_buffer(b"lo")
    anywhere = struct.pack("H14x", socket.AF_INET)
    route = struct.pack("@L16s16s16sHhLPhPLLH", 0, anywhere, anywhere, anywhere, 1, 0, 0, 0, 0, ctypes.addressof(name), 0, 0, 0)
    fcntl.ioctl(control, SIOCADDRT, route)


def listen(name, family, address):
    listening = socket.socket(family)
    listening.bind(address)
    listening.listen()

    def serve():
        while True:
            connection, _ = listening.accept()
            print(json.dumps({"touched": name}), flush=True)
            with connection:
                try:
                    connection.sendall(os.environ["RUNLANE_CANARY"].encode())
                except OSError:
                    pass  # it has gone

    threading.Thread(target=serve, daemon=True).start()


if __name__ == "__main__":
    main()
