"""Writes a byte at a time to standard error, without an end."""
import os

for _ in range(300_000):
    os.write(2, b"x")
os._exit(5)
