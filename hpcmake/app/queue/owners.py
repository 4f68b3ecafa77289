"""Which task is in which job: no two living jobs may have the same.

Owns that table, and how it is found again from the batches on the disk.  Knows nothing of what becomes of jobs.
"""

from __future__ import annotations

from hpcmake.jobs.pieces import TornError, read_piece
from hpcmake.tasks.rows import SOURCE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any, TypeAlias

    from hpcmake.jobs.folder import JobFolder
    from hpcmake.planner.plan import Plan
    from hpcmake.planner.rows import Table

    Task: TypeAlias = tuple[int, int]
    """The number of a rule, and a row."""


class Owners:
    """The tasks of living jobs, by task and by key."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.of: dict[Task, str] = {}
        self.tasks: dict[str, set[Task]] = {}
        self.definitions: dict[str, dict[str, str]] = {}
        """Of jobs that were recalled, the definition of each rule in their batches."""
        self._named: dict[int, dict[str, int]] = {}

    def give(self, key: str, tasks: Iterable[Task]) -> None:
        """Note that a job has these tasks."""
        given = list(tasks)
        self.tasks.setdefault(key, set()).update(given)
        self.of.update(dict.fromkeys(given, key))

    def free(self, key: str) -> set[Task]:
        """Forget a job that has ended; return the tasks that it had."""
        mine = self.tasks.pop(key, set())
        for task in mine:
            if self.of.get(task) == key:
                del self.of[task]
        return mine

    def recall(self, folder: JobFolder) -> int:
        """Find out from its batch which tasks a job has; return in how many pieces.  Raises Trouble."""
        paths = folder.pieces()
        for path in paths:
            try:
                records = read_piece(path)
                self.definitions.setdefault(folder.key, {}).update(
                    (record["name"], record["c"]) for record in records if record["k"] == "rule"
                )
                self.give(folder.key, self._read(records))
            except (TornError, OSError):  # it is not run either
                continue
        self.tasks.setdefault(folder.key, set())
        return len(paths)

    def _read(self, records: Iterable[Mapping[str, Any]]) -> Iterator[Task]:
        paths: list[str] = []
        names: dict[int, tuple[str, list[str]]] = {}
        for record in records:
            if record["k"] == "files":
                paths += record["paths"]
            elif record["k"] == "rule":
                names[record["n"]] = (record["name"], record["wild"])
            elif record["k"] == "tasks":
                yield from self._tasks_of(record["rows"], paths, *names[record["rule"]])

    def _tasks_of(self, rows: Iterable[Sequence[Any]], paths: Sequence[str], rule: str, wild: list[str]) -> list[Task]:
        """Return the tasks of rows of a batch that a rule of today makes."""
        files = self.plan.graph.files
        index, of_rule, of_row = files.index, files.rule, files.row
        found: list[Task] = []
        for values, _, outs, *_ in rows:
            if outs:  # as `find`, without a call: there may be 10⁶ of them
                number = index.get(paths[outs[0]])
                if number is not None and of_rule[number] != SOURCE:
                    found.append((of_rule[number], of_row[number]))
            else:
                pairs = ",".join(f"{a}={b}" for a, b in zip(wild, values, strict=True))
                task = self.find(None, f"{rule}[{pairs}]" if wild else rule)
                if task is not None:
                    found.append(task)
        return found

    def find(self, path: str | None, name: str) -> Task | None:
        """Return a task by its first output, or by its name if it has none; None if no rule of today makes it."""
        files = self.plan.graph.files
        if path is not None:
            number = files.index.get(path)
            if number is not None and files.rule[number] != SOURCE:
                return files.rule[number], files.row[number]
            return None
        rule = self.plan.campaign.by_name.get(name.partition("[")[0])
        if rule is None:
            return None
        row = self._names_of(self.plan.graph.tables[rule.number]).get(name)
        return None if row is None else (rule.number, row)

    def find_by_name(self, name: str) -> Task | None:
        """Return a task by its name."""
        return self.find(None, name)

    def _names_of(self, table: Table) -> dict[str, int]:
        known = self._named.get(table.rule.number)
        if known is None or len(known) != table.count:
            known = self._named[table.rule.number] = {table.name(row): row for row in range(table.count)}
        return known
