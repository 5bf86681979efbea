"""What holds on this machine: found out by running programs in the jail that try to get at what they may not.

Reading settings would tell what ought to hold. A sandbox that has silently lost a layer is the likeliest failure, so
each layer is tried, at every start; it takes a fraction of a second.
"""
import json

from . import client

# Runs inside and prints what it finds.
PROGRAM = r"""
import ctypes, errno, json, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def attempt(action):
    try:
        return "done" if action() is None else "done"
    except OSError as reason:
        return errno.errorcode.get(reason.errno, str(reason.errno))
def call(name, *words):
    ctypes.set_errno(0)
    return "done" if getattr(libc, name)(*words) == 0 else errno.errorcode.get(ctypes.get_errno(), "?")
def send():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(("192.0.2.1", 53))
def family(number):
    with socket.socket(number, socket.SOCK_DGRAM):
        pass
def loopback():
    with socket.socket() as a, socket.socket() as b:
        a.bind(("127.0.0.1", 0)); a.listen(); b.connect(a.getsockname())
status = dict(line.rstrip("\n").split(":\t", 1) for line in open("/proc/self/status") if ":\t" in line)
fds = []
for name in os.listdir("/proc/self/fd"):
    try:
        fds.append((int(name), os.readlink("/proc/self/fd/" + name)))
    except OSError:
        pass
print(json.dumps({
    "uids": status["Uid"].split(), "groups": status["Groups"].split(), "caps": [status[k] for k in ("CapEff", "CapPrm", "CapBnd", "CapInh")],
    "nnp": status["NoNewPrivs"], "seccomp": status["Seccomp"],
    "pids": sorted(int(n) for n in os.listdir("/proc") if n.isdigit()), "pid": os.getpid(),
    "proc": sorted(n for n in os.listdir("/proc") if not n.isdigit()),
    "net": [line.split(":")[0].strip() for line in open("/proc/self/net/dev") if ":" in line],
    "egress": attempt(send), "loopback": attempt(loopback), "vsock": attempt(lambda: family(40)), "netlink": attempt(lambda: family(16)),
    "mount": call("mount", b"x", b"/tmp", b"tmpfs", 0, None), "unshare": call("unshare", 0x10000000), "chroot": call("chroot", b"/tmp"),
    "ptrace": call("ptrace", 16, 1, None, None), "root": attempt(lambda: open("/x", "w").close()), "usr": attempt(lambda: open("/usr/x", "w").close()),
    "shadow": attempt(lambda: open("/etc/shadow").close()), "top": sorted(os.listdir("/")), "env": sorted(os.environ),
    "fds": [fd for fd, target in fds if not target.startswith("/proc/")], "host": os.uname().nodename, "work": os.listdir("/work"),
    "monitor": attempt(lambda: os.listdir("/proc/1/fd")), "sysctl": attempt(lambda: open("/proc/sys/kernel/core_pattern", "r+").close()),
}))
"""
EXPECTED_ENV = ["LC_CTYPE", "PROBE"]


def run(path, python, description):
    """Try everything; each layer as {name, holds, needed, detail}. Raises OSError when nothing can be run at all."""
    limits = {"memoryBytes": 64 << 20, "wallMs": 10_000}
    started = [python, "-I", "-S", "-c"]
    ended, output, errors = client.run_once(path, [*started, PROGRAM], limits=limits, env={"PROBE": "1"})
    if ended["code"] != 0:
        raise OSError(f"the probe ended {ended}: {errors.decode(errors='replace')[-500:]}")
    facts = json.loads(output)
    layers = []

    def layer(name, holds, detail, needed=True):
        layers.append({"name": name, "holds": bool(holds), "needed": needed, "detail": str(detail)})

    refused = ("EPERM", "ENOSYS", "EACCES")
    layer("uid", "0" not in facts["uids"] and facts["unshare"] in refused, f"uid {facts['uids'][0]} inside; {description['uids']}")
    layer("userns", description["mode"] != "C", "the jail's own root is nobody on the host", needed=False)
    layer("groups", all(group in ("65534", facts["uids"][0]) for group in facts["groups"]), "no supplementary groups")
    layer("capabilities", all(int(mask, 16) == 0 for mask in facts["caps"]), "none, and none to be gained")
    layer("no_new_privs", facts["nnp"] == "1", "set")
    layer("seccomp", facts["seccomp"] == "2" and {facts["chroot"], facts["ptrace"]} <= set(refused), f"mount {facts['mount']}, unshare {facts['unshare']}, ptrace {facts['ptrace']}")
    layer("pid", facts["pids"] == [1, 2] and facts["pid"] == 2, f"sees processes {facts['pids']}")
    layer("monitor", facts["monitor"] in refused, f"process 1 is closed to the program: {facts['monitor']}")
    layer("mount", facts["root"] == "EROFS" and facts["usr"] in ("EROFS", "EACCES") and facts["mount"] in refused and facts["shadow"] == "ENOENT" and facts["work"] == ["out"], f"read-only root with {' '.join(facts['top'])}")
    layer("proc", facts["sysctl"] == "ENOENT" and facts["proc"] == ["self", "thread-self"], "only the run's own processes")
    layer("net", facts["net"] == ["lo"] and facts["egress"] == "ENETUNREACH" and facts["loopback"] == "done", f"only lo; elsewhere {facts['egress']}")
    layer("sockets", all(facts[name] not in ("done",) for name in ("vsock", "netlink")), f"vsock {facts['vsock']}, netlink {facts['netlink']}")
    layer("uts", facts["host"] == "runlane", f"host name {facts['host']}")
    layer("environment", [name for name in facts["env"] if name not in EXPECTED_ENV] == [], "nothing of the host's")
    layer("descriptors", facts["fds"] == [0, 1, 2], f"open: {facts['fds']}")

    hog = "data = bytearray(96 << 20); data[::4096] = b'x' * len(data[::4096]); import time; time.sleep(5)"
    ended, _, _ = client.run_once(path, [*started, hog], limits=limits)
    layer("memory", ended["reason"] == "memory", f"{description['memory']}; past the limit: {ended['reason']}")
    sleeper = "import os, time; os.fork() or os.setsid(); time.sleep(30)"
    ended, _, _ = client.run_once(path, [*started, sleeper], limits={**limits, "wallMs": 300})
    layer("clock", ended["reason"] == "wall" and ended["wallMs"] < 3000, f"300 ms ended after {ended['wallMs']} ms")
    forker = "import os, time\ntry:\n while True: os.fork() or (time.sleep(3), os._exit(0))\nexcept OSError as e: print(e.errno)"
    ended, output, _ = client.run_once(path, [*started, forker], limits={**limits, "processes": 8})
    layer("processes", output == b"11\n", f"{description['processes']}; past the limit: {output.decode().strip() or ended['reason']}")
    layer("memory-cgroup", description["memory"] == "cgroup", description["cgroups"], needed=False)
    return layers


def summary(description):
    """The isolation in one word, as it is stored with each result."""
    absent = [layer["name"] for layer in description["layers"] if not layer["holds"]]
    missing = [layer["name"] for layer in description["layers"] if layer["needed"] and not layer["holds"]]
    kept = ["userns", "pid", "mount", "net", "ipc", "uts", "seccomp", "cgroup" if description["memory"] == "cgroup" else "polled"]
    return "jail:" + "+".join(name for name in kept if name not in absent) + (f";weak:-{'-'.join(missing)}" if missing else "")
