"""Nodes on which tasks fail that succeed elsewhere: perhaps it is the node and not the task.

Owns their count, and what is told of it.  Knows nothing of how tasks are placed.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.app.handed import Handed
    from hpcmake.model import Ended

_AGAIN = (1, 3, 10, 30, 100)  # told at these counts of a node, and not each time


class Suspects:
    """Counts, by node, the tasks that failed there and succeeded elsewhere."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def on_success(self, handed: Handed, ended: Ended) -> list[str]:
        """A task has succeeded; return what the user should know of nodes on which it had failed."""
        found = []
        for node in dict.fromkeys(handed.avoid):
            if not ended.node or node == ended.node:
                continue
            count = self._counts[node] = self._counts.get(node, 0) + 1
            if count in _AGAIN:
                name = handed.table.name(handed.row)
                others = f", as {count - 1} others have: look at that node" if count > 1 else ""
                found.append(f"{name} failed on {node} and has succeeded on {ended.node}{others}")
        return found
