"""Asks the cloud for the machine's own credentials."""
import socket

from attempt import attempt, report

addresses = [("169.254.169.254", 80), ("169.254.170.2", 80), ("fd00:ec2::254", 80), ("100.100.100.200", 80)]
report(results=sorted({attempt(lambda: socket.create_connection(address, 1)) for address in addresses}))
