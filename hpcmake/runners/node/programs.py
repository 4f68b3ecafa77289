"""How a program is found and started, and what environment it sees.

Owns the PATH, the environment and the one call that makes a process.  Knows nothing of what becomes of it.
"""

import errno
import os

from .launched import find_launch_names
from .task import encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .task import Task

DEVICES = ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "ZE_AFFINITY_MASK")
KEPT = 256  # environments


def spawn(path: bytes, argv: "list[bytes]", env: "dict[bytes, bytes]", log: int) -> int:
    """Start a process in a group of its own with its output in `log`; return its id.  Raises OSError.

    Not by fork: the pages of this program would be copied, and count as the memory of the task.  Its signals do what
    they do by default, since those that this program knows have functions, which no new program inherits.
    """
    if hasattr(os, "posix_spawn"):
        actions = ((os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2))
        return os.posix_spawn(path, argv, env, file_actions=actions, setpgroup=0)
    import subprocess  # before Python 3.8

    child = subprocess.Popen(argv, executable=path, env=env, stdout=log, stderr=log, start_new_session=True)
    child.returncode = 0  # it is waited for elsewhere
    return child.pid


def find_program(program: bytes, path: bytes) -> bytes:
    """Return where a program lies on a PATH.  Raises OSError: there is none, or it must not be run."""
    why = errno.ENOENT
    for folder in (path or encode(os.defpath)).split(b":"):
        candidate = os.path.join(folder or b".", program)
        if os.path.isfile(candidate):
            if os.access(candidate, os.X_OK):
                return candidate
            why = errno.EACCES
    raise OSError(why, os.strerror(why), program)


class Programs:
    """Starts programs as a shell finds them."""

    def __init__(self) -> None:
        self.found: dict[tuple[bytes, bytes], bytes] = {}

    def start(self, argv: "list[bytes]", env: "dict[bytes, bytes]", log: int) -> int:
        """Start a program; return its process id.  Raises OSError."""
        program = argv[0]
        if b"/" in program:
            return self.start_at(program, argv, env, log)
        key = program, env.get(b"PATH", b"")
        path = self.found.get(key)
        if path is not None:
            try:
                return self.start_at(path, argv, env, log)
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.EACCES):
                    raise  # else it has moved
        path = self.found[key] = find_program(*key)
        return self.start_at(path, argv, env, log)

    def start_at(self, path: bytes, argv: "list[bytes]", env: "dict[bytes, bytes]", log: int) -> int:
        """Start the program at a path; one without a first line that says its interpreter is a shell script."""
        try:
            return spawn(path, argv, env, log)
        except OSError as error:
            if error.errno != errno.ENOEXEC:
                raise
        return spawn(b"/bin/sh", [b"/bin/sh", path, *argv[1:]], env, log)


class Environments:
    """Makes the environments of tasks: one dictionary for all that want the same, one after the other."""

    def __init__(self, mark: str, gpus: int, *, scrub: bool) -> None:
        self.mark = encode(mark) + b":"
        self.gpus = gpus
        self.kept: dict[Any, dict[bytes, bytes]] = {}
        self.inherited = dict(os.environb)
        if scrub:
            for name in find_launch_names(os.environ):
                del self.inherited[os.fsencode(name)]

    def make(self, task: "Task") -> "dict[bytes, bytes]":
        """Return the environment of a task; it is good until the next is made."""
        threads = task.alone or task.cores
        key = (threads, *task.env.items())
        env = self.kept.get(key)
        if env is None:
            env = dict(self.inherited)
            env[b"OMP_NUM_THREADS"] = b"%d" % threads
            env.update((encode(name), encode(value)) for name, value in task.env.items())
            if len(self.kept) >= KEPT:
                self.kept.clear()
            self.kept[key] = env
        env[b"HPCMAKE_ATTEMPT"] = self.mark + b"%d" % task.id
        if task.devices:
            env = dict(env)
            for name in DEVICES:
                ours = os.environ.get(name, "").split(",")  # we may have been given some of the machine's only
                names = ours if len(ours) >= self.gpus and ours[0] else [str(i) for i in range(self.gpus)]
                env[encode(name)] = encode(",".join(names[i] for i in task.devices))
            env[b"HIP_VISIBLE_DEVICES"] = encode(",".join(map(str, range(task.gpus))))  # counts those that ROCR leaves
        return env
