"""Starts the jail service, holds what has to stay outside of it, and takes everything away when it ends.

    python3 -I launcher.py --socket PATH [--peer-uid UID] [--slots N] [--runners DIR] [--bind PATH]...

As root (mode A) the jail gets 65,536 host ids that belong to nobody, and each run at once its own; as an ordinary user
(mode B) it gets the user's own id, and each run a user namespace of its own. Where root can make no user namespace (mode
C) it is as A, but the jail's own processes stay the host's root, with the few capabilities that they need. Prints one line of JSON on standard output
when it serves: {"ready": true, "mode", "layers": [{"name", "holds", "detail"}], "toolchains": {...}, ...}. SIGTERM ends it
and every run. Needs nothing but Python 3.9 and Linux 5.8.
"""
import sys

sys.dont_write_bytecode = True

import argparse  # noqa: E402
import collections  # noqa: E402
import json  # noqa: E402
import marshal  # noqa: E402
import os  # noqa: E402
import platform  # noqa: E402
import select  # noqa: E402
import signal  # noqa: E402
import socket  # noqa: E402
import stat  # noqa: E402
import time  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from jail import cgroup, linux, probe, program, rootfs, seccomp, service  # noqa: E402
from jail.languages import find_languages  # noqa: E402

SUBORDINATE_IDS = 65_536
FIRST_RUN_UID = 10_000
OVERFLOW_UID = 65534
# The service may run in another version of Python.
MARSHAL_VERSION = 2
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
# What the host and `npm start` tell apart: containers are no way out of the first.
MISCONFIGURED = 78  # EX_CONFIG
CANNOT_ISOLATE = 69  # EX_UNAVAILABLE


class CannotIsolate(Exception):
    """This machine cannot keep programs apart; the message says what to do."""


class Misconfigured(Exception):
    """What somebody has given by hand cannot be used: they mean it, so nothing else is taken in its place."""


# What the outer sandbox is made with. `users` are (name, uid) of the runs; `binds` files and folders to show, `toolchains` a folder to show by
# that name; `host_ids` the first of
# its ids on the host, with what reserves them; `zygote` what the service runs in, as (interpreter, environment), and
# `preload` what that imports for the programs.
Outer = collections.namedtuple("Outer", "users binds toolchains host_ids mode zygote preload peer_uid")


def main():
    arguments = _arguments()
    _clear_environment(arguments)
    _die_with_parent()
    os.umask(0o077)
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    # Whatever is orphaned below comes back here, so "no child left" means that nothing is left.
    linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)
    groups = cgroup.Groups(arguments.cgroups)
    try:
        _launch(arguments, groups)
        code = _wait(arguments.leash)
    except (CannotIsolate, Misconfigured) as reason:
        print(f"runlane jail: refusing to start: {reason}", file=sys.stderr, flush=True)
        code = MISCONFIGURED if isinstance(reason, Misconfigured) else CANNOT_ISOLATE
    _clean_up(arguments.socket, groups)
    sys.exit(code)


def _arguments():
    parser = argparse.ArgumentParser(description="Starts the Runlane jail service.")
    parser.add_argument("--socket", required=True, help="path of the Unix socket to listen on")
    parser.add_argument("--peer-uid", type=int, default=os.getuid(), help="uid that may connect")
    parser.add_argument("--slots", type=int, default=max(4, 2 * (os.cpu_count() or 1)), help="runs at once")
    parser.add_argument("--warm", type=int, default=2 * (os.cpu_count() or 1), help="sandboxes more than that, to be ready while others are taken away")
    parser.add_argument("--preludes", type=int, default=0, help="sandboxes more again, for what waits in them for a program")
    parser.add_argument("--runners", default=os.path.dirname(os.path.dirname(HERE)), help="folder of */runner.json")
    parser.add_argument("--toolchains", metavar="DIR", help="a folder to show at /toolchains, read-only")
    parser.add_argument("--bind", action="append", default=[], help="a further folder to show, read-only")
    parser.add_argument("--tool", action="append", default=[], metavar="LANGUAGE=PATH", help="a tool in the place of the manifest's")
    parser.add_argument("--preload", default="", help="modules for the zygote to import, separated by commas")
    parser.add_argument("--cgroups", metavar="DIR", help="make the groups of runs in here, a folder delegated to this user")
    parser.add_argument("--no-cgroups", action="store_true", help="measure by polling even where groups can be made")
    parser.add_argument("--no-user-namespaces", action="store_true", help="as root: do without, even where they can be made")
    parser.add_argument("--leash", action="store_true", help="end when standard input does: for a parent without the right to signal")
    parser.add_argument("--allow-weak", action="store_true", help="serve although a layer is missing; it is named")
    arguments = parser.parse_args()
    arguments.allow_weak = arguments.allow_weak or os.environ.get("ALLOW_WEAK_ISOLATION") == "1"
    return arguments


def _clear_environment(arguments):
    """Start over with an empty environment: a process's first one can be read in /proc as long as it lives."""
    if "RUNLANE_CLEARED" in os.environ:
        return
    words = [sys.executable, "-I", os.path.abspath(__file__), *sys.argv[1:]]
    if arguments.allow_weak and "--allow-weak" not in words:
        words.append("--allow-weak")
    os.execve(sys.executable, words, {"RUNLANE_CLEARED": "1", "PATH": os.environ.get("PATH", os.defpath)})


def _die_with_parent():
    parent = os.getppid()
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(0)


def _launch(arguments, groups):
    _check_machine()
    found = _find_languages(arguments.runners, dict(tool.split("=", 1) for tool in arguments.tool))
    binds = [*found.binds, *(os.path.realpath(path) for path in arguments.bind)]
    zygote = found.zygote or (sys.executable, {})
    root = os.getuid() == 0
    mode = _mode(arguments.no_user_namespaces)
    count = arguments.slots + arguments.warm + arguments.preludes
    groups.make(count, wanted=not arguments.no_cgroups)
    if arguments.cgroups and not groups.slots[0].has_memory:
        raise Misconfigured(f"no groups with a limit of memory can be made in {arguments.cgroups}, which was given for them: {groups.detail}")
    host_ids = _reserve_host_ids() if root else None
    first_uid = {"A": FIRST_RUN_UID, "B": 0, "C": FIRST_RUN_UID + (host_ids[0] if host_ids else 0)}[mode]
    slots = [service.Slot(n, first_uid + n if root else 0, groups.slots[n], not root) for n in range(count)]
    users = [(f"run{n}", slot.uid) for n, slot in enumerate(slots)] if root else [("run", program.INNER_UID)]
    preload = [name for name in arguments.preload.split(",") if name]
    outer = Outer(users, binds, arguments.toolchains, host_ids, mode, zygote, preload, arguments.peer_uid)
    description = {
        "mode": mode,
        "platform": f"linux/{ {'x86_64': 'x64', 'aarch64': 'arm64'}.get(platform.machine(), platform.machine()) }",
        "slots": arguments.slots,
        "toolchains": found.toolchains,
        "problems": found.problems,
        "toolchainsShown": arguments.toolchains is not None,
        "environment": rootfs.ENVIRONMENT,
        "memory": "cgroup" if groups.slots[0].has_memory else "polled",
        "processes": "cgroup" if groups.slots[0].has_pids else "rlimit",
        "uids": f"{count} host ids from {host_ids[0] + FIRST_RUN_UID}" if root else f"the single id {os.getuid()}",
        "cgroups": groups.detail,
    }
    # First a jail for the probes, which tells what holds; then the one that serves, which can say so.
    layers = _probe(arguments, slots, outer, description)
    description["layers"] = layers
    description["weak"] = any(layer["needed"] and not layer["holds"] for layer in layers)
    missing = [f"{layer['name']} ({layer['detail']})" for layer in layers if layer["needed"] and not layer["holds"]]
    if missing and not arguments.allow_weak:
        raise CannotIsolate(
            f"these layers of isolation do not hold here: {'; '.join(missing)}. "
            "ALLOW_WEAK_ISOLATION=1 starts all the same, and every result then names it."
        )
    description["summary"] = probe.summary(description)
    listening = _listen(arguments.socket, arguments.peer_uid)
    _start_service(listening, slots, outer, json.dumps(description).encode())
    listening.close()
    print(json.dumps({"ready": True, "socket": arguments.socket, **description}), flush=True)


def _check_machine():
    if platform.system() != "Linux":
        raise CannotIsolate("the jail needs Linux; use SANDBOX=docker elsewhere")
    if not seccomp.supported():
        raise CannotIsolate(f"there is no system-call filter for {platform.machine()} yet")


def _mode(without_user_namespaces):
    """Which of the three ways this machine allows: see above."""
    if os.getuid() != 0:
        return "B"
    if not without_user_namespaces and _can_make_user_namespaces():
        return "A"
    # Root of a namespace that holds a few ids only has none to give to runs.
    with open("/proc/self/uid_map", encoding="utf-8") as lines:
        if sum(int(line.split()[2]) for line in lines) < 1 << 31:
            raise CannotIsolate(f"no user namespace can be made, and this root has no user ids for runs. {_advice()}")
    return "C"


def _can_make_user_namespaces():
    pid = os.fork()
    if pid == 0:
        try:
            linux.unshare(linux.CLONE_NEWUSER)
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


def _find_languages(folder, given):
    """What the manifests ask for. What somebody has given by hand must be usable."""
    for language, path in given.items():
        if not os.access(path, os.X_OK):
            raise Misconfigured(f"there is no program at {path}, which was given for {language}")
    found = find_languages(folder, given)
    for language in given:
        if language in found.problems:
            raise Misconfigured(f"{language}, which {given[language]} was given for: {found.problems[language]}")
    return found


def _reserve_host_ids():
    """65,536 host ids that no other launcher of this machine uses: (first, what holds the reservation)."""
    for block in range(1, 4000):
        holder = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            # An abstract name is free again the moment its holder is gone, however it went.
            holder.bind(f"\0runlane-ids-{block}")
            return block * 1_000_000, holder
        except OSError:
            holder.close()
    raise CannotIsolate("no block of subordinate ids is free")


def _listen(path, uid):
    try:
        if stat.S_ISSOCK(os.lstat(path).st_mode):
            os.unlink(path)
    except FileNotFoundError:
        pass
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    listening.bind(path)
    os.chmod(path, 0o600)
    if uid != os.getuid():
        os.chown(path, uid, -1)
    listening.listen(512)
    return listening


def _probe(arguments, slots, outer, description):
    path = f"{arguments.socket}.probe"
    listening = _listen(path, os.getuid())
    try:
        pid = _start_service(listening, slots[:2], outer, b"{}")
        listening.close()
        try:
            return probe.run(path, _interpreter(outer.binds), description)
        except OSError as reason:
            raise CannotIsolate(f"a first program could not be run in the jail: {reason}. {_advice()}") from reason
        finally:
            os.kill(pid, signal.SIGKILL)
            _reap_all()
    finally:
        os.unlink(path)


def _interpreter(binds):
    own = os.path.realpath(sys.executable)
    if not own.startswith("/usr/") and not any(own.startswith(path + "/") for path in binds):
        binds.append(os.path.dirname(os.path.dirname(own)))
    return own


def _start_service(listening, slots, outer, description):
    """Start the outer sandbox and wait until it is made; the pid of its anchor, with which it dies."""
    report_r, report_w = os.pipe2(os.O_CLOEXEC)
    mapped_r, mapped_w = os.pipe2(os.O_CLOEXEC)
    values = {
        "launcher": os.getpid(),
        "listening": listening.fileno(),
        # A uid of the host that is not root's looks like this in a user namespace.
        "peers": [0, outer.peer_uid if outer.mode == "C" else OVERFLOW_UID],
        "slots": [[slot.number, slot.uid, slot.group.version, slot.group.fds, slot.own_user_namespace] for slot in slots],
        "users": outer.users,
        "binds": outer.binds,
        "toolchains": outer.toolchains,
        "user_namespace": outer.mode != "C",
        "description": description.decode(),
        "preload": outer.preload,
        "interpreter": outer.zygote[0],
        # As a run's own interpreter would have it, but for the home: that is another folder out here.
        "environment": {**rootfs.ENVIRONMENT, **outer.zygote[1], "HOME": "/nonexistent"},
        "report": report_w,
        "mapped": mapped_r,
    }
    kept = [listening.fileno(), report_w, mapped_r]
    for slot in slots:
        kept += slot.group.all_fds()
    pid = os.fork()
    if pid == 0:
        try:
            _become_anchor(values, kept)
        except BaseException as reason:
            os.write(report_w, f"!{type(reason).__name__}: {reason}".encode()[:1000])
        finally:
            os._exit(1)
    os.close(report_w)
    os.close(mapped_r)
    try:
        if os.read(report_r, 1000) == b"u":
            if outer.mode != "C":
                _map_ids(pid, outer.host_ids)
            os.write(mapped_w, b"m")
            report = os.read(report_r, 1000)
            if report == b"r":
                return pid
        else:
            report = b"no user namespace could be made"
    except OSError as reason:
        report = str(reason).encode()
    finally:
        os.close(report_r)
        os.close(mapped_w)
    os.kill(pid, signal.SIGKILL)
    _reap_all()
    report = report.decode(errors="replace").lstrip("!")
    if outer.preload and report.startswith(("ImportError:", "ModuleNotFoundError:")):
        raise Misconfigured(report)
    raise CannotIsolate(f"{report}. {_advice()}")


def _become_anchor(values, kept):
    parameters = os.memfd_create("parameters")
    os.write(parameters, marshal.dumps(values, MARSHAL_VERSION))
    for fd in (*kept, parameters):
        os.set_inheritable(fd, True)
    python = values["interpreter"]
    os.execve(python, [python, f"{HERE}/zygote.py", str(parameters)], values["environment"])


def _map_ids(pid, host_ids):
    if host_ids:
        mapping = f"0 {host_ids[0]} {SUBORDINATE_IDS}"
        texts = {"uid_map": mapping, "gid_map": mapping}
    else:
        # One's own id is all that an ordinary user may map, and only without supplementary groups.
        texts = {"setgroups": "deny", "uid_map": f"0 {os.getuid()} 1", "gid_map": f"0 {os.getgid()} 1"}
    for name, text in texts.items():
        with open(f"/proc/{pid}/{name}", "w", encoding="utf-8") as file:
            file.write(text)


def _advice():
    """What an operator can do, from what this machine says of itself."""
    hints = []
    if _setting("/proc/sys/kernel/unprivileged_userns_clone") == "0":
        hints.append("allow user namespaces: sysctl -w kernel.unprivileged_userns_clone=1")
    if _setting("/proc/sys/user/max_user_namespaces") == "0":
        hints.append("allow user namespaces: sysctl -w user.max_user_namespaces=15000")
    if _setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1":
        hints.append(
            "this host's AppArmor forbids user namespaces to ordinary programs (Ubuntu): "
            "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or give the runner an AppArmor profile with "
            "'userns,', or in a container security_opt apparmor=unconfined"
        )
    if os.path.exists("/.dockerenv") or os.path.exists("/run/.containerenv"):
        hints.append(
            "in a container: security_opt seccomp=deploy/docker/seccomp-runner.json (it allows unshare, setns, mount and "
            "pivot_root), systempaths=unconfined, and apparmor=unconfined where the host has AppArmor"
        )
    if not hints:
        hints.append("run it as root, or on a kernel with user namespaces (Linux 5.8 or later)")
    return "What to do: " + "; ".join(hints)


def _setting(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return None


def _wait(leash):
    """Until told to stop, or until the service is gone: the exit code."""
    wake_r, wake_w = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(wake_w)
    for number in SIGNALS:
        signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    poll = select.poll()
    poll.register(wake_r, select.POLLIN)
    if leash:
        poll.register(0, select.POLLIN)
    while True:
        for fd, _ in poll.poll():
            if fd == 0:
                return 0
            for number in os.read(wake_r, 64):
                if number != signal.SIGCHLD:
                    return 0
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            pid = -1
        if pid:
            print("runlane jail: the service ended by itself", file=sys.stderr, flush=True)
            return 1


def _children():
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="utf-8") as file:
        return [int(pid) for pid in file.read().split()]


def _reap_all():
    """Wait for every child, killed before."""
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _clean_up(path, groups):
    for pid in _children():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    _reap_all()
    for _ in range(200):
        if groups.remove():
            break
        time.sleep(0.01)
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


if __name__ == "__main__":
    main()
