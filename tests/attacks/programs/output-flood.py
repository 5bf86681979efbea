"""Writes 64 MiB without a newline."""
import os

for _ in range(1024):
    os.write(1, b"x" * 65536)
os._exit(5)
