"""Switches off the randomness of addresses, and picks odd personalities of the kernel's."""
from attempt import call, in_child, report

report(results=sorted({in_child(lambda: call("personality", kind)) for kind in (0x0040000, 0x0400000, 0x0000008, 0x0100000)}))
