"""Fills message queues and sets of semaphores: memory of the kernel's that no process maps and no open file bounds."""
import ctypes
import time

from attempt import ARM, NUMBERS, raw, report

held = 0
message = ctypes.create_string_buffer((1).to_bytes(8, "little") + b"x" * 8000)
while held < 128 << 20:
    queue = raw(NUMBERS["msgget"][ARM], 0, 0o1600)
    if queue < 0 or raw(NUMBERS["msgsnd"][ARM], queue, message, 8000, 0o4000) < 0:
        break
    raw(NUMBERS["msgsnd"][ARM], queue, message, 8000, 0o4000)
    held += 16_000
while held < 256 << 20:
    # 64 bytes each, at least.
    if raw(NUMBERS["semget"][ARM], 0, 32_000, 0o1600) < 0:
        break
    held += 32_000 * 64
time.sleep(0.1)
report(heldMiB=held >> 20)
