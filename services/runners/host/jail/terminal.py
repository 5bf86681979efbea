"""A terminal for a run: a pty of the run's own devpts. The monitor holds this end, the program has the other."""
import os
import select
import struct

from . import linux

MULTIPLEXER = "/dev/pts/ptmx"
TCGETS, TCSETS, TIOCSWINSZ, TIOCGPTPEER = 0x5401, 0x5402, 0x5414, 0x5441
TIOCGPTN, TIOCSPTLCK, TIOCSIG = 0x80045430, 0x40045431, 0x40045436
INPUT_IS_UTF8 = 0x4000  # IUTF8, which terminals of today have set
END_KEY = 17 + 4  # where the key is that says that nothing more comes: VEOF of c_cc
IN_LINES = 2  # ICANON: its keys mean something
LOCAL_MODES = 12  # where the word with that flag is


class Terminal:
    """Made where the run's file system is in view, before there is a program."""

    def __init__(self, rows, columns):
        self.fd = os.open(MULTIPLEXER, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        self._other = None
        try:
            self._set_up(rows, columns)
        except BaseException:
            self.close()
            raise

    def _set_up(self, rows, columns):
        linux.ioctl(self.fd, TIOCSPTLCK, bytes(4))
        # Held as long as the run: what is written last is then never lost, nor is the terminal by a program that closes it.
        self._other = linux.ioctl_by_value(self.fd, TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        self.path = f"/dev/pts/{int.from_bytes(linux.ioctl(self.fd, TIOCGPTN, bytes(4)), 'little')}"
        settings = bytearray(linux.ioctl(self._other, TCGETS, bytes(64)))
        settings[:4] = struct.pack("I", struct.unpack_from("I", settings)[0] | INPUT_IS_UTF8)
        linux.ioctl(self._other, TCSETS, bytes(settings))
        self.resize(rows, columns)

    def resize(self, rows, columns):
        """Set its size; the kernel tells whoever is in the foreground."""
        linux.ioctl(self.fd, TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))

    def interrupt(self, number):
        """Send a signal to whoever is in the foreground, as its key would."""
        linux.ioctl_by_value(self.fd, TIOCSIG, number)

    def stay_at_end(self):
        """Say that nothing more comes, again and again: the key says it once, and within a line only hands that over."""
        poll = select.poll()
        poll.register(self._other, select.POLLIN)
        settings = linux.ioctl(self._other, TCGETS, bytes(64))
        (modes,) = struct.unpack_from("I", settings, LOCAL_MODES)
        if modes & IN_LINES and not poll.poll(0):
            os.write(self.fd, settings[END_KEY : END_KEY + 1])

    def close(self):
        os.close(self.fd)
        if self._other is not None:
            os.close(self._other)
