"""Opens terminals until it is refused, and types into one for whoever reads it."""
import fcntl
import os
import pty
import termios

from attempt import attempt, report

made = 0
_, end = pty.openpty()
typed = attempt(lambda: fcntl.ioctl(end, termios.TIOCSTI, b"x"))


def flood():
    global made
    while made < 300:
        os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY)
        made += 1


refused = attempt(flood)
report(typed=typed, refused=refused, made=made)
