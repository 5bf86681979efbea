"""Makes files until there is no room for one more, and folders in folders."""
import os

from attempt import attempt, report

made = 0


def flood(folder):
    global made
    for n in range(10_000):
        os.close(os.open(f"{folder}/{n}", os.O_CREAT | os.O_WRONLY))
        made += 1


def dig():
    os.chdir("/work")
    for _ in range(10_000):
        os.mkdir("d" * 200)
        os.chdir("d" * 200)


deep = attempt(dig)
results = {attempt(lambda: flood(folder)) for folder in ("/work", "/tmp", "/dev/shm")}
report(deep=deep, results=sorted(results), made=made)
