"""Runs tasks on one machine: takes attempts as lines of JSON on stdin, answers with lines of at most 1000 bytes on stdout.

Owns the queue of one node, its processes, their time limits and the stamps of what they made.  Knows nothing of rules
or journals, nor of the rest of hpcmake: it stands alone (standard library, Python 3.6 or later, `PYTHON -I -S node.py`).

Down: first one object (see `Node`), then lists: `["more", ROW…]`, `["forget", ID…]`, `["drain"]`, `["stop", "term"]` or
`"kill"`, `["beat"]`.  A row is the values that `Task` names, cut off behind the last that is not its default.  Up:
`["up", PID, NODE, SCRATCH]`, `["b", ID, AT]` began, `["s", ID, MTIME, SIZE, …]` stamps (null, null for what is missing),
`["e", ID, STATUS, WHY, WALL, CPU, RSS, AT, [SLOT, OFFSET, LENGTH] or 0, STRAYS]` ended (slot -1: the log of the row),
`["c", ID, WHY, ELAPSED]` cut, `["w", TEXT]` a remark.  The end of stdin ends all tasks, and then this program.

The stamp of a file is (mtime in ns, size).  That of a folder (a path with a trailing slash) is (digest, sum of sizes):
for everything below it one line `relpath NUL mtime_ns NUL size LF`, folders as `relpath/ NUL 0 NUL 0 LF`, in the order
of a walk that takes the names of each folder sorted by their bytes and descends into a folder right after its own line;
a symbolic link is what it points to, but for one to a folder or to nothing, which is itself; the digest is the first 8
bytes of the SHA-256 of these lines, big-endian, shifted right by one.
"""

import errno
import heapq
import json
import os
import select
import signal
import sys
import time
from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Deque, Dict, List, NoReturn, Optional, Set, Tuple

LINGER = 0.25  # seconds in which what a task left behind may end by itself, as `> >(tee log)` in bash does
LATE = 0.01  # seconds that a result may wait for others
TRIES = 100  # how often a process that the system has no room for is started again, a tenth of a second apart
DEVICES = ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "ZE_AFFINITY_MASK")
SCRUBBED = ("PMI", "PALS", "ALPS_APP", "SLURM_STEP", "SLURM_MEM_PER_")
SCRUBBED_NAMES = ("SLURM_PROCID", "SLURM_NTASKS", "SLURM_CPUS_PER_TASK")
TO_DEFAULT = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)
RETRY, RUNNING, LINGERING, ASKED, KILLED = range(-1, 4)  # how near a tree of processes is to its end

#           id argv outputs folders cores memory gpus time script interpreter post only_post env log alone
DEFAULTS = (0, None, (), (), 1, 0, 0, None, "", ("bash",), "", False, {}, None, 0)


class Task:
    """One attempt, waiting or running; `alone` > 0: it has the machine to itself, with that many threads a rank."""

    def __init__(self, row: "List[Any]", order: int) -> None:
        values = (*row, *DEFAULTS[len(row) :])  # type: Tuple[Any, ...]
        self.id, self.argv, self.outputs, self.folders, self.cores, self.memory, self.gpus, self.time = values[:8]
        self.script, self.interpreter, self.post, self.only_post, self.env, self.log, self.alone = values[8:]
        self.order = order
        self.overtaken = self.pid = self.rss = self.status = self.strays = self.tries = self.log_from = 0
        self.log_fd = -1
        self.began = self.cpu = self.due = 0.0
        self.why, self.cut = "exit", ""
        self.stage = RUNNING
        self.in_post = self.only_post
        self.devices = []  # type: List[int]
        self.slot = NO_SLOT


class Slot:
    """What one running task at a time uses: a file for its output, and one for its script."""

    def __init__(self, number: int, log: str, script: str) -> None:
        self.number = number
        self.log = encode(log)
        self.script = encode(script)
        self.log_fd = self.script_fd = -1

    def open_log(self) -> int:
        """Return a descriptor of the slot's output file.  Raises OSError."""
        if self.log_fd < 0:
            self.log_fd = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        return self.log_fd

    def write_script(self, text: str) -> bytes:
        """Put a script into the slot's file; return its path.  Raises OSError."""
        content = encode(text)
        if self.script_fd < 0:
            self.script_fd = os.open(self.script, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.pwrite(self.script_fd, content, 0)
        os.ftruncate(self.script_fd, len(content))
        return self.script

    def close(self) -> None:
        """Let the files go, and remove a log that holds nothing."""
        if self.script_fd >= 0:
            os.close(self.script_fd)
        if self.log_fd >= 0:
            if os.fstat(self.log_fd).st_size == 0:
                os.unlink(self.log)
            os.close(self.log_fd)


def encode(text: str) -> bytes:
    """Return text as the driver's file system spells it."""
    return text.encode(ENCODING, "surrogateescape")


ENCODING = "utf-8"
NO_SLOT = Slot(-1, "", "")


# ---------------------------------------------------------------- stamps


def find_stamp(path: str) -> "Optional[Tuple[int, int]]":
    """Return the stamp of a file, or of a folder if the path ends in a slash; None if it is not there."""
    try:
        if path.endswith("/"):
            return stamp_folder(encode(path))
        found = os.stat(encode(path))
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def stamp_folder(folder: bytes) -> "Tuple[int, int]":
    """Return the stamp of a folder, as told at the top.  Raises OSError."""
    import hashlib

    digest = hashlib.sha256()
    total = 0
    todo = [(b"", sorted(os.listdir(folder), reverse=True))]
    while todo:
        prefix, names = todo[-1]
        if not names:
            todo.pop()
            continue
        name = prefix + names.pop()
        path = os.path.join(folder, name)
        found = os.lstat(path)
        kind = found.st_mode & 0o170000
        if kind == 0o040000:
            digest.update(name + b"/\0000\0000\n")
            todo.append((name + b"/", sorted(os.listdir(path), reverse=True)))
            continue
        if kind == 0o120000 and os.path.isfile(path):
            found = os.stat(path)
        digest.update(b"%s\0%d\0%d\n" % (name, found.st_mtime_ns, found.st_size))
        total += found.st_size
    return int.from_bytes(digest.digest()[:8], "big") >> 1, total


# ---------------------------------------------------------------- processes


def spawn(path: bytes, argv: "List[bytes]", env: "Dict[bytes, bytes]", log: int) -> int:
    """Start a process in a group of its own with its output in `log`; return its id.  Raises OSError.

    Not by fork: the pages of this program would be copied, and count as the memory of the task.
    """
    if hasattr(os, "posix_spawn"):
        actions = ((os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2))
        return os.posix_spawn(
            path, argv, env, file_actions=actions, setpgroup=0, setsigmask=(), setsigdef=TO_DEFAULT
        )
    import subprocess  # before Python 3.8

    child = subprocess.Popen(argv, executable=path, env=env, stdout=log, stderr=log, start_new_session=True)
    child.returncode = 0  # it is waited for elsewhere
    return child.pid


def become_subreaper() -> bool:
    """Let orphans of tasks come to this process, and not to init.  Return whether the system does that."""
    try:
        import ctypes

        return ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0  # type: ignore[no-any-return]  # PR_SET_CHILD_SUBREAPER
    except (ImportError, OSError, AttributeError):
        return False


def find_processes() -> "Dict[int, Tuple[int, int]]":
    """Return the parent and the group of each live process; empty where there is no /proc."""
    table = {}
    try:
        names = os.listdir("/proc")
    except OSError:
        return {}
    for name in names:
        if "0" <= name[0] <= "9":
            row = find_process(int(name))
            if row:
                table[int(name)] = row
    return table


def find_process(pid: int) -> "Optional[Tuple[int, int]]":
    """Return the parent and the group of a process that lives."""
    try:
        with open("/proc/%d/stat" % pid, "rb", 0) as file:
            text = file.read(4096)
    except OSError:
        return None
    words = text[text.rindex(b")") + 2 :].split(None, 3)
    return None if words[0] in b"ZX" else (int(words[1]), int(words[2]))


class Kin:
    """Who belongs to which task: by the group, by the mark in the environment, by descent."""

    def __init__(self, mark: str) -> None:
        self.mark = b"\0HPCMAKE_ATTEMPT=" + encode(mark) + b":"
        self.me = os.getpid()
        self.reaps = become_subreaper()
        self.adopted = {}  # type: Dict[int, Optional[int]]
        self.foreign = set(find_processes())
        self.spent = 0.0
        try:
            self.children = os.open("/proc/self/task/%d/children" % self.me, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self.children = -1  # the kernel was built without

    def find_owner(self, pid: int) -> "Optional[int]":
        """Return the id that the environment of a process bears."""
        try:
            with open("/proc/%d/environ" % pid, "rb", 0) as file:
                text = b"\0" + file.read()
        except OSError:
            return None
        at = text.find(self.mark)
        if at < 0:
            return None
        word = text[at + len(self.mark) :].split(b"\0", 1)[0]
        return int(word) if word.isdigit() else None

    def find_orphans(self, leaders: "Dict[int, Task]", *, hurry: bool) -> "Dict[int, Optional[int]]":
        """Return those who came to us when their parent ended, with the id of their task if they bear it.

        Where the kernel does not list our children, all processes are listed; in a hurry only so often that this
        takes a fiftieth of the time, and what it misses is found by the next.
        """
        if not self.reaps:
            return {}
        if self.children >= 0:
            listed = os.pread(self.children, 1 << 20, 0).split()
            if len(listed) == len(leaders):
                return {}
            found = {int(word) for word in listed} - leaders.keys()
        else:
            start = time.monotonic()
            if hurry and self.spent > start:
                return {}
            present = {int(name) for name in os.listdir("/proc") if "0" <= name[0] <= "9"}
            self.foreign &= present
            found = set()
            for pid in present - self.foreign - leaders.keys():
                row = find_process(pid)
                if row and row[0] == self.me:
                    found.add(pid)
            now = time.monotonic()
            self.spent = now + 50 * (now - start)
        self.adopted = {pid: self.adopted.get(pid) or self.find_owner(pid) for pid in found}
        return self.adopted

    def survey(self, groups: "Dict[int, int]") -> "Dict[Optional[int], List[int]]":
        """Return the live processes of each task, and under None other descendants of ours.  `groups`: leader to id."""
        table = find_processes()
        owner = {self.me: None}  # type: Dict[int, Optional[int]]
        for pid, (_, group) in table.items():
            if pid != self.me:
                found = groups.get(group, -1)
                if found < 0:
                    found = self.find_owner(pid)  # type: ignore[assignment]
                if found is not None:
                    owner[pid] = found
        trees = {}  # type: Dict[Optional[int], List[int]]
        for pid in table:
            up = pid
            while up in table and up not in owner:
                up = table[up][0]
            if up in owner and pid != self.me:
                trees.setdefault(owner[up], []).append(pid)
        return trees


def send(pids: "Iterable[int]", number: int) -> None:
    """Send a signal to those processes that still are there."""
    for pid in pids:
        try:
            os.kill(pid, number)
            if number == signal.SIGTERM:
                os.kill(pid, signal.SIGCONT)  # a stopped one would not hear it
        except OSError:  # gone, or not ours to end
            continue


# ---------------------------------------------------------------- the node


class Node:
    """Runs what it is given.

    `start`: root, logs (folder), name (of this run's logs), mark, cores, memory (bytes; 0: not counted), gpus, grace
    (seconds between SIGTERM and SIGKILL), beat (seconds without a word after which the driver is dead; 0: for ever),
    scrub (whether to remove what a launcher left in the environment), encoding (of file names).
    """

    def __init__(self, start: "Dict[str, Any]", inlet: int, outlet: int) -> None:
        self.inlet, self.outlet = inlet, outlet
        self.up = self.heard = time.monotonic()
        self.cores = self.free_cores = max(1, start["cores"])
        self.memory = self.free_memory = start["memory"]
        self.gpus = start["gpus"]
        self.free_gpus = list(range(self.gpus))
        self.grace, self.beat = start["grace"], start["beat"]
        self.mark = encode(start["mark"]) + b":"
        self.logs = start["logs"] + "/" + start["name"] + "."
        self.scratch = make_scratch()
        self.environment = dict(os.environb)
        if start["scrub"]:
            for name in os.environ:
                if name.startswith(SCRUBBED) or name in SCRUBBED_NAMES:
                    del self.environment[os.fsencode(name)]
        self.environments = {}  # type: Dict[Any, Dict[bytes, bytes]]
        self.programs = {}  # type: Dict[Tuple[bytes, bytes], bytes]
        self.folders = set()  # type: Set[str]
        self.folders_until = 0.0
        self.order = self.seen_to = 0
        self.seen = set()  # type: Set[int]  # ids above seen_to
        self.lines = {}  # type: Dict[Tuple[int, int, int, bool], Deque[Task]]  # by what tasks take
        self.waiting = {}  # type: Dict[int, Task]
        self.running = {}  # type: Dict[int, Task]
        self.leaders = {}  # type: Dict[int, Task]
        self.timers = []  # type: List[Tuple[float, int, Task]]
        self.slots = []  # type: List[Slot]
        self.free_slots = []  # type: List[Slot]
        self.part = b""
        self.out = []  # type: List[str]
        self.out_since = 0.0
        self.unsent = b""
        self.closed = ""  # why nothing is begun any more
        self.over = False
        self.kin = Kin(start["mark"])
        self.wake, wake_end = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(wake_end, False)
        os.set_blocking(outlet, False)
        signal.set_wakeup_fd(wake_end)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda _number, _frame: None)
        self.poll = select.poll()
        self.poll.register(inlet, select.POLLIN)
        self.poll.register(self.wake, select.POLLIN)

    def run(self) -> None:
        """Run until the driver closes stdin, is silent for too long, or SIGTERM came and all has ended."""
        self.say("up", os.getpid(), os.uname()[1], self.scratch)
        self.flush()
        while not self.over:
            for fd, _ in self.poll.poll(self.patience()):
                if fd == self.inlet:
                    self.hear()
                elif fd == self.wake:
                    signals = os.read(self.wake, 4096)
                    if signal.SIGTERM in signals:
                        self.stop("term", "term")
                    self.reap()
            now = time.monotonic()
            while self.timers and self.timers[0][0] <= now:
                when, _, task = heapq.heappop(self.timers)
                if task.due == when:
                    self.on_time(task, now)
            while self.waiting and self.begin():
                pass
            self.flush()
            if self.closed == "term" and not self.running or self.beat and now - self.heard > self.beat:
                self.over = True

    def patience(self) -> "Optional[float]":
        """Return how many milliseconds to wait at most for something to happen."""
        until = self.timers[0][0] if self.timers else 0.0
        if self.out and not self.unsent:
            until = min(until or 1e18, self.out_since + LATE)
        if self.beat:
            until = min(until or 1e18, self.heard + self.beat)
        return max(0.0, until - time.monotonic()) * 1000 if until else None

    # ------------------------------------------------------------ words

    def hear(self) -> None:
        """Read what the driver wrote, and do it."""
        chunk = os.read(self.inlet, 1 << 20)
        if not chunk:
            self.over = True
            return
        self.heard = time.monotonic()
        lines = (self.part + chunk).split(b"\n")
        self.part = lines.pop()
        for line in lines:
            try:
                word, *rest = json.loads(line.decode())
                self.obey(word, rest)
            except (ValueError, TypeError, IndexError, KeyError) as error:  # torn
                self.say("w", "not understood: {!r}: {!r}".format(line[:80], error)[:300])

    def obey(self, word: str, rest: "List[Any]") -> None:
        """Do one thing that the driver says."""
        if word == "more":
            for row in rest:
                self.queue(Task(row, self.order))
        elif word == "forget":
            for number in rest:
                if self.waiting.pop(number, None):
                    self.say("c", number, "forgotten", 0)
        elif word == "drain":
            self.close("stop")
        elif word == "stop":
            self.stop(rest[0], "stop")

    def say(self, *words: "Any") -> None:
        """Answer, when it is time to."""
        if not self.out:
            self.out_since = time.monotonic()
        self.out.append(json.dumps(words) + "\n")

    def flush(self) -> None:
        """Send answers: at once if there is nothing to begin next, else some together; never wait for the driver."""
        if self.out:
            late = not self.waiting or len(self.out) >= 64 or time.monotonic() >= self.out_since + LATE
            if not late:
                return
            self.unsent += "".join(self.out).encode()
            self.out = []
        try:
            while self.unsent:
                end = self.unsent.rfind(b"\n", 0, 4096) + 1  # whole lines: longer writes of several nodes are mixed
                self.unsent = self.unsent[os.write(self.outlet, self.unsent[:end]) :]
            self.poll.register(self.outlet, 0)
        except BlockingIOError:
            self.poll.register(self.outlet, select.POLLOUT)
        except OSError:
            self.over = True

    # ------------------------------------------------------------ the queue

    def queue(self, task: Task) -> None:
        """Put a task into the line of those that take as much; once only, however often it is handed out."""
        if task.id <= self.seen_to or task.id in self.seen:
            return
        self.seen.add(task.id)
        while self.seen_to + 1 in self.seen:
            self.seen_to += 1
            self.seen.remove(self.seen_to)
        if self.closed:
            self.say("c", task.id, self.closed, 0)
            return
        self.order += 1
        task.cores = self.cores if task.alone else min(task.cores, self.cores)
        task.memory, task.gpus = min(task.memory, self.memory), min(task.gpus, self.gpus)
        shape = (task.cores, task.memory, task.gpus, task.alone > 0)
        self.lines.setdefault(shape, deque()).append(task)
        self.waiting[task.id] = task

    def begin(self) -> bool:
        """Begin the first task that fits; return whether there was one.

        A task that does not fit yet is overtaken by later ones, but not for ever: then nothing begins before it.
        """
        first = best = None  # type: Optional[Task]
        for shape in list(self.lines) if len(self.lines) > 1 else self.lines:
            line = self.lines[shape]
            while line and line[0].id not in self.waiting:
                line.popleft()
            if not line:
                continue
            task = line[0]
            if first is None or task.order < first.order:
                first = task
            fits = shape[0] <= self.free_cores and shape[1] <= self.free_memory and shape[2] <= len(self.free_gpus)
            if fits and not (shape[3] and self.running) and (best is None or task.order < best.order):
                best = task
        self.lines = {shape: line for shape, line in self.lines.items() if line} if first is None else self.lines
        if best is None or first is None:
            return False
        if best is not first:
            first.overtaken += 1
            if first.overtaken > max(16, 2 * self.cores):
                return False
        del self.waiting[best.id]
        self.start(best)
        return True

    def start(self, task: Task) -> None:
        """Take what a task needs, and start it."""
        task.began = time.monotonic()
        self.running[task.id] = task
        self.free_cores -= task.cores
        self.free_memory -= task.memory
        task.devices, self.free_gpus = self.free_gpus[: task.gpus], self.free_gpus[task.gpus :]
        if not self.free_slots:
            number = len(self.slots)
            self.slots.append(Slot(number, self.logs + str(number), self.scratch + "/" + str(number)))
            self.free_slots.append(self.slots[-1])
        task.slot = self.free_slots.pop()
        if not self.out:
            self.out_since = task.began
        self.out.append('["b",{},{:.6f}]\n'.format(task.id, task.began - self.up))
        task.log_fd = task.slot.open_log()
        task.log_from = os.lseek(task.log_fd, 0, os.SEEK_END)
        try:
            self.make_folders(task)
            if task.log is not None:
                task.log_fd = os.open(encode(task.log), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
                task.log_from = os.lseek(task.log_fd, 0, os.SEEK_END)
        except OSError as error:
            self.fail(task, 1, "hpcmake: {}: {}".format(error.filename, error.strerror))
        else:
            self.launch(task)

    def make_folders(self, task: Task) -> None:
        """Make the folders of a task; those of the last second are not looked at again.  Raises OSError."""
        if task.began > self.folders_until:
            self.folders.clear()
            self.folders_until = task.began + 1
        for folder in (*task.folders, os.path.dirname(task.log)) if task.log else task.folders:
            if folder and folder not in self.folders:
                os.makedirs(encode(folder), exist_ok=True)
                self.folders.add(folder)

    # ------------------------------------------------------------ processes of a task

    def launch(self, task: Task) -> None:
        """Start the process of a task's run or post."""
        env = self.find_environment(task)
        try:
            if task.in_post:
                argv = [b"bash", task.slot.write_script(task.post)]
            elif task.argv is not None:
                argv = [encode(word) for word in task.argv]
            elif task.script:
                argv = [*(encode(word) for word in task.interpreter), task.slot.write_script(task.script)]
            else:
                self.proceed(task)
                return
            task.pid = self.spawn(argv, env, task.log_fd)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE):
                task.tries += 1
                task.stage = RETRY
                self.set_timer(task, time.monotonic() + 0.1)
                return
            program = os.fsdecode(argv[0])
            if error.errno == errno.ENOENT and "/" not in program:
                self.fail(task, 127, "bash: {}: command not found".format(program))
            else:
                status = 127 if error.errno == errno.ENOENT else 126
                self.fail(task, status, "bash: {}: {}".format(program, error.strerror))
            return
        task.stage = RUNNING
        self.leaders[task.pid] = task
        if task.time is not None:
            self.set_timer(task, task.began + task.time)

    def spawn(self, argv: "List[bytes]", env: "Dict[bytes, bytes]", log: int) -> int:
        """Start a program as a shell finds it; return its process id.  Raises OSError."""
        program = argv[0]
        key = program, env.get(b"PATH", b"")
        path = program if b"/" in program else self.programs.get(key) or find_program(*key)
        try:
            pid = spawn(path, argv, env, log)
        except OSError as error:
            if error.errno == errno.ENOEXEC:  # a script that does not say its interpreter
                return spawn(b"/bin/sh", [b"/bin/sh", path, *argv[1:]], env, log)
            if self.programs.pop(key, None) is None:
                raise
            return self.spawn(argv, env, log)  # it has moved
        if path is not program:
            self.programs[key] = path
        return pid

    def find_environment(self, task: Task) -> "Dict[bytes, bytes]":
        """Return the environment of a task; one dictionary is used for all that want the same, one after the other."""
        threads = task.alone or task.cores
        key = (threads, *task.env.items())
        env = self.environments.get(key)
        if env is None:
            env = dict(self.environment)
            env[b"OMP_NUM_THREADS"] = b"%d" % threads
            env.update((encode(name), encode(value)) for name, value in task.env.items())
            if len(self.environments) > 256:
                self.environments.clear()
            self.environments[key] = env
        env[b"HPCMAKE_ATTEMPT"] = self.mark + b"%d" % task.id
        if task.devices:
            env = dict(env)
            for name in DEVICES:
                held = os.environ.get(name, "").split(",")  # we may have been given some of them only
                numbers = [held[i] if self.gpus <= len(held) and held[0] else str(i) for i in task.devices]
                env[encode(name)] = encode(",".join(numbers))
            env[b"HIP_VISIBLE_DEVICES"] = encode(",".join(map(str, range(task.gpus))))  # counts those that ROCR leaves
        return env

    def fail(self, task: Task, status: int, text: str) -> None:
        """End a task that could not be started, and tell why in its log."""
        os.write(task.log_fd, encode(text + "\n"))
        task.status = status
        self.proceed(task)

    def set_timer(self, task: Task, when: float) -> None:
        """Look at a task again at a time; this replaces its earlier timer."""
        task.due = when
        if len(self.timers) > 64 + 4 * len(self.running):
            self.timers = [timer for timer in self.timers if timer[2].due == timer[0]]
            heapq.heapify(self.timers)
        heapq.heappush(self.timers, (when, task.id, task))

    # ------------------------------------------------------------ the end of a task

    def reap(self) -> None:
        """Take note of all processes that have ended."""
        ended = []
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            task = self.leaders.pop(pid, None)
            if task is not None:
                task.status = status >> 8 if not status & 0x7F else -(status & 0x7F)
                task.cpu += usage.ru_utime + usage.ru_stime
                task.rss = max(task.rss, usage.ru_maxrss)
                ended.append(task)
        for task in ended:
            if task.stage == RUNNING:
                task.stage = LINGERING
                if self.leaves(task):
                    self.set_timer(task, time.monotonic() + LINGER)
                else:
                    self.proceed(task)
        if len(self.leaders) < len(self.running):
            for task in list(self.running.values()):
                if task.stage >= LINGERING and task.pid not in self.leaders and not self.leaves(task):
                    if task.stage == LINGERING or task.id not in self.survey():
                        self.proceed(task)

    def leaves(self, task: Task) -> bool:
        """Return whether processes of a task are left after its first one has ended."""
        try:
            os.killpg(task.pid, 0)
        except OSError:  # there is none, or none that we may end
            orphans = self.kin.find_orphans(self.leaders, hurry=bool(self.waiting))
            lost = [pid for pid, owner in orphans.items() if owner is not None and owner not in self.running]
            send(lost, signal.SIGKILL)
            return task.id in orphans.values()
        return True

    def survey(self) -> "Dict[Optional[int], List[int]]":
        """Return the live processes of each task that runs."""
        return self.kin.survey({task.pid: task.id for task in self.running.values() if task.pid})

    def on_time(self, task: Task, now: float) -> None:
        """Do what is due for a task: its limit has passed, or its processes did not end when they were asked."""
        if task.stage == RETRY:
            if task.cut or task.tries > TRIES:
                task.cut = task.cut or "launcher"
                self.proceed(task)
            else:
                self.launch(task)
            return
        tree = self.survey().get(task.id, [])
        if not tree and task.pid not in self.leaders:
            self.proceed(task)
        elif task.stage in (RUNNING, LINGERING):
            if task.stage == RUNNING:
                task.why = "time"
            else:
                task.strays += len(tree)
            self.end(task, tree, "term", now)
        else:
            self.end(task, tree, "kill", now)

    def end(self, task: Task, tree: "List[int]", how: str, now: float) -> None:
        """End the processes of a task."""
        task.stage = ASKED if how == "term" else KILLED
        send(tree, signal.SIGTERM if how == "term" else signal.SIGKILL)
        self.set_timer(task, now + (self.grace if how == "term" else 0.1))

    def proceed(self, task: Task) -> None:
        """Go on when nothing of a task runs any more: to its post, or to its end."""
        task.due, task.pid, task.stage = -1.0, 0, RUNNING
        good = task.status == 0 and task.why == "exit" and not task.cut
        if good and task.post and not task.in_post:
            task.in_post = True
            self.launch(task)
            return
        if task.in_post and task.status and task.why == "exit":
            task.why = "post"
        now = time.monotonic()
        if task.cut:
            self.say("c", task.id, task.cut, round(now - task.began, 6))
        else:
            self.tell(task, now, good=good)
        del self.running[task.id]
        if task.log_fd not in (-1, task.slot.log_fd):
            os.close(task.log_fd)
        self.free_slots.append(task.slot)
        self.free_cores += task.cores
        self.free_memory += task.memory
        if task.devices:
            self.free_gpus = sorted(self.free_gpus + task.devices)

    def tell(self, task: Task, now: float, *, good: bool) -> None:
        """Answer how a task ended."""
        if not self.out:
            self.out_since = now
        if good:
            stamps = []  # type: List[Optional[int]]
            for path in task.outputs:
                stamps += find_stamp(path) or (None, None)
                if len(stamps) == 40:
                    self.say("s", task.id, *stamps)
                    stamps = []
            if stamps:
                self.say("s", task.id, *stamps)
        else:
            self.folders.clear()  # perhaps one was removed
        status = task.status or (-signal.SIGTERM if task.why == "time" else 0)
        length = os.lseek(task.log_fd, 0, os.SEEK_END) - task.log_from
        number = task.slot.number if task.log is None else -1
        log = "[{},{},{}]".format(number, task.log_from, length) if length > 0 else "0"
        self.out.append(
            '["e",{},{},"{}",{:.6f},{:.6f},{},{:.6f},{},{}]\n'.format(
                task.id, status, task.why, now - task.began, task.cpu, task.rss << 10, now - self.up, log, task.strays
            )
        )

    # ------------------------------------------------------------ the end of all

    def close(self, why: str) -> None:
        """Begin nothing more."""
        self.closed = self.closed or why
        for number in self.waiting:
            self.say("c", number, why, 0)
        self.waiting.clear()

    def stop(self, how: str, why: str) -> None:
        """End all that runs."""
        self.close(why)
        trees = self.survey()
        now = time.monotonic()
        for task in list(self.running.values()):
            task.cut = task.cut or why
            if task.stage == RETRY:
                self.proceed(task)
            elif how == "kill" or task.stage < ASKED:
                self.end(task, trees.get(task.id, []), how, now)

    def abandon(self) -> None:
        """Kill all that runs, and whatever descends from us; then remove what we keep."""
        pause = 0.001
        while True:
            trees = self.survey()
            for tree in trees.values():
                send(tree, signal.SIGKILL)
            self.reap()
            if not trees and not self.leaders or pause > 2:  # the last: a process that waits for a dead disk
                break
            time.sleep(pause)
            pause *= 1.5
        for slot in self.slots:
            slot.close()
        remove_scratch(self.scratch)


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


# ---------------------------------------------------------------- scratch


def make_scratch() -> str:
    """Make a folder for scripts, in memory if there is such a place; remove those of nodes that were killed."""
    import fcntl

    for place in ("/dev/shm", os.environ.get("TMPDIR", ""), "/tmp"):  # noqa: S108  # the folder in it is our own
        prefix = "hpcmake-{}-".format(os.getuid())
        folder = "{}/{}{}-{}".format(place, prefix, os.getpid(), os.urandom(4).hex())
        try:
            for name in os.listdir(place or "/nowhere"):
                if name.startswith(prefix):
                    held = os.open(place + "/" + name, os.O_RDONLY)
                    try:
                        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        remove_scratch(place + "/" + name)
                    except BlockingIOError:
                        pass  # its node lives
                    finally:
                        os.close(held)
            os.mkdir(folder, 0o700)
            fcntl.flock(os.open(folder, os.O_RDONLY | os.O_CLOEXEC), fcntl.LOCK_EX)
        except OSError:
            continue
        return folder
    message = "hpcmake: neither /dev/shm nor TMPDIR nor /tmp can be written"
    raise SystemExit(message)


def remove_scratch(folder: str) -> None:
    """Remove a folder of scripts, if it is there."""
    try:
        for name in os.listdir(folder):
            os.unlink(folder + "/" + name)
        os.rmdir(folder)
    except OSError:
        pass


def main() -> None:
    """Take the start message, and serve."""
    global ENCODING  # noqa: PLW0603  # a property of the driver, told once
    inlet, outlet = os.dup(0), os.dup(1)  # tasks get neither
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(inlet, 1)
        if not byte:
            return
        line += byte
    start = json.loads(line.decode())
    ENCODING = start["encoding"]
    os.chdir(encode(start["root"]))
    node = Node(start, inlet, outlet)
    try:
        node.run()
    finally:
        node.abandon()


if __name__ == "__main__":
    main()
