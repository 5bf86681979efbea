"""Talks to another run through locks on a file that both are shown."""
import fcntl

from attempt import GIVEN, attempt, report

with open(GIVEN["shared"], "rb") as file:
    report(lock=attempt(lambda: fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)))
