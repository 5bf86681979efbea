"""Crashes with much memory mapped, so that the host's crash handler has work to do or a file is left."""
import os
import resource
import signal

from attempt import attempt, report

raised = attempt(lambda: resource.setrlimit(resource.RLIMIT_CORE, (1 << 30, 1 << 30)))
pid = os.fork()
if pid == 0:
    held = bytearray(20 << 20)
    os.kill(os.getpid(), signal.SIGSEGV)
_, status = os.waitpid(pid, 0)
report(raised=raised, dumped=os.WCOREDUMP(status), signal=os.WTERMSIG(status), files=sorted(name for name in os.listdir("/work") if "core" in name))
