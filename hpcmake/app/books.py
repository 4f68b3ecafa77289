"""What is written down of tasks: the records of a run.

Owns the content of records.  Knows nothing of lines and files, nor of what made a task succeed.
"""

from __future__ import annotations

import time

from hpcmake.tasks.digests import digest_of
from hpcmake.tasks.rows import SOURCE
from hpcmake.tasks.states import LOST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from hpcmake.disk import Disk
    from hpcmake.journal import JournalWriter
    from hpcmake.model import Ended, Stamp
    from hpcmake.planner.graph import Table
    from hpcmake.planner.plan import Plan

FINE_GRAIN = 10_000_000
"""Nanoseconds by which file systems here advance mtimes at least; where mtimes are whole seconds, 1 s is assumed."""


class Books:
    """Writes the records of a run, and keeps the history up to them.

    `looked` is the time in ns at which the plan began to look at files (now, if it is not given).
    `content` says whether inputs are recorded with a hash, for `--check content`.
    """

    def __init__(
        self,
        plan: Plan,
        writer: JournalWriter,
        disk: Disk,
        *,
        host: str,
        content: bool = False,
        looked: int | None = None,
    ) -> None:
        self.plan = plan
        self.writer = writer
        self.disk = disk
        self.host = host
        self.content = content
        self._looked = looked if looked is not None else time.time_ns()
        self._defined: set[str] = set(plan.history.definitions)
        self._sets: dict[int, dict[str, str]] = {}

    def write(self, record: dict[str, Any]) -> None:
        """Append a record, and take it into the history."""
        self.writer.append(record)
        self.plan.history.take((record,))

    # ------------------------------------------------------------ what goes into records

    def inputs(self, table: Table, row: int) -> list[Any]:
        """Return the inputs of a task as a record holds them, with their stamps of now.

        What many tasks share is written once, as a set, and named.
        """
        entries: list[Any] = []
        for position, item in enumerate(table.rule.inputs):
            entry = table.inputs[position][row]
            if entry >= 0:
                if not (item.maybe and self.plan.judge.will[entry] == LOST):
                    entries.append(self._entry(entry, order=item.order))
                elif len(table.rule.inputs) > 1:
                    entries.append({"set": self._set([])})
            elif entry != -1:
                entries.append(self._named_set(entry, maybe=item.maybe, order=item.order))
        return entries

    def _entry(self, number: int, *, order: bool = False) -> list[Any]:
        path = self.plan.graph.files.paths[number]
        stamps = self.plan.stamps
        if order:
            return [path]
        if self.content and stamps.present[number]:
            return [path, stamps.mtimes[number], stamps.sizes[number], stamps.digest(number, path)]
        mtime, size = stamps.mtimes[number], stamps.sizes[number]
        if mtime > self._looked - 1_000_000_000 and stamps.present[number] == 1 and self._is_uncertain(number, mtime):
            return [path, mtime, size, stamps.digest(number, path), 1]
        return [path, mtime, size]

    def _is_uncertain(self, number: int, mtime: int) -> bool:
        """Tell whether a source was stamped within a grain of its own time: a change may not show in its stamp."""
        if self.plan.graph.files.rule[number] != SOURCE:
            return False  # its writer had ended when it was stamped
        grain = 1_000_000_000 if mtime % 1_000_000_000 == 0 else FINE_GRAIN
        return mtime > self._looked - grain

    def _named_set(self, entry: int, *, maybe: bool, order: bool) -> dict[str, str]:
        known = self._sets.get(entry)
        if known is None:
            members: Sequence[int] = self.plan.graph.group(entry)
            if maybe:
                members = [number for number in members if self.plan.judge.will[number] != LOST]
            known = self._sets[entry] = {"set": self._set([self._entry(number, order=order) for number in members])}
        return known

    def _set(self, files: list[list[Any]]) -> str:
        name = digest_of(files)
        if name not in self.plan.history.set_names:
            self.write({"k": "set", "id": name, "files": files})
        return name

    def definition(self, table: Table) -> str:
        """Return the id of a rule's definition; it is written down once."""
        name = self.plan.definition_of(table)
        if name not in self._defined:
            self._defined.add(name)
            self.write({"k": "def", "id": name, "of": table.rule.definition()})
        return name

    # ------------------------------------------------------------ records

    def launch(self, tasks: Sequence[str]) -> None:
        """Write down that tasks are started which have succeeded before: until they end, that counts no more."""
        self.write({"k": "launch", "n": self.host, "ts": list(tasks)})

    def success(
        self,
        table: Table,
        row: int,
        *,
        inputs: list[Any],
        stamps: Sequence[Stamp],
        ended: Ended | None,
        attempt: int,
        extras: Mapping[str, Any],
        kind: str = "ok",
    ) -> None:
        """Write down that a task has succeeded."""
        paths = self.plan.graph.files.paths
        record: dict[str, Any] = {
            "k": kind,
            "t": table.name(row),
            "c": self.definition(table),
            "a": attempt,
            "in": inputs,
            "out": [[paths[column[row]], *stamp] for column, stamp in zip(table.outputs, stamps, strict=True)],
        }
        if table.rule.row_values:
            record["v"] = self.plan.row_values(table, row)
        if ended is not None:
            record |= {
                "w": round(ended.wall, 4),
                "cpu": round(ended.cpu, 4),
                "rss": ended.rss,
                "n": ended.node or self.host,
            }
            if ended.log is not None:
                record["log"] = list(ended.log)
        record |= extras
        self.write(record)

    def failure(
        self, table: Table, row: int, *, kind: str, ended: Ended | None, attempt: int, extras: Mapping[str, Any]
    ) -> None:
        """Write down that an attempt has failed (`fail`), was cut (`cut`), or that a task is given up (`gave up`)."""
        record: dict[str, Any] = {
            "k": kind,
            "t": table.name(row),
            "c": self.definition(table),
            "a": attempt,
            "n": (ended.node if ended is not None else "") or self.host,
        }
        if ended is not None:
            record |= {
                "rc": ended.status,
                "why": ended.why,
                "w": round(ended.wall, 4),
                "cpu": round(ended.cpu, 4),
                "rss": ended.rss,
            }
            if ended.log is not None:
                record["log"] = list(ended.log)
        if (kind == "gave up" or "final" in extras) and all(column[row] != -1 for column in table.inputs):
            record["in"] = self.plan.judge.plain_inputs(table, row)
            if table.rule.row_values:
                record["v"] = self.plan.row_values(table, row)
        record |= extras
        self.write(record)

    def forget(self, keys: Sequence[str]) -> None:
        """Write down that successes count no more."""
        self.write({"k": "forget", "keys": list(keys)})
