"""Raises its limit, then opens until it is refused."""
import os
import resource

from attempt import attempt, report

raised = attempt(lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096)))
made = 0


def flood():
    global made
    while made < 3000:
        os.dup(0)
        made += 1


refused = attempt(flood)
report(raised=raised, refused=refused, made=made)
