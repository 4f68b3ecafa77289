"""What tasks that run use one after the other: files for output and for scripts, and folders that are there by now.

Owns which of them are free, and which folders were looked at.  Knows nothing of what is written there.
"""

import os

from .task import Slot, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .task import Task

FRESH = 1.0  # seconds in which a folder is not looked at again …
SHARED = 60.0  # … of a file system that all nodes share


class Slots:
    """As many slots as tasks ever ran at once; the logs' names begin with `logs`, scripts lie in `scratch`.

    `shared`: to look at a file costs more than this machine.
    """

    def __init__(self, logs: str, scratch: str, *, shared: bool) -> None:
        self.logs = logs
        self.scratch = scratch
        self._fresh = SHARED if shared else FRESH
        self._all: list[Slot] = []
        self._free: list[Slot] = []
        self._folders: set[str] = set()
        self._fresh_until = 0.0

    def take(self) -> Slot:
        """Return a slot that no other task uses."""
        if not self._free:
            number = str(len(self._all))
            self._all.append(Slot(len(self._all), self.logs + number, self.scratch + "/" + number))
            self._free.append(self._all[-1])
        return self._free.pop()

    def give_back(self, slot: Slot) -> None:
        """Let another task use a slot."""
        self._free.append(slot)

    def make_folders(self, task: "Task") -> None:
        """Make the folders of a task; those looked at a moment ago are not looked at again.  Raises OSError."""
        if task.began > self._fresh_until:
            self._folders.clear()
            self._fresh_until = task.began + self._fresh
        for folder in (*task.folders, os.path.dirname(task.log)) if task.log else task.folders:
            if folder and folder not in self._folders:
                if not os.path.isdir(encode(folder)):
                    os.makedirs(encode(folder), exist_ok=True)
                self._folders.add(folder)

    def doubt_folders(self) -> None:
        """Look at each folder again: perhaps one was removed."""
        self._folders.clear()

    def close(self) -> None:
        """Let all files go."""
        for slot in self._all:
            slot.close()
