"""Opens sockets of every family and odd protocols: to the hypervisor, to network cards, to parts of the kernel with many bugs."""
import socket

from attempt import attempt, report

UNIX, INET, INET6 = 1, 2, 10
opened = []
for family in range(1, 46):
    for kind in (1, 2, 3, 5):
        if (family, kind) in ((UNIX, 1), (UNIX, 2), (UNIX, 3), (UNIX, 5), (INET, 1), (INET, 2), (INET6, 1), (INET6, 2)):
            continue
        if attempt(lambda: socket.socket(family, kind, 0).close()) == "done":
            opened.append(f"{family}/{kind}")
for protocol in (1, 33, 132, 136, 255, 262):
    for kind in (1, 2, 3, 5):
        if attempt(lambda: socket.socket(INET, kind, protocol).close()) == "done":
            opened.append(f"inet/{kind}/{protocol}")
report(opened=opened)
