"""Writes a hundred thousand single bytes: one event for each would cost the platform more than the program."""
import os

for _ in range(100_000):
    os.write(1, b"x")
