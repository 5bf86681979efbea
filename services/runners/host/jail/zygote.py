"""Where the jail's own interpreter begins: started by the launcher just as a Python program of a run would be.

    python3 zygote.py FD          FD holds the parameters, from the launcher

Every run is two forks of what grows from here, and each pays for what it holds and for every page that it touches; so it
loads what a run needs and no more. A Python program then runs in such a fork, and shall find what it would find in an
interpreter of its own; hence the plain options, and nothing here before `at_start` has been noted.
"""
import sys

at_start = frozenset(sys.modules)
sys.path[0] = sys.path[0].rpartition("/")[0]

from jail import anchor  # noqa: E402

if __name__ == "__main__":
    anchor.main(at_start)
