"""What jobs record, taken into the plan while they run.

Owns how far the records of each job were read, and what follows from one for the plan.  Knows nothing of queues.
"""

from __future__ import annotations

from hpcmake.lines import parse_records
from hpcmake.model import INPUT_REMADE
from hpcmake.record import Record
from hpcmake.refusals import trouble
from hpcmake.tasks.states import FRESH, STATES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from hpcmake.app.queue.owners import Owners, Task
    from hpcmake.jobs.folder import JobFolder
    from hpcmake.planner.plan import Plan

_REMADE = STATES[INPUT_REMADE]


class News(Record):
    """A record of a job, and the task that it is about, None if no rule of today makes it."""

    key: str
    record: Mapping[str, Any]
    task: Task | None


class Intake:
    """Reads records and takes them into a plan; `seen` is how much of which file was read when the plan was made."""

    def __init__(self, plan: Plan, owners: Owners, seen: Mapping[str, int]) -> None:
        self.plan = plan
        self.owners = owners
        self._offsets = {name.split("/")[1]: length for name, length in seen.items() if name.startswith("jobs/")}
        self.counts: dict[str, int] = {}
        """How many records of tasks each job has written since."""

    def read(self, folder: JobFolder) -> list[News]:
        """Return what a job has recorded since it was last asked; a torn end comes later.  Raises Trouble."""
        start = self._offsets.get(folder.key, 0)
        try:
            with open(folder.records, "rb") as file:
                file.seek(start)
                raw = file.read()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise trouble(error, "read", folder.records) from None
        whole = raw[: raw.rfind(b"\n") + 1]
        if not whole:
            return []
        self._offsets[folder.key] = start + len(whole)
        records, _ = parse_records(whole, folder.records)
        return [self._take(folder.key, record) for record in records]

    def _take(self, key: str, record: Mapping[str, Any]) -> News:
        plan = self.plan
        plan.history.take((record,))
        kind, name = record.get("k"), record.get("t")
        if not isinstance(name, str) or kind not in {"ok", "fail", "cut", "gave up"}:
            return News(key, record, None)
        self.counts[key] = self.counts.get(key, 0) + 1
        out = record.get("out")
        task = self.owners.find(out[0][0] if out else None, name)
        if task is not None and kind == "ok":
            self._succeeded(task, record)
        return News(key, record, task)

    def _succeeded(self, task: Task, record: Mapping[str, Any]) -> None:
        plan, (rule, row) = self.plan, task
        table, index = plan.graph.tables[rule], plan.graph.files.index
        alike = record.get("as", {})
        for path, mtime, size in (*record["out"], *record.get("prod", ())):
            plan.outside.forget(path)
            number = index.get(path)
            if number is not None:
                plan.stamps.put(number, tuple(alike.get(path, (mtime, size))))
        if "prod" in record:
            plan.produced[rule, row] = [entry[0] for entry in record["prod"]]
        table.state[row] = FRESH
        plan.judge.note(table, row, FRESH)
