# Adds up the numbers in its input, one a line.
import sys

total = sum(float(line) for line in sys.stdin if line.strip())
print(f"The sum is {total:g}.")
