"""Where the output of tasks goes: to a file of their slot, or by way of the scratch to one log of this node.

Owns the files of output, and what is moved from one to another.  Knows nothing of what is written there.

On a shared file system every file that is made is a burden on all nodes, so there a node has one log.  While a task
runs its output goes to a file of its slot in the scratch; when it has ended that is appended to the log in one piece.
The output of a task that writes a lot, or of all while the scratch is nearly full, goes on to a log of the slot while
they run, so that it need not be held in memory: what was moved is punched out of the file that the task appends to,
which loses nothing, as cutting that file would.
"""

import os

from .task import encode, open_log
from .timers import NEVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .task import Task

TOGETHER, OWN = -2, -1
"""Where output lies, if not in the log of a slot: in that of the node, or in the task's own."""

MOST = 1 << 22  # bytes of output of a task that runs, beyond which they are moved on
SCARCE = 1 << 26  # bytes free in the scratch, or a quarter of it if that is less, below which it is not used
LOOK = 0.5  # seconds between looks at how much there is
PIECE = 1 << 20  # bytes that are moved at once
KEEP_SIZE_PUNCH_HOLE = 3  # of fallocate


class Outputs:
    """The output of tasks.

    `log` is the log of the node, and `scratch` the folder for what is on its way there, "" if output goes to the logs
    of slots at once; `remark` tells the driver a text.
    """

    def __init__(self, log: str, scratch: str, remark: "Callable[[str], None]") -> None:
        self.log = encode(log)
        self.scratch = scratch
        self.remark = remark
        self._log_fd = -1
        self._length = 0
        self._next_look = self._known_until = 0.0
        self._scarce = False
        self._open = 0
        self._failing = False

    def open(self, task: "Task") -> None:
        """Open what a task of a slot writes to.  Raises OSError."""
        slot = task.slot
        if self.scratch:
            self._look_at_scratch(task.began)
            if not self._scarce:
                try:
                    task.log_fd = slot.open_spool()
                except OSError:  # there is no room, or it was swept away
                    self._scarce = True
                else:
                    self._next_look = self._next_look if self._open else task.began + LOOK
                    self._open += 1
                    return
        task.log_fd = slot.open_log()
        task.log_from = os.lseek(task.log_fd, 0, os.SEEK_END)

    def open_own(self, task: "Task") -> None:
        """Let a task write to a log of its own instead.  Raises OSError."""
        fd = open_log(encode(task.log))
        self._open -= task.log_fd == task.slot.spool_fd
        task.log_fd, task.log_from = fd, os.lseek(fd, 0, os.SEEK_END)

    def keep(self, task: "Task") -> str:
        """Put the output of a task that has ended where it stays; return slot, offset and length, or 0 for nothing."""
        slot = task.slot
        if slot.spool_fd >= 0 and task.log_fd == slot.spool_fd:
            self._open -= 1
            return self._keep_spooled(task)
        if task.log_fd < 0:
            return "0"
        length = os.lseek(task.log_fd, 0, os.SEEK_END) - task.log_from
        number = slot.number
        if task.log_fd != slot.log_fd:
            number = OWN
            os.close(task.log_fd)
        return render_place(number, task.log_from, length)

    def _keep_spooled(self, task: "Task") -> str:
        fd = task.slot.spool_fd
        if not task.succeeded() and find_room(self.scratch)[0] < PIECE:
            task.warn(f"hpcmake: {self.scratch} is full: the end of this output may be missing")
        size = os.fstat(fd).st_size
        if size == 0 and not task.moved:
            return "0"
        number, begin = task.slot.number, task.log_from
        if task.moved:
            self._move(task, size)
        else:
            number, begin = TOGETHER, self._append(task, size)
        if task.seen < size:
            self._complain(f"{size - task.seen} bytes of output are lost")
        os.ftruncate(fd, 0)
        return render_place(number, begin, task.moved)

    def _append(self, task: "Task", size: int) -> int:
        """Append the output of a task to the node's log; return where it begins there."""
        try:
            if self._log_fd < 0:
                self._log_fd = open_log(self.log)
                self._length = os.lseek(self._log_fd, 0, os.SEEK_END)
        except OSError as error:
            self._complain(f"{os.fsdecode(self.log)}: {error.strerror}")
            return 0
        begin = self._length
        self._copy(task, size, self._log_fd)
        self._length += task.moved
        return begin

    def _move(self, task: "Task", size: int) -> None:
        """Move output of a task on to the log of its slot."""
        try:
            fd = task.slot.open_log()
            if not task.moved:
                task.log_from = os.lseek(fd, 0, os.SEEK_END)
        except OSError as error:
            self._complain(f"{os.fsdecode(error.filename)}: {error.strerror}")
            return
        self._copy(task, size, fd)

    def _copy(self, task: "Task", size: int, target: int) -> None:
        try:
            while task.seen < size:
                rest = os.pread(task.slot.spool_fd, min(PIECE, size - task.seen), task.seen)
                if not rest:
                    break
                while rest:  # a nearly full disk takes a part, and refuses the rest
                    written = os.write(target, rest)
                    rest = rest[written:]
                    task.seen += written
                    task.moved += written
        except OSError as error:
            self._complain(f"the output of tasks cannot be kept: {error.strerror}")
        else:
            self._failing = False

    def _complain(self, text: str) -> None:
        """Tell once that output cannot be kept, until it can."""
        if not self._failing:
            self._failing = True
            self.remark(text)

    # ------------------------------------------------------------ while tasks run

    def due(self) -> float:
        """Return when to look how much output there is."""
        return self._next_look if self._open else NEVER

    def look(self, now: float, tasks: "Iterable[Task]") -> None:
        """Move on what has become too much; `tasks` are those that run."""
        if not self._open or now < self._next_look:
            return
        self._next_look = now + LOOK
        self._look_at_scratch(now)
        for task in tasks:
            fd = task.slot.spool_fd
            if fd < 0 or task.log_fd != fd:
                continue
            size = os.fstat(fd).st_size
            if size < task.seen:  # the task has opened it anew, as in `echo > /dev/stderr`
                task.seen = 0
            if size - task.seen > (0 if self._scarce else MOST):
                self._move(task, size)
                punch(fd, task.seen)

    def _look_at_scratch(self, now: float) -> None:
        if now >= self._known_until:
            self._known_until = now + LOOK
            free, total = find_room(self.scratch)
            self._scarce = free < min(SCARCE, total // 4)

    def close(self) -> None:
        """Let the log go."""
        if self._log_fd >= 0:
            os.close(self._log_fd)


def render_place(number: int, begin: int, length: int) -> str:
    """Return where output lies, as words of JSON."""
    return f"[{number},{begin},{length}]" if length > 0 else "0"


def find_room(folder: str) -> "tuple[int, int]":
    """Return how many bytes a file system has free, and in all; none of one that does not say."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return 0, 0
    return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize


def punch(fd: int, length: int) -> None:
    """Give back the memory of the beginning of a file, whose size and end stay what they are.

    A file system that knows no holes keeps it until the task ends.
    """
    import ctypes  # loaded already where orphans are caught

    try:
        fallocate = ctypes.CDLL(None).fallocate
    except (OSError, AttributeError):
        return
    fallocate(fd, KEEP_SIZE_PUNCH_HOLE, ctypes.c_int64(0), ctypes.c_int64(length))
