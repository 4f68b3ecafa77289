"""The tasks of a rule as rows of a table: a column for each thing that is known of them.

Owns the shape of these tables.  Knows nothing of how they grow.
"""

from __future__ import annotations

from array import array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.planner.rules import Rule
    from hpcmake.planner.scope import Env
    from hpcmake.tasks.wait import Need


class Table:
    """The tasks of one rule as rows: a column for each wildcard, each output and each item of `input`.

    An entry of an input column is the number of a file, or `-2 - g` for group g, or UNSET.
    """

    __slots__ = (
        "caches",
        "columns",
        "count",
        "depth",
        "done",
        "inputs",
        "keys",
        "named",
        "needs",
        "outputs",
        "rule",
        "state",
        "waiting",
    )

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.count = 0
        self.done = 0
        """Rows from here on have no inputs yet."""
        self.columns: list[list[str]] = [[] for _ in rule.wildcards]
        self.outputs = [array("i") for _ in rule.outputs]
        self.inputs = [array("i") for _ in rule.inputs]
        self.caches: list[dict[object, int]] = [{} for _ in rule.inputs]
        self.keys: dict[tuple[str, ...], int] = {}
        """Rows by their values; only of rules without outputs, whose tasks no file finds."""
        self.needs: set[int] = set()
        """The numbers of rules that make what these tasks take."""
        self.named: dict[int, list[int]] = {}
        """By row, the files of `produces` that are wanted by name, or known to be produced."""
        self.waiting: dict[int, tuple[Need, ...]] = {}
        self.state = bytearray()
        """How each row was judged; see `stale`."""
        self.depth = 0

    def values(self, row: int) -> tuple[str, ...]:
        """Return the wildcards of a task."""
        return tuple(column[row] for column in self.columns)

    def name(self, row: int) -> str:
        """Return the name of a task."""
        return self.rule.task_name(self.values(row))

    def env(self, row: int) -> Env:
        """Return the wildcards of a task by name, as expressions take them."""
        return {name: column[row] for name, column in zip(self.rule.wildcards, self.columns, strict=True)}
