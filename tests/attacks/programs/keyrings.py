"""Keeps something in the kernel's keyrings, which no namespace parts, for the next run to find."""
from attempt import call, report

SESSION, USER = -3, -4
report(
    results=sorted(
        {
            call("add_key", b"user", b"attack", b"x", 1, SESSION),
            call("add_key", b"user", b"attack", b"x", 1, USER),
            call("keyctl", 0, USER, 1),
            call("keyctl", 1, b"attack"),
            call("keyctl", 22, -1, SESSION),
            call("request_key", b"user", b"attack", None, SESSION),
        }
    )
)
