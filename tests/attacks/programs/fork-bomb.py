"""Forks until it is refused."""
import os

from attempt import attempt, report, sleeper

made = 0


def bomb():
    global made
    while made < 400:
        sleeper()
        made += 1


refused = attempt(bomb)
report(refused=refused, made=made)
os._exit(0)
