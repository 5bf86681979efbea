"""Python programs, run in the interpreter that the service itself runs in: forked instead of started.

A start of Python costs more than all the rest of a run. What a program can see is what `python3 main.py` shows it: CPython's
own function for running a file does all that is visible (tracebacks, exit codes, SystemExit, `__main__`), and nothing of ours is
on the stack below it. What only a start could do, such as reading PYTHONHASHSEED, is left to a start (`can_run`).
"""
import _functools
import _signal
import _thread
import atexit
import builtins
import ctypes
import gc
import io
import os
import site
import sys
import time
import types
from _weakref import ReferenceType

from . import linux
from .rootfs import ENVIRONMENT

# From here on CPython crashes where it is taken apart in a fork of another thread than it began in; seen with 3.13.0.
TOO_NEW = (3, 13)
# What an interpreter, the C library or the loader reads once, when it starts.
READ_AT_START = ("PYTHON", "HOME", "LC_", "LANG", "LOCPATH", "LD_", "MALLOC_", "GLIBC_")
ZIP_END, ZIP_END_BYTES = b"PK\x05\x06", 22
WORK = ENVIRONMENT["HOME"]
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
HAS_COLLECTOR = 1 << 14  # Py_TPFLAGS_HAVE_GC
# Where a callback of a weak reference is nobody's but Python's own.
SILENT = (None, "weakref", "_weakrefset")
# Blocks of memory past which looking through all objects is not worth it.
MANY_BLOCKS = 200_000

python = ctypes.pythonapi
python.Py_IncRef.argtypes = [ctypes.py_object]
linux.libc.fopen.restype = ctypes.c_void_p
# What the end calls, bound before a program can change it.
_run_exit_functions, _exit, _kill, _getpid = atexit._run_exitfuncs, os._exit, os.kill, os.getpid
_attribute = type.__getattribute__

# What is known here of a fresh interpreter, and must not be freed.
_state = {}


class Leave(BaseException):
    """Raised in the process that becomes a program: leaves every frame of the service, so that none is below it."""


def host(serve, modules_at_start):
    """Run `serve` in a thread; where it raises Leave, run the program in the place of that. Never returns.

    The thread's bottom is no Python function but CPython's own for running a file, called straight by the thread. It asks
    for its first argument, and that is what serves: by the time the argument is there, all Python frames are gone.
    A fork keeps the one thread that forks, which is then its main thread.
    """
    _state["modules"] = modules_at_start
    run, stop_tracing, leave = python.PyRun_SimpleFileExFlags, python.PyEval_SetTrace, python.Py_Exit
    # What it returns is for CPython's own function for leaving, called with no Python frame below it either: whatever has
    # last words would name it. First `_end` makes an exit code of it, unseen by what the program may trace itself with.
    run.restype = leave
    leave.argtypes = [types.SimpleNamespace(from_param=_functools.partial(stop_tracing, None, None))]
    stop_tracing.restype = _functools.partial(python.PyEval_SetProfile, None, None)
    stop_tracing.errcheck = _end
    # As large as a main thread's mostly is.
    _thread.stack_size(8 << 20)
    _thread.start_new_thread(run, (_Late(lambda: _await_program(serve)), _Late(_path), 1, None))
    _thread.stack_size(0)
    while True:
        time.sleep(1 << 20)


class _Late:
    """An argument of a C function that is found when the function is called."""

    def __init__(self, find):
        self.find = find

    @property
    def _as_parameter_(self):
        return self.find()


def _await_program(serve):
    try:
        serve()
    except Leave as leaving:
        # Its frames hold what must not be freed: objects that would close descriptors of the program's.
        _state["kept"].append(leaving)
    # Not earlier: until here there is nothing of the program's that a signal could interrupt. Nor is there in what CPython
    # does first, so one that comes now waits for that to be over.
    _signal.pthread_sigmask(_signal.SIG_BLOCK, (_signal.SIGINT,))
    _signal.signal(_signal.SIGINT, _signal.default_int_handler)
    # The call of a C function that this is in counts as a level of recursion, where a program has one of its own to find.
    python.Py_LeaveRecursiveCall()
    return ctypes.c_void_p(linux.libc.fopen(_path(), b"rbe"))


def _path():
    return os.fsencode(_state["path"])


def prepare(preload):
    """Once, in the process that all runs are forks of, after all else: look as an interpreter does that has just started.

    `preload` are names of modules that programs shall find imported already. Raises ImportError.
    """
    # It was started where another file system was in view, and may have found a sitecustomize there.
    seen = frozenset(filter(_is_in_view, _state["modules"]))
    # Ours have found each other, and are hidden now. Never freed, at the very end of a program neither: that would cost
    # more than a short one. Of what stays nothing is kept: it is taken apart when it is the program's own.
    _state["kept"] = [sys.modules.pop(name) for name in list(sys.modules) if name not in seen]
    python.Py_IncRef(_state)
    sys.path_importer_cache.clear()
    sys.excepthook = sys.__excepthook__
    os.environ["HOME"] = ENVIRONMENT["HOME"]
    site.USER_BASE = site.USER_SITE = None
    _state["user_site"] = os.path.relpath(site.getusersitepackages(), WORK) + "/"
    linux.hide_arguments(os.fsencode(sys.executable))
    # Not before there is a program may anything be found in its folder: monitors look into that.
    del sys.path[0]
    _import(preload)
    sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__ = _make_streams()
    _state["streams"] = sys.stdout, sys.stderr
    _state["environment"] = dict(os.environ)
    _state["read_at_start"] = _read_at_start(os.environ)
    _state["threads"] = _thread._count()
    _state["blocks"] = sys.getallocatedblocks()


def _import(names):
    """Import for all programs. No thread may be left, for a fork copies none; so libraries for numbers get one each."""
    before = dict(os.environ)
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    for name in names:
        try:
            __import__(name)
        except Exception as reason:
            raise ImportError(f"{name} cannot be imported beforehand: {reason}") from reason
        if len(os.listdir("/proc/self/task")) > 1:
            raise ImportError(f"{name} starts threads when it is imported, so it cannot be imported beforehand")
    os.environ.clear()
    os.environ.update(before)
    # Its state would be the same in all programs; that of `random` is Python's own affair.
    _state["reseed"] = [sys.modules["numpy.random"].seed] if "numpy.random" in sys.modules else []


def _is_in_view(name):
    file = getattr(sys.modules[name], "__file__", None)
    return name == "__main__" or file is None or os.path.exists(file)


def _make_streams():
    """Objects for a program's three streams. They are made over pipes, as a program's are: they remember what it was."""
    saved = [os.dup(fd) for fd in range(3)]
    ends = os.pipe()
    try:
        for fd in range(3):
            os.dup2(ends[min(fd, 1)], fd)
        own = sys.stdin, sys.stdout, sys.stderr
        return tuple(_make_stream(fd, stream) for fd, stream in enumerate(own))
    finally:
        for fd, copy in enumerate(saved):
            os.dup2(copy, fd)
            os.close(copy)
        for fd in ends:
            os.close(fd)


def _make_stream(fd, model):
    mode = "w" if fd else "r"
    raw = io.FileIO(fd, mode, closefd=False)
    raw.name = model.name
    # Bytes at once, as PYTHONUNBUFFERED has it; but text line by line, as on a terminal: what a program prints is seen when
    # it prints it, and a line is one write, not two.
    buffer = raw if fd else io.BufferedReader(raw)
    stream = io.TextIOWrapper(buffer, model.encoding, model.errors, "\n", line_buffering=bool(fd), write_through=not fd)
    stream.mode = mode
    return stream


def can_run(argv, env, ends):
    """Whether this is a Python program that finds here what it would find in an interpreter of its own.

    `ends` are the last ZIP_END_BYTES of each of its files.
    """
    if sys.version_info >= TOO_NEW:
        return False
    if argv[0] != sys.executable or len(argv) < 2 or argv[1].startswith("-") or not argv[1].endswith(".py"):
        return False
    if _read_at_start(env) != _state["read_at_start"]:
        return False
    # A zip file Python runs too, whatever it is called; and of what is not there it says so.
    end = ends.get(argv[1]) or ends.get(os.path.normpath(argv[1]), ZIP_END)
    return not end.startswith(ZIP_END) and not any(path.startswith(_state["user_site"]) for path in ends)


def _read_at_start(env):
    return {name: value for name, value in env.items() if name.startswith(READ_AT_START)}


def take_over(argv, env):
    """Make this process, which is in the program's folder already, look as the program's: it begins with Leave."""
    if env != _state["environment"]:
        os.environ.clear()
        os.environ.update(env)
        if "TZ" in env:
            time.tzset()
    for reseed in _state["reseed"]:
        reseed()
    sys.argv, sys.orig_argv = argv[1:], argv
    _state["path"] = f"{WORK}/{argv[1]}"
    sys.path.insert(0, WORK if "/" not in argv[1] else os.path.normpath(os.path.dirname(_state["path"])))
    # What the service has made since it froze its objects is not the program's.
    gc.freeze()
    # But this is the program's, and the collector must see it at the end.
    sys.modules["__main__"] = _make_main()


class _UntilLoaded:
    """Stands where CPython puts the loader of the main file, the last it does before it reads that; and lets SIGINT in as it
    goes. By a function of C: one of Python's would look for signals itself."""

    __del__ = linux.unblocking(_signal.SIGINT)


def _make_main():
    """Another `__main__`, that nothing of ours holds: frames of the thread that began here do hold the first one."""
    main = types.ModuleType("__main__")
    main.__loader__ = _UntilLoaded()
    main.__annotations__, main.__builtins__ = {}, builtins
    return main


def _end(_nothing, _function, arguments):
    """End as CPython does after the main file; or return the exit code for CPython to end with, the longer way."""
    code = 1 if arguments[-1] else 0
    interrupted = code and getattr(sys, "last_type", None) is KeyboardInterrupt
    try:
        threading = sys.modules.get("threading")
        shorter = _thread._count() <= _state["threads"] and not getattr(threading, "_threading_atexits", None)
        if shorter:
            if threading:
                threading._shutdown()
            _run_exit_functions()
        if shorter and not _has_last_words():
            for stream in (sys.stdout, sys.stderr):
                if not stream.closed:
                    stream.flush()
            linux.libc.fflush(None)
            if interrupted:
                _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
                _kill(_getpid(), _signal.SIGINT)
            _exit(code)
    except BaseException:
        pass  # CPython meets the same trouble, and says so as nothing else can
    if interrupted:
        linux.libc.__cxa_atexit(linux.libc.__getattr__("raise"), _signal.SIGINT, None)
    return ctypes.c_int(code)


def _has_last_words():
    """Whether taking everything apart could have an effect: that costs more than a short program, and few need it.

    Files write what they hold, generators run their `finally`, objects `__del__`, weak references their callbacks. What was
    there before the program is frozen, and not among the objects seen here.
    """
    if sys.getallocatedblocks() - _state["blocks"] > MANY_BLOCKS or (sys.stdout, sys.stderr) != _state["streams"]:
        return True
    if gc.callbacks or gc.get_debug():
        return True
    objects = gc.get_objects()
    kinds = set(map(type, objects))
    # By kind: isinstance() asks the object itself, and an attribute its class; the program's own may answer anything.
    kinds_of_kinds = {kind for kind in kinds if issubclass(kind, type)}
    references = {kind for kind in kinds if issubclass(kind, ReferenceType)}
    # Whose instances the collector does not see.
    kinds.update(kind for kind in objects if type(kind) in kinds_of_kinds and not _attribute(kind, "__flags__") & HAS_COLLECTOR)
    return any(map(_says_something, kinds)) or any(
        getattr(one.__callback__, "__module__", None) not in SILENT for one in objects if type(one) in references
    )


def _says_something(kind):
    try:
        _attribute(kind, "__del__")
        return True
    except AttributeError:
        return False
