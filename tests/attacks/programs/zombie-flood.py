"""Leaves children dead and unburied until it is refused more."""
import os

from attempt import attempt, report

made = 0


def flood():
    global made
    while made < 400:
        if os.fork() == 0:
            os._exit(0)
        made += 1


refused = attempt(flood)
report(refused=refused, made=made)
