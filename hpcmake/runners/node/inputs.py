"""Inputs that were made elsewhere a moment ago: whether this node sees them as their maker left them.

Owns the comparison and how long it may fail.  Knows nothing of what becomes of a task.

A shared file system may show a node an old state for a while, or nothing.  What is told of an input is the stamp that
was taken where it was made; no time is compared with a clock of ours, and only equality counts.
"""

from .stamps import find_stamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .task import Task

SHORTEST, LONGEST = 0.05, 1.0  # seconds between two looks


class Inputs:
    """Looks at inputs for at most `latency` seconds; mtimes are compared in whole `grain`s of ns."""

    def __init__(self, latency: float, grain: int) -> None:
        self.latency = latency
        self.grain = grain

    def find_next_look(self, task: "Task", now: float) -> float:
        """Look at the inputs of a task that is to begin; return when to look again, 0 if it need not wait any more."""
        if not self.see(task):
            return 0.0
        if not task.looks:
            task.patience = now + self.latency
        if now >= task.patience:
            return 0.0
        task.looks += 1
        pause = min(LONGEST, SHORTEST * 2.0 ** (task.looks - 1))
        return min(now + pause, task.patience)

    def see(self, task: "Task") -> str:
        """Look at inputs up to one that is not as it should be; return what is wrong with it, "" if all are seen.

        Those that are seen do not count as needed any more, so none is looked at twice.
        """
        while task.needs:
            words = self.compare(*task.needs[-1])
            if words:
                return words
            task.needs.pop()
        return ""

    def compare(self, path: str, mtime: int, size: int) -> str:
        """Return what is wrong with an input, "" if it is seen; an mtime of -1: it only has to be there."""
        found = find_stamp(path)
        if found is None:
            return f"input {path} is not there, which was made before"
        if mtime == -1 or found == (mtime, size):
            return ""
        # the mtimes in the digest of a folder cannot be compared by a grain
        alike = self.grain > 1 and (path.endswith("/") or found[0] // self.grain == mtime // self.grain)
        if alike and found[1] == size:
            return ""
        return (
            f"input {path} does not show what its maker wrote: "
            f"seen {render_stamp(path, found)}, expected {render_stamp(path, (mtime, size))}"
        )


def render_stamp(path: str, stamp: "tuple[int, int]") -> str:
    """Return a stamp for people."""
    kind = "digest" if path.endswith("/") else "mtime"
    return f"{stamp[1]} bytes with {kind} {stamp[0]}"
