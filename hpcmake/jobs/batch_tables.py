"""The rules and tasks of a batch as tables, in the form in which the engine and the loop of a run take them.

Owns what was written of each rule and task.  Knows nothing of why a task must run, nor of what became of it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right

from hpcmake.record import Record
from hpcmake.tasks.patterns import Pattern
from hpcmake.tasks.rows import Files
from hpcmake.tasks.states import IS_MISSING
from hpcmake.tasks.wait import Need

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

_OF_PIECE = frozenset({"n", "walls", "tries", "stem", "retries", "same", "prio", "opt"})

ELSEWHERE = "elsewhere"
"""What the tasks of other jobs are called that make what tasks of this one take."""


class BatchInput(Record):
    """An item of `input`."""

    order: bool
    maybe: bool


class BatchOutput(Record):
    """An item of `output`."""

    temp: bool
    protect: bool
    touch: bool


class BatchCommand(Record):
    """What is asked of a command before it is made: which names stand in it, and its place in the Wfile (unknown)."""

    names: frozenset[str] = frozenset()
    span: None = None


class BatchRule:
    """A rule of a batch, from its record."""

    produces_span = None

    def __init__(self, number: int, record: Mapping[str, Any]) -> None:
        self.number = number
        self.name: str = record["name"]
        self.wildcards: tuple[str, ...] = tuple(record["wild"])
        self.inputs = [BatchInput(bool(order), bool(maybe)) for order, maybe in record["in"]]
        self.outputs = [BatchOutput(*map(bool, each)) for each in record["out"]]
        self.run = BatchCommand() if record["run"] else None
        late = frozenset({"produced"}) if record["late"] else frozenset[str]()
        self.post = BatchCommand(late) if record["post"] else None
        pattern = record.get("prod")
        self.produces = Pattern(*pattern) if pattern is not None else None
        self.rivals = [Pattern(*each) for each in record.get("not", ())]
        """What other rules make of the files that it might produce."""
        self.log = record["log"] or None
        self.depfile = BatchCommand() if record.get("dep") else None
        self.row_values: list[object] = [None] * record["vals"]
        self.resources: dict[str, None] = dict.fromkeys(record["res"])
        self.at_once: int | None = record.get("at_once")
        self.digest: str = record["c"]
        self.walls: list[float] = record["walls"]
        self.shape = {name: value for name, value in record.items() if name not in _OF_PIECE}
        """What of its record is the same in all pieces of a batch that hold tasks of it."""
        self._of = record["of"]

    def definition(self) -> dict[str, object]:
        """Return what its commands share, as it is compared."""
        found: dict[str, object] = self._of
        return found

    def task_name(self, values: Sequence[str]) -> str:
        """Return the name of a task: `rule[wildcard=value,…]`."""
        if not values:
            return self.name
        return f"{self.name}[{','.join(f'{a}={b}' for a, b in zip(self.wildcards, values, strict=True))}]"


_UNKNOWN = (0.0, 0.0)


class BatchTable:
    """The tasks of one rule that a batch holds."""

    def __init__(self, rule: BatchRule) -> None:
        self.rule = rule
        self.count = 0
        self.columns: list[list[str]] = [[] for _ in rule.wildcards]
        self.outputs = [array("i") for _ in rule.outputs]
        self.inputs = [array("i") for _ in rule.inputs]
        self.needs: set[int] = set()
        self.named: dict[int, list[int]] = {}
        self.waiting: dict[int, tuple[Need, ...]] = {}
        self.state = bytearray()
        self.more: dict[int, dict[str, Any]] = {}
        """What is told of some tasks only, by row."""
        self._timed = 0
        self._times: dict[int, tuple[float, float]] = {}
        """What tasks were packed for, by row: the seconds expected, and those that must be left."""
        self._starts: list[int] = []
        self._told: list[Mapping[str, Any]] = []
        """What pieces tell of the rule, and from which row on."""

    def tell(self, record: Mapping[str, Any]) -> None:
        """Take what a piece tells of the rule: it holds for the rows that are taken next."""
        self._starts.append(self.count)
        self._told.append(record)

    def piece(self, row: int) -> Mapping[str, Any]:
        """Return what its piece tells of the rule of a task."""
        return self._told[bisect_right(self._starts, row) - 1]

    def stem(self, row: int) -> str:
        """Return how the names of a task's files of lists begin; "" if it has none."""
        stem: str = self.piece(row)["stem"]
        return f"{stem}{self.rule.number}.{row}-" if stem else ""

    def take_rows(self, rows: Iterable[Sequence[Any]], files: Files, numbers: Sequence[int], groups: int) -> None:
        """Add tasks from their rows; `numbers` are those of the files here, and `groups` how many there were before."""
        for wild, ins, outs, state, *more in rows:
            self._take(wild, [numbers[each] if each >= 0 else each - groups for each in ins], state)
            made = [numbers[each] for each in outs]
            if more:
                self.more[self.count] = more[0]
                if "named" in more[0]:
                    self.named[self.count] = [numbers[each] for each in more[0]["named"]]
                if "why" in more[0] and isinstance(more[0]["why"][0], int):
                    more[0]["why"][0] = files.paths[numbers[more[0]["why"][0]]]
            self._make(made, files)

    def _take(self, wild: Sequence[str], ins: Sequence[int], state: int) -> None:
        for column, value in zip(self.columns, wild, strict=True):
            column.append(value)
        for into, entry in zip(self.inputs, ins, strict=True):
            into.append(entry)
        self.state.append(state)

    def _make(self, outs: Sequence[int], files: Files) -> None:
        for into, number in zip(self.outputs, outs, strict=True):
            into.append(number)
        for number in (*outs, *self.named.get(self.count, ())):
            files.rule[number], files.row[number] = self.rule.number, self.count
        self.count += 1

    def take(self, wild: Sequence[str], ins: Sequence[int], outs: Sequence[int], state: int, files: Files) -> None:
        """Add a task of which nothing more is told."""
        self._take(wild, ins, state)
        self._make(outs, files)

    def take_times(self, record: Mapping[str, Any]) -> None:
        """Take what the tasks of the last piece were packed for."""
        first = max(self._starts[-1], self._timed)
        self._timed = self.count if "all" in record else first + len(record["rows"])
        if "all" in record:
            self._times.update(dict.fromkeys(range(first, self.count), tuple(record["all"])))
            return
        for row, time in enumerate(record["rows"], first):
            self._times[row] = tuple(time) if time is not None else _UNKNOWN

    def time_of(self, row: int) -> tuple[float | None, float]:
        """Return the seconds that a task is expected to take (None: nobody knows), and those that must be left."""
        expected, ceiling = self._times.get(row, _UNKNOWN)
        return (expected, ceiling) if ceiling else (None, 0.0)

    def told(self, row: int, key: str, default: Any = None) -> Any:  # as JSON has it
        """Return what is told of a task under a key."""
        more = self.more.get(row)
        return default if more is None else more.get(key, default)

    def retries(self, row: int) -> int:
        """Return how often a task is tried again."""
        found: int = self.told(row, "retries", self.piece(row)["retries"])
        return found

    def is_optional(self, row: int) -> bool:
        """Tell whether a task is wanted as `maybe` only."""
        return bool(self.told(row, "opt", self.piece(row)["opt"])) if self._told else False

    def values(self, row: int) -> tuple[str, ...]:
        """Return the wildcards of a task."""
        return tuple([column[row] for column in self.columns])

    def name(self, row: int) -> str:
        """Return the name of a task."""
        return self.rule.task_name(self.values(row))

    def env(self, row: int) -> dict[str, str]:
        """Return the wildcards of a task by name."""
        return dict(zip(self.rule.wildcards, self.values(row), strict=True))


def make_elsewhere(number: int, files: Files, awaited: Mapping[int, str | None]) -> BatchTable:
    """Return the tasks of other jobs that make some files: each waits for ever, since no other job is run here.

    Those that may be given up have a name.
    """
    record = {
        "name": ELSEWHERE,
        "wild": ["file"],
        "in": [],
        "out": [[0, 0, 0]],
        "run": 0,
        "late": 0,
        "post": 0,
        "log": 0,
        "vals": 0,
        "res": [],
        "c": "",
        "of": {},
        "walls": [],
    }
    table = BatchTable(BatchRule(number, record))
    for file, name in awaited.items():
        table.take([files.paths[file]], [], [file], IS_MISSING, files)
        table.waiting[table.count - 1] = (Need(files.paths[file]),)
        table.more[table.count - 1] = {"t": name}
    return table
