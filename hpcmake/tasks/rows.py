"""Files as rows of a table, and the marks that tables of files and tasks share.

Owns which rule makes a file, by number.  Knows nothing of rules.
"""

from __future__ import annotations

from array import array

SOURCE = -1
"""The rule number of a file that no rule makes."""

UNSET = -1
"""The input of a task whose value must be waited for."""

UNJUDGED = b"\xff"
"""The state of a task that is not judged yet."""


class Files:
    """The table of files: path, and the rule and row of the task that makes each."""

    __slots__ = ("index", "paths", "row", "rule")

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.index: dict[str, int] = {}
        self.rule = array("i")
        self.row = array("i")

    def __len__(self) -> int:
        return len(self.paths)
