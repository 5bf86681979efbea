"""Looks for the platform's variables and words: in its own environment and in that of every process it sees."""
import os

from attempt import GIVEN, SECRET, processes, read, report

found, words = [], set()
for pid in processes():
    for name in ("environ", "cmdline"):
        try:
            text = read(f"/proc/{pid}/{name}", 1 << 20)
        except OSError:
            continue
        found += SECRET.findall(text)
        if name == "cmdline":
            words.update(word.decode() for word in text.split(b"\0") if word)
allowed = {"ATTACK", "HOME", "LANG", "LC_CTYPE", "PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONHASHSEED"}
report(found=found, variables=sorted(set(os.environ) - allowed), installedIn=sorted(word for word in words if GIVEN["project"] in word))
