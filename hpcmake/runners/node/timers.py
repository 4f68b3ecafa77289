"""When tasks are looked at again.

Owns one time for each task.  Knows nothing of what is due then.
"""

import heapq

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .task import Task

NEVER = float("inf")


class Timers:
    """Times on the monotonic clock; the one in `Task.due` holds, earlier ones of a task are void."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Task]] = []

    def set(self, task: "Task", when: float, running: int) -> None:
        """Look at a task again at a time.  `running`: how many tasks may have a time that is not void."""
        task.due = when
        if len(self._heap) > 64 + 4 * running:
            self._heap = [timer for timer in self._heap if timer[2].due == timer[0]]
            heapq.heapify(self._heap)
        heapq.heappush(self._heap, (when, task.id, task))

    def first(self) -> float:
        """Return the earliest time."""
        return self._heap[0][0] if self._heap else NEVER

    def take(self, now: float) -> "Iterator[Task]":
        """Give the tasks that are due."""
        while self._heap and self._heap[0][0] <= now:
            when, _, task = heapq.heappop(self._heap)
            if task.due == when:
                yield task
