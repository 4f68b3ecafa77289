"""The queue of a node, and the cores, memory and gpus that its tasks share.

Owns which task is next, and what is free.  Knows nothing of processes.
"""

from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .task import Task

PAGE = 512  # bytes; ids come in order, but on one of many nodes with gaps
PATIENCE = 16  # how many later tasks (or twice the cores, if that is more) may begin before one that does not fit yet


class Room:
    """What a node has and who waits for it.  `memory` is in bytes, 0: it is not counted."""

    def __init__(self, cores: int, memory: int, gpus: int) -> None:
        self.cores = self.free_cores = max(1, cores)
        self.memory = self.free_memory = memory
        self.gpus = list(range(gpus))
        self.running: dict[int, Task] = {}
        self.waiting: dict[int, Task] = {}
        self._lines: dict[tuple[int, int, int, bool], deque[Task]] = {}  # by what tasks take
        self._most_gpus = gpus
        self._order = 0
        self._seen = {0: bytearray(b"\1") + bytearray(PAGE - 1)}  # a bit an id; 0 is nobody's

    def know(self, number: int) -> bool:
        """Return whether that attempt was handed out before, and remember it."""
        if self.knows(number):
            return True
        page = self._seen.setdefault(number // (8 * PAGE), bytearray(PAGE))
        page[number // 8 % PAGE] |= 1 << number % 8
        return False

    def knows(self, number: int) -> bool:
        """Return whether that attempt was handed out."""
        page = self._seen.get(number // (8 * PAGE))
        return page is not None and bool(page[number // 8 % PAGE] >> number % 8 & 1)

    def is_short(self) -> bool:
        """Return whether there should be more work."""
        return self.free_cores > 0 or len(self.waiting) < 2 * self.cores

    def queue(self, task: "Task") -> None:
        """Put a task into the line of those that take as much; what is more than there is counts as all of it."""
        self._order += 1
        task.order = self._order
        task.cores = self.cores if task.alone else min(task.cores, self.cores)
        task.memory = min(task.memory, self.memory)
        task.gpus = min(task.gpus, self._most_gpus)
        shape = find_shape(task)
        if shape not in self._lines:
            self._lines[shape] = deque()
        self._lines[shape].append(task)
        self.waiting[task.id] = task

    def next(self) -> "Task | None":
        """Take the first task that fits out of the queue, with what it needs; None if none does.

        A task that does not fit yet is overtaken by later ones, but not for ever: then nothing begins before it.
        """
        if not self.waiting or not self.free_cores:
            return None
        first: Task | None = None
        best: Task | None = None
        for shape, line in list(self._lines.items()):
            while line and line[0].id not in self.waiting:
                line.popleft()  # it was begun, or taken back
            if not line:
                del self._lines[shape]
                continue
            task = line[0]
            if first is None or task.order < first.order:
                first = task
            if (best is None or task.order < best.order) and self._fits(*shape):
                best = task
        if best is None or first is None:
            return None
        if best is not first:
            first.overtaken += 1
            if first.overtaken > max(PATIENCE, 2 * self.cores):
                return None
        self._take(best)
        return best

    def _fits(self, cores: int, memory: int, gpus: int, alone: bool) -> bool:  # noqa: FBT001  # a shape
        room = cores <= self.free_cores and memory <= self.free_memory and gpus <= len(self.gpus)
        return room and not (alone and self.running)

    def _take(self, task: "Task") -> None:
        del self.waiting[task.id]
        self.running[task.id] = task
        self.free_cores -= task.cores
        self.free_memory -= task.memory
        if task.gpus:
            task.devices, self.gpus = self.gpus[: task.gpus], self.gpus[task.gpus :]

    def give_back(self, task: "Task") -> None:
        """Take note that a task has ended."""
        del self.running[task.id]
        self.free_cores += task.cores
        self.free_memory += task.memory
        if task.devices:
            self.gpus = sorted(self.gpus + task.devices)
            task.devices = []

    def set_aside(self, task: "Task") -> None:
        """Give back what the task has taken that was taken last, for it cannot begin yet: it waits, but is not next."""
        self.give_back(task)
        self._lines[find_shape(task)].popleft()
        self.waiting[task.id] = task

    def bring_back(self, task: "Task") -> None:
        """Let a task that was set aside be next of those that take as much, behind those that came before it."""
        line = self._lines.setdefault(find_shape(task), deque())
        at = 0
        while at < len(line) and line[at].order < task.order:
            at += 1
        line.insert(at, task)

    def groups(self) -> "dict[int, int]":
        """Return the process group of each running task, with its id."""
        return {task.pid: task.id for task in self.running.values() if task.pid}

    def clear(self) -> "list[int]":
        """Take all out of the queue; return their ids."""
        ids = list(self.waiting)
        self.waiting.clear()
        self._lines.clear()
        return ids


def find_shape(task: "Task") -> "tuple[int, int, int, bool]":
    """Return what a task takes; those that take as much stand in one line."""
    return task.cores, task.memory, task.gpus, task.alone > 0
