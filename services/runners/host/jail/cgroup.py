"""Control groups for runs: one for each slot, made by the launcher before the service gives up the host.

Every file that a run needs is opened then, by real root; the descriptors go on working from inside the jail, where no
cgroup file system is mounted at all. What a machine lacks (a controller, or the right to make groups) is None here,
and the monitor measures it by polling instead.
"""
import errno
import os
import time

# What the name of a launcher's group begins with; its pid follows.
PREFIX = "runlane-"
# And ends with, where it is for the processes that were there before.
ASIDE = "-aside"
CONTROLLERS = ("memory", "pids", "cpuacct")
# Of v2, to the groups below; processor time it counts in every group.
SHARED_OUT, TAKEN_BACK = "+memory +pids", "-memory -pids"
# Times that a group is looked through for processes that others forked while they were moved.
MOVES = 100
# An ended run leaves less than this of the kernel's own bookkeeping: not worth the call.
LEFT_OVER_BYTES = 1 << 20
# Longest that the kernel is waited for to free what a run has left, such as segments of System V.
FREED_SECONDS = 2


class Group:
    """One slot's group. Each method that says "or None" has no answer where the controller is missing."""

    def __init__(self, version, fds):
        self.version = version
        self.fds = fds
        # What was set last: most runs have the same.
        self._limits = None
        self._oom_before = 0
        self._cpu_before = 0

    @property
    def has_memory(self):
        return "memory" in self.fds

    @property
    def has_pids(self):
        return "pids" in self.fds

    @property
    def has_cpu(self):
        return "cpu" in self.fds

    def limit(self, memory, processes):
        """Set the limits of the next run and forget the one before. Call while the group is empty."""
        self._set_limits(memory, processes)
        if "peak" in self.fds:
            _write(self.fds["peak"], 0)
        if self.has_memory:
            self._oom_before = self._oom_kills()

    def _set_limits(self, memory, processes):
        if (memory, processes) == self._limits:
            return
        self._limits = None
        if self.has_memory:
            if self.version == 2:
                _write(self.fds["memory"], memory)
            else:
                self._limit_memory_v1(memory)
        if self.has_pids:
            _write(self.fds["pids"], processes)
        self._limits = (memory, processes)

    def start_clock(self):
        """Count processor time from here on: what preparing the program cost is ours."""
        self._cpu_before = self._cpu() or 0

    def _limit_memory_v1(self, memory):
        # memory+swap may never be below memory, so which goes first depends on the limit before.
        try:
            _write(self.fds["memory"], memory)
            if "swap" in self.fds:
                _write(self.fds["swap"], memory)
        except OSError:
            if "swap" not in self.fds:
                raise
            _write(self.fds["swap"], memory)
            _write(self.fds["memory"], memory)

    def forget(self, memory, processes):
        """Give back what the run before left charged here (files it read, its tmpfs): the next one pays for its own only.
        And have limits under which the next sandbox can be made, whatever those of the run before were.

        Call when nobody is in the run's namespaces any more: the kernel frees some of them a little later."""
        give_up = time.monotonic() + FREED_SECONDS
        while self._has_left_overs() and time.monotonic() < give_up:
            _write(self.fds["empty"], 0)
            if self.version == 2:
                _write(self.fds["empty"], "max")
            time.sleep(0.001)
        self._set_limits(memory, processes)

    def _has_left_overs(self):
        return "empty" in self.fds and self.memory_now() > LEFT_OVER_BYTES

    def join(self):
        """Move the calling process in. "0" means itself, so no pid has to be translated between namespaces."""
        for fd in self.fds.get("procs", ()):
            os.write(fd, b"0")

    def out_of_memory(self):
        """Whether the kernel ended a process of this run for want of memory."""
        return self.has_memory and self._oom_kills() > self._oom_before

    def _oom_kills(self):
        return _field(_read(self.fds["oom"]), b"oom_kill") or 0

    def memory_now(self):
        """Bytes in use, or None."""
        return int(_read(self.fds["usage"])) if self.has_memory else None

    def memory_peak(self):
        """Most bytes used at once, or None where the kernel does not keep that for each run (v2)."""
        return int(_read(self.fds["peak"])) if "peak" in self.fds else None

    def cpu_ms(self):
        """Processor time of this run, or None."""
        now = self._cpu()
        return None if now is None else now - self._cpu_before

    def _cpu(self):
        if "cpu" not in self.fds:
            return None
        text = _read(self.fds["cpu"])
        if self.version == 2:
            return _field(text, b"usage_usec") / 1000
        return int(text) / 1e6

    def all_fds(self):
        single = [fd for name, fd in self.fds.items() if name != "procs"]
        return single + list(self.fds.get("procs", ()))


NONE = Group(0, {})


class Groups:
    """All groups of one launcher, and how to take them away again."""

    def __init__(self, given=None):
        """`given` is a folder that belongs to this user, to make them in: else they are made where this process is."""
        self.slots = []
        self.detail = "no cgroup can be written"
        self._given = given
        # A pid says nothing to launchers in other containers.
        self._name = f"{PREFIX}{os.getpid()}" + (f"-{os.urandom(4).hex()}" if given else "")
        self._made = []
        self._held = []
        # Of v2: the group that processes stepped aside from, and where they are now.
        self._aside = None

    def make(self, slots, wanted=True):
        """A group for each slot; NONE where this machine does not let us."""
        self.slots = [NONE] * slots
        if not wanted:
            self.detail = "cgroups switched off"
            return
        try:
            if os.path.exists(f"{self._given or '/sys/fs/cgroup'}/cgroup.controllers"):
                self._open_v2(slots)
            else:
                self._open_v1(slots)
        except OSError as reason:
            self.detail = f"no cgroup can be written: {reason.strerror} ({reason.filename or 'write'})"
            self.slots = [NONE] * slots
            self.remove()

    def _open_v1(self, slots):
        bases = {}
        for name in CONTROLLERS:
            base = f"{self._given}/{name}" if self._given else _own_folder_v1(name)
            if base and os.access(base, os.W_OK):
                bases[name] = base
        if not bases:
            return
        for base in set(bases.values()):
            self._make_top(base)
        groups = []
        for index in range(slots):
            fds = {"procs": []}
            folders = {name: f"{base}/{self._name}/run-{index}" for name, base in bases.items()}
            for folder in dict.fromkeys(folders.values()):
                self._make(folder)
                fds["procs"].append(_open(f"{folder}/cgroup.procs"))
            if "memory" in folders:
                folder = folders["memory"]
                fds["memory"] = _open(f"{folder}/memory.limit_in_bytes")
                if os.path.exists(f"{folder}/memory.memsw.limit_in_bytes"):
                    fds["swap"] = _open(f"{folder}/memory.memsw.limit_in_bytes")
                fds["peak"] = _open(f"{folder}/memory.max_usage_in_bytes")
                fds["usage"] = _open(f"{folder}/memory.usage_in_bytes", os.O_RDONLY)
                fds["oom"] = _open(f"{folder}/memory.oom_control")
                fds["empty"] = _open(f"{folder}/memory.force_empty", os.O_WRONLY)
            if "pids" in folders:
                fds["pids"] = _open(f"{folders['pids']}/pids.max")
            if "cpuacct" in folders:
                fds["cpu"] = _open(f"{folders['cpuacct']}/cpuacct.usage")
            groups.append(Group(1, fds))
        self.slots = groups
        self.detail = f"cgroup v1: {', '.join(sorted(bases))}"

    def _open_v2(self, slots):
        base = self._given or _own_folder_v2()
        if os.path.basename(base).startswith(PREFIX) and base.endswith(ASIDE):
            # Who started us has stepped aside for another launcher: our groups belong beside that one's. The last steps back.
            self._aside = os.path.dirname(base), base
            base = os.path.dirname(base)
        top = self._make_top(base)
        groups = []
        for index in range(slots):
            folder = f"{top}/run-{index}"
            self._make(folder)
            _put(f"{folder}/memory.oom.group", "1")
            if os.path.exists(f"{folder}/memory.swap.max"):
                _put(f"{folder}/memory.swap.max", "0")
            fds = {"procs": [_open(f"{folder}/cgroup.procs")], "memory": _open(f"{folder}/memory.max")}
            fds["usage"] = _open(f"{folder}/memory.current", os.O_RDONLY)
            fds["oom"] = _open(f"{folder}/memory.events", os.O_RDONLY)
            # Lowered, it makes the kernel take back all it can, and never kills: memory.reclaim there is since Linux 5.19 only.
            fds["empty"] = _open(f"{folder}/memory.high", os.O_WRONLY)
            fds["pids"] = _open(f"{folder}/pids.max")
            fds["cpu"] = _open(f"{folder}/cpu.stat", os.O_RDONLY)
            groups.append(Group(2, fds))
        self.slots = groups
        self.detail = "cgroup v2: memory, pids, cpu"

    def _make_top(self, base):
        """The group that holds all of this launcher's, locked for as long as it lives; what others left is swept away."""
        lock = _lock(base)
        try:
            _sweep(base)
            top = f"{base}/{self._name}"
            self._make(top)
            self._held.append(_lock(top))
            if os.path.exists(f"{base}/cgroup.subtree_control"):
                self._share_out(base)
                _put(f"{top}/cgroup.subtree_control", SHARED_OUT)
            return top
        finally:
            os.close(lock)

    def _share_out(self, base):
        """Let the groups below one of v2 have limits of their own. Only the root of all may have processes beside those:
        elsewhere all that are there, such as the runner that started this launcher, step aside into a group below."""
        try:
            _put(f"{base}/cgroup.subtree_control", SHARED_OUT)
        except OSError as reason:
            if reason.errno != errno.EBUSY:
                raise
            aside = f"{base}/{self._name}{ASIDE}"
            os.mkdir(aside, 0o755)
            self._aside = base, aside
            _move_all(base, aside)
            _put(f"{base}/cgroup.subtree_control", SHARED_OUT)

    def _step_back(self):
        """Undo that, once the groups of runs are gone. Where another launcher has groups there by now, all stays as it is."""
        base, aside = self._aside
        self._aside = None
        try:
            lock = _lock(base)
            try:
                _put(f"{base}/cgroup.subtree_control", TAKEN_BACK)
                _move_all(aside, base)
                os.rmdir(aside)
            finally:
                os.close(lock)
        except OSError:
            pass  # a group with processes in it harms nobody, and the next launcher knows it by its name

    def _make(self, folder):
        os.mkdir(folder, 0o755)
        self._made.append(folder)

    def remove(self):
        """Remove every group; True when none is left. Only possible once the processes in them are gone."""
        for folder in reversed(self._made[:]):
            try:
                os.rmdir(folder)
                self._made.remove(folder)
            except FileNotFoundError:
                self._made.remove(folder)
            except OSError:
                pass  # still busy: the caller tries again
        if not self._made and self._aside:
            self._step_back()
        return not self._made


def _sweep(base):
    """Remove what a launcher that was killed left behind."""
    for name in os.listdir(base):
        # Others may have folders of a similar name here.
        if not name.startswith(PREFIX) or not name[len(PREFIX) :].split("-")[0].isdigit():
            continue
        try:
            lock = _lock(f"{base}/{name}", wait=False)
        except OSError:
            continue  # its launcher lives
        for folder, _, _ in os.walk(f"{base}/{name}", topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                pass  # not ours after all, or still dying: harmless
        os.close(lock)


def _lock(folder, wait=True):
    """A lock that ends with its holder, however that ends: the same to launchers that cannot see each other's pids."""
    import fcntl  # here, for every program's process begins with what the service imports

    fd = _open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        return fd
    except OSError:
        os.close(fd)
        raise


def _own_folder_v2():
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        own = next(line[3:].strip() for line in file if line.startswith("0::"))
    return f"/sys/fs/cgroup{own}".rstrip("/")


def _move_all(source, target):
    """Move all processes of a group of v2, and those that they fork meanwhile."""
    for _ in range(MOVES):
        with open(f"{source}/cgroup.procs", encoding="utf-8") as file:
            pids = file.read().split()
        if not pids:
            return
        if "0" in pids:
            break  # one that cannot be named from in here: written, it would mean this process
        for pid in pids:
            try:
                _put(f"{target}/cgroup.procs", pid)
            except ProcessLookupError:
                pass  # it has ended
    raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), source)


def _own_folder_v1(controller):
    """Where this process is in the hierarchy of a controller, or None where that is not mounted."""
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        own = next((line.rstrip("\n").split(":", 2)[2] for line in file if controller in line.split(":")[1].split(",")), None)
    if own is None:
        return None
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            left, _, right = line.partition(" - ")
            kind, _, options = right.split()[:3]
            if kind == "cgroup" and controller in options.split(","):
                root, point = left.split()[3:5]
                inside = own[len(root) :] if root != "/" and own.startswith(root) else own
                folder = (point + "/" + inside.strip("/")).rstrip("/")
                return folder if os.path.isdir(folder) else None
    return None


def _open(path, flags=os.O_RDWR):
    return os.open(path, flags | os.O_CLOEXEC)


def _put(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def _field(text, name):
    """The number after a name, in lines of both; None where there is none."""
    for line in text.splitlines():
        key, _, value = line.partition(b" ")
        if key == name:
            return int(value)
    return None


def _write(fd, value):
    os.pwrite(fd, str(value).encode(), 0)


def _read(fd):
    return os.pread(fd, 4096, 0)
