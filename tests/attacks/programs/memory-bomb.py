"""Touches memory far past its limit."""
from attempt import report

held = []
for _ in range(38):
    held.append(b"x" * (16 << 20))
report(survived=len(held))
