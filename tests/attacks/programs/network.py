"""Sends to the world in every way that there is: TCP, UDP, ICMP, IPv6, raw, broadcast; and counts the interfaces."""
import socket

from attempt import attempt, report


def send(family, kind, protocol, address):
    with socket.socket(family, kind, protocol) as one:
        one.settimeout(1)
        if kind == socket.SOCK_DGRAM:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        if kind == socket.SOCK_STREAM:
            one.connect(address)
        else:
            one.sendto(b"\x08\0\xf7\xff\0\0\0\0", address)


INET, INET6, STREAM, DGRAM, RAW = socket.AF_INET, socket.AF_INET6, socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW
results = [
    attempt(lambda: send(INET, STREAM, 0, ("1.1.1.1", 80))),
    attempt(lambda: send(INET, DGRAM, 0, ("8.8.8.8", 53))),
    attempt(lambda: send(INET6, STREAM, 0, ("2606:4700:4700::1111", 80))),
    attempt(lambda: send(INET6, DGRAM, 0, ("ff02::1", 5353))),
    attempt(lambda: send(INET, DGRAM, socket.IPPROTO_ICMP, ("1.1.1.1", 0))),
    attempt(lambda: send(INET, RAW, socket.IPPROTO_ICMP, ("1.1.1.1", 0))),
    attempt(lambda: send(INET, DGRAM, 0, ("255.255.255.255", 9))),
    attempt(lambda: send(INET, DGRAM, 0, ("224.0.0.251", 5353))),
]
with open("/proc/self/net/dev") as file:
    interfaces = [line.split(":")[0].strip() for line in file if ":" in line]
report(sent=results.count("done"), results=results, interfaces=interfaces)
