"""Traces its own child: a way past filters, and into much code of the kernel's."""
from attempt import call, in_child, report

report(traced=in_child(lambda: call("ptrace", 0, 0, None, None)))
