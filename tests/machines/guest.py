"""Process 1 of a test machine: starts the jail in each setting, tries it, and prints a line of JSON for each check.

    {"setting": …, "check": …, "holds": true, "seen": …}    …    {"done": true}

What it sees is judged here, where the jail's own client is; that all lines came is judged by machines.test.ts.
"""
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "/runlane/host")

import contextlib  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import platform  # noqa: E402
import subprocess  # noqa: E402
import traceback  # noqa: E402

from jail import client, linux  # noqa: E402

GROUPS = "/sys/fs/cgroup"
DELEGATED = f"{GROUPS}/delegated"
SOCKET = "/run/user/jail"
USER = 1000
PYTHON = "/usr/bin/python3"
MIB = 1 << 20
# A machine that is emulated is slow: what is not about time has plenty of it.
PLENTY = {"wallMs": 60_000, "cpuMs": 60_000}
CLIENT_SECONDS = 90
POWER_OFF = 0x4321FEDC
# A file of 64 MiB that nothing else of the machine reads: what is kept of it in memory is charged to its reader.
LARGE_FILE = "/usr/share/large"


def main():
    try:
        _boot()
        # The kernel hands on to process 1 what it is given and does not know.
        for setting in SETTINGS[: int(os.environ.get("settings", len(SETTINGS)))]:
            _try_setting(*setting)
        _say(done=True)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        linux.libc.reboot(POWER_OFF)


def _boot():
    mounts = (("proc", "/proc"), ("sysfs", "/sys"), ("tmpfs", "/run"), ("tmpfs", "/tmp"), ("cgroup2", GROUPS))
    for kind, folder in mounts:
        linux.mount(kind, folder, kind)
    _put("/proc/sys/kernel/printk", "1")  # the console is for what is said here
    os.mkdir(os.path.dirname(SOCKET))
    os.chown(os.path.dirname(SOCKET), USER, USER)
    # Else the kernel refuses this one by itself, and nothing is learned of the filter.
    _put("/proc/sys/kernel/unprivileged_bpf_disabled", "0")
    # As the system's manager does: a group has no controllers but those that the one above it shares out.
    _put(f"{GROUPS}/cgroup.subtree_control", "+pids")
    with contextlib.suppress(OSError):  # a machine that was started without it
        _put(f"{GROUPS}/cgroup.subtree_control", "+memory")


def _say(**words):
    print(json.dumps(words), flush=True)


# Settings


def _inside(group):
    """Make a group and be in it: what is started next begins there."""
    os.makedirs(f"{GROUPS}/{group}", exist_ok=True)
    _put(f"{GROUPS}/{group}/cgroup.procs", "0")


def _delegate():
    """A group for an ordinary user, as docs/sandbox-container.md has it, and a place in it for the launcher."""
    os.makedirs(DELEGATED, exist_ok=True)
    _put(f"{DELEGATED}/cgroup.subtree_control", "+memory +pids")
    for name in ("", "cgroup.procs", "cgroup.subtree_control"):
        os.chown(f"{DELEGATED}/{name}", USER, USER)
    _inside("delegated/user")


def _give_own():
    """A group that belongs to the user who starts in it, as the system's manager gives one with `Delegate=yes`."""
    _inside("own")
    for name in ("", "cgroup.procs", "cgroup.subtree_control"):
        os.chown(f"{GROUPS}/own/{name}", USER, USER)


# name, mode, how memory is measured, what is made ready, uid, options of the launcher, whether all is tried or a few things.
SETTINGS = (
    ("root", "A", "cgroup", lambda: _inside("service"), 0, (), True),
    ("root in the group of all", "A", "cgroup", lambda: _inside(""), 0, (), False),
    ("user with a delegated group", "B", "cgroup", _delegate, USER, ("--cgroups", DELEGATED), True),
    ("user in a group of its own", "B", "cgroup", _give_own, USER, (), False),
    ("user", "B", "polled", lambda: _inside("plain"), USER, (), True),
)


def _try_setting(name, mode, memory, prepare, uid, options, everything):
    def check(sentence, holds, seen):
        _say(setting=name, check=sentence, holds=bool(holds), seen=seen)

    try:
        # Not to be in anybody's way: a group with processes cannot be delegated.
        _inside("")
        prepare()
        before = _groups()
        jail = Jail(uid, options)
    except (OSError, ValueError) as reason:
        check("the jail starts", False, str(reason))
        return
    check("the jail starts", True, jail.description["summary"])
    check(f"it is in mode {mode}", jail.description["mode"] == mode, jail.description["mode"])
    check(f"memory is measured by {memory}", jail.description["summary"].endswith(f"+{memory}"), jail.description["cgroups"])
    lost = [layer for layer in jail.description["layers"] if layer["needed"] and not layer["holds"]]
    check("every needed layer holds", not lost, lost)
    for sentence, attempt in CHECKS if everything else CHECKS[:A_FEW]:
        try:
            check(sentence, *attempt(jail, memory))
        except Exception as reason:
            check(sentence, False, f"{type(reason).__name__}: {reason}")
    code = jail.stop()
    left = {"code": code, "groups": sorted(_groups() - before), "processes": _processes() - {jail.neighbour.pid}}
    check("a launcher told to end leaves no group and no process", left == {"code": 0, "groups": [], "processes": set()}, repr(left))
    check("what was in its group is there again", _group_of(jail.neighbour.pid) == jail.group, _group_of(jail.neighbour.pid))
    jail.neighbour.kill()
    jail.neighbour.wait()


class Jail:
    """A launcher with a single slot, so that each run follows the one before in the same place; and a neighbour in its
    control group, as the runner that starts it in earnest is one."""

    def __init__(self, uid, options):
        self.neighbour = subprocess.Popen([PYTHON, "-I", "-c", "import time; time.sleep(1 << 20)"])
        self.group = _group_of(self.neighbour.pid)
        words = [PYTHON, "-I", "/runlane/host/jail/launcher.py", "--socket", SOCKET, "--slots", "1", "--warm", "0", *options]
        own = {"user": uid, "group": uid, "extra_groups": []} if uid else {}
        self._launcher = subprocess.Popen(words, stdout=subprocess.PIPE, **own)
        self.description = json.loads(self._launcher.stdout.readline() or "{}")
        if not self.description:
            raise OSError(f"the launcher ended: {self._launcher.wait()}")

    def run(self, program, env=None, **limits):
        """How a Python program ended, and what it printed."""
        files = [("main.py", program.encode())]
        ended, output, errors = client.run_once(
            SOCKET, [PYTHON, "main.py"], files, {**PLENTY, **limits}, env=env, timeout=CLIENT_SECONDS
        )
        return ended, (output + errors).decode().strip()

    def stop(self):
        self._launcher.terminate()
        return self._launcher.wait()


def _groups():
    return {folder for folder, _, _ in os.walk(GROUPS)}


def _group_of(pid):
    with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
        return file.read().strip()


def _processes():
    """All but this one and the kernel's own."""
    pids = {int(name) for name in os.listdir("/proc") if name.isdigit()} - {os.getpid()}
    return {pid for pid in pids if _parent(pid) not in (0, 2)}


def _parent(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return int(file.read().rpartition(")")[2].split()[1])


def _put(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


# Checks: each says whether it holds, and what was seen.

# The words of a forked interpreter were overwritten; one that was started shows them.
HELLO = "print('hello', open('/proc/self/cmdline').read().split(chr(0))[1:2])"


def hello_forked(jail, _):
    ended, output = jail.run(HELLO, env=ENVIRONMENT)
    return output.startswith("hello") and "main.py" not in output and ended["code"] == 0, output


def hello_started(jail, _):
    ended, output = jail.run(HELLO, env={**ENVIRONMENT, "PYTHONHASHSEED": "1"})
    return output == "hello ['main.py']" and ended["code"] == 0, output


# As the manifest of the language has it: with any other of Python's variables a program is started, not forked.
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/work", "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def exit_code(jail, _):
    ended, _ = jail.run("import sys; sys.exit(7)")
    return (ended["reason"], ended["code"]) == ("exited", 7), ended


def signalled(jail, _):
    ended, _ = jail.run("import os; os.kill(os.getpid(), 11)")
    return (ended["reason"], ended["signal"]) == ("exited", "SIGSEGV"), ended


def _within(ended, limit, memory):
    # Polling comes too late to keep a program within it.
    return ended["reason"] == "memory" and (memory == "polled" or ended["memoryPeakBytes"] <= limit)


def memory_limit(jail, memory):
    ended, _ = jail.run("x = b'x' * (128 << 20)\nimport time; time.sleep(30)", memoryBytes=64 * MIB)
    return _within(ended, 64 * MIB, memory), ended


def memory_of_children(jail, memory):
    children = "import os, time\nfor _ in range(4):\n  if os.fork() == 0: x = b'x' * (32 << 20); time.sleep(30); os._exit(0)\ntime.sleep(30)"
    ended, _ = jail.run(children, memoryBytes=96 * MIB)
    return _within(ended, 96 * MIB, memory), ended


def memory_of_a_memfd(jail, memory):
    """Pages that nobody maps: only the kernel can count them, so where it does not they cannot be had."""
    ended, output = jail.run(
        "import os\ntry: fd = os.memfd_create('x')\nexcept PermissionError: print('refused')\n"
        "else:\n  for _ in range(128): os.write(fd, bytes(1 << 20))",
        memoryBytes=64 * MIB,
    )
    return (output == "refused" if memory == "polled" else _within(ended, 64 * MIB, memory)), [ended, output]


def own_peak(jail, _):
    """After a run with much memory, one with little."""
    first, _ = jail.run("x = b'x' * (64 << 20)\nimport time; time.sleep(0.2)")
    second, _ = jail.run("import time; time.sleep(0.2)", memoryBytes=64 * MIB)
    peaks = [ended["memoryPeakBytes"] for ended in (first, second)]
    return first["code"] == second["code"] == 0 and peaks[0] > 64 * MIB and peaks[1] < 32 * MIB, [first, second]


def own_cache(jail, _):
    """What a run has read stays in memory when it has ended: the next one has not used it."""
    _put("/proc/sys/vm/drop_caches", "1")
    first, _ = jail.run(f"print(len(open('{LARGE_FILE}', 'rb').read()))")
    second, _ = jail.run("import time; time.sleep(0.2)")
    return first["code"] == second["code"] == 0 and second["memoryPeakBytes"] < 32 * MIB, [first, second]


def own_limits(jail, _):
    """After one with little of everything, one with more."""
    first, _ = jail.run("while True: pass", cpuMs=3_000, memoryBytes=48 * MIB, processes=2)
    second, output = jail.run(
        "import os\nfor _ in range(8):\n  if os.fork() == 0: os._exit(0)\nx = b'x' * (48 << 20); print('more')"
    )
    return first["reason"] == "cpu" and output == "more" and second["code"] == 0 and second["cpuMs"] < 3_000, [first, second, output]


def processor_limit(jail, _):
    ended, _ = jail.run("import os\nfor _ in range(2): os.fork()\nwhile True: pass", cpuMs=1_000)
    return ended["reason"] == "cpu" and ended["cpuMs"] >= 1_000, ended


def wall_limit(jail, _):
    ended, _ = jail.run("import time; time.sleep(60)", wallMs=500)
    return ended["reason"] == "wall" and ended["wallMs"] >= 500, ended


def process_limit(jail, _):
    """The program is one of the eight."""
    ended, output = jail.run(
        "import errno, os, time\nn = 0\ntry:\n  while True:\n    if os.fork() == 0: time.sleep(30); os._exit(0)\n    n += 1\n"
        "except OSError as e: print(n, errno.errorcode[e.errno])",
        processes=8,
    )
    return output == "7 EAGAIN", [ended, output]


def disk_limit(jail, _):
    program = "try:\n  with open('x', 'wb') as f:\n    for _ in range(66): f.write(bytes(1 << 20))\n  print('written')\nexcept OSError as e: print(e.errno)"
    large, written = jail.run(program, diskBytes=128 * MIB, fileBytes=128 * MIB)
    _, refused = jail.run(program, fileBytes=128 * MIB)
    return (written, refused) == ("written", "28"), [large, written, refused]


# System calls that the kernel itself would not refuse as the filter does, called in ways that do no harm.
# name: (numbers in the kernel's syscall_64.tbl and asm-generic/unistd.h), words; BAD is nobody's address.
BAD = -1
CALLS = {
    "mount": ((165, 40), (BAD, BAD, BAD, 0, BAD)),
    "chroot": ((161, 51), (BAD,)),
    "unshare": ((272, 97), (0,)),
    "unshare a user namespace": ((272, 97), (0x10000000,)),
    "setns": ((308, 268), (BAD, 0)),
    "ptrace": ((101, 117), (0, 0, 0, 0)),
    "process_vm_readv": ((310, 270), (1, 0, 0, 0, 0, 0)),
    "bpf": ((321, 280), (0, BAD, 8)),
    "perf_event_open": ((298, 241), (BAD, 0, 0, BAD, 0)),
    "io_uring_setup": ((425, 425), (1, BAD)),
    "add_key": ((248, 217), (BAD, BAD, 0, 0, 0)),
    "keyctl": ((250, 219), (0, -3, 0)),
    "inotify_init1": ((294, 26), (0,)),
    "name_to_handle_at": ((303, 264), (BAD, BAD, BAD, BAD, 0)),
    "mbind": ((237, 235), (0, 0, 0, 0, 0, 0)),
    "vmsplice": ((278, 75), (BAD, 0, 0, 0)),
    "sync": ((162, 81), ()),
    "clone3": ((435, 435), (0, 0)),
    "socket of netlink": ((41, 198), (16, 3, 0)),
    "socket of the hypervisor": ((41, 198), (40, 1, 0)),
    "socket with a protocol of its own": ((41, 198), (2, 2, 136)),
    "a call that is not known": ((500, 500), ()),
    "getpid": ((39, 172), ()),
}
ANSWERS = {
    "clone3": "ENOSYS",
    "socket of netlink": "EAFNOSUPPORT",
    "socket of the hypervisor": "EAFNOSUPPORT",
    "socket with a protocol of its own": "EPROTONOSUPPORT",
    "a call that is not known": "ENOSYS",
    "getpid": "done",
}
# What the kernel of these machines answers alike, having no module for it.
SAME_OUTSIDE = {"socket of the hypervisor", "a call that is not known", "getpid"}
ATTEMPTS = """
import ctypes, errno, json, os
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def answer(number, words):
    ctypes.set_errno(0)
    done = libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, words)) >= 0
    return "done" if done else errno.errorcode[ctypes.get_errno()]
def attempt(number, words):
    told, tell = os.pipe()
    if os.fork() == 0:
        os.write(tell, answer(number, words).encode())
        os._exit(0)
    os.wait()
    return os.read(told, 100).decode()
print(json.dumps({name: attempt(*call) for name, call in CALLS.items()}))
"""


def _attempts():
    column = {"x86_64": 0, "aarch64": 1}[platform.machine()]
    calls = {name: (numbers[column], words) for name, (numbers, words) in CALLS.items()}
    return f"CALLS = {calls!r}\n{ATTEMPTS}"


def refused_calls(jail, _):
    _, output = jail.run(_attempts())
    answers = json.loads(output)
    wrong = {name: answer for name, answer in answers.items() if answer != ANSWERS.get(name, "EPERM")}
    return not wrong and answers.keys() == CALLS.keys(), wrong or answers


def calls_outside(_, __):
    """Else the check before would show nothing: without a filter, each of these calls has another answer."""
    output = subprocess.run([PYTHON, "-I", "-c", _attempts()], user=USER, group=USER, extra_groups=[], stdout=subprocess.PIPE, check=True).stdout
    answers = json.loads(output)
    same = {name for name, answer in answers.items() if answer == ANSWERS.get(name, "EPERM")}
    return same == SAME_OUTSIDE, answers


CHECKS = (
    ("past the limit of memory it ends by it", memory_limit),
    ("memory of children counts together", memory_of_children),
    ("memory behind a memfd counts, or cannot be had", memory_of_a_memfd),
    ("hello from a forked interpreter", hello_forked),
    ("hello from one that was started", hello_started),
    ("an exit code comes back", exit_code),
    ("a signal comes back", signalled),
    ("a run's peak is its own", own_peak),
    ("what a run has read is not the next one's memory", own_cache),
    ("a run's limits and processor time are its own", own_limits),
    ("processor time of all processes counts", processor_limit),
    ("past the wall limit it ends by it", wall_limit),
    ("past the limit of processes there is EAGAIN", process_limit),
    ("a larger disk holds more", disk_limit),
    ("refused system calls are refused", refused_calls),
    ("without the filter they are not", calls_outside),
)
# Of these, what depends on where the groups are.
A_FEW = 3

if __name__ == "__main__":
    main()
