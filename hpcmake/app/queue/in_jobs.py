"""Which tasks of a plan are in jobs that live, and what of them is known to run.

Owns that view, which writes nothing.  Knows nothing of how jobs stand in their queue.

A job records when a task ends, and not when it begins.  So a task counts as `running` if its job runs and all that it
needs is there: where more such tasks are than run at once, some of them are next.
"""

from __future__ import annotations

from hpcmake.app.queue.owners import Owners
from hpcmake.jobs.fates import Queued, Running, Unclear
from hpcmake.jobs.pieces import read_records
from hpcmake.planner.attempts import Attempts
from hpcmake.tasks.rows import SOURCE, UNSET
from hpcmake.tasks.states import FRESH, GIVEN_UP, OMITTED, is_stale

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.app.queue.owners import Task
    from hpcmake.app.queue.standing import Standing
    from hpcmake.app.tasks import Account
    from hpcmake.planner.graph import Table
    from hpcmake.planner.plan import Plan

QUEUED, RUNNING = "queued", "running"
_FOR_GOOD = 1000  # no rule tries so often


class InJobs:
    """The tasks of a plan that are in the batches of living jobs.  Raises Trouble."""

    def __init__(self, plan: Plan, standing: Standing, *, retries: int = 0) -> None:
        self.plan = plan
        self.standing = standing
        self.owners = Owners(plan)
        self._retries = retries
        self._groups: dict[int, bool] = {}
        for key in standing.living():
            if isinstance(standing.fates[key], Queued | Running | Unclear):
                self.owners.recall(standing.folders[key])
        self._failed = self._find_failed()

    def _find_failed(self) -> set[Task]:
        """Return the tasks of which running jobs have recorded more failures than they try again."""
        counts: dict[Task, int] = {}
        for key, tasks in self.owners.tasks.items():
            if not tasks or not isinstance(self.standing.fates[key], Running):
                continue
            for record in read_records(self.standing.folders[key].records):
                if record.get("k") in {"fail", "gave up"} and isinstance(record.get("t"), str):
                    task = self.owners.find_by_name(record["t"])
                    if task is not None and self.owners.of.get(task) == key:
                        counts[task] = counts.get(task, 0) + (1 if record["k"] == "fail" else _FOR_GOOD)
        return {task for task, count in counts.items() if count > self.tries_again(task)} if counts else set()

    def tries_again(self, task: Task) -> int:
        """Return how often a task is tried again after failures."""
        site = next((asked.site for asked in self.standing.asks.values() if asked.site is not None), None)
        attempts = Attempts(self.plan, site=site.name if site is not None else "local", launch=lambda _resources: ())
        resources = attempts.resources(self.plan.graph.tables[task[0]], task[1], 1)[1]
        return int(resources.get("retries", self._retries))

    def find(self, table: Table, row: int) -> tuple[str, str] | None:
        """Return whether a task that must run is queued or running, and the key of its job; None if it is in none."""
        task = (table.rule.number, row)
        key = self.owners.of.get(task)
        if key is None or not is_stale(table.state[row]) or task in self._failed:
            return None
        if isinstance(self.standing.fates[key], Running) and self._is_ready(table, row):
            return RUNNING, key
        return QUEUED, key

    def note(self, account: Account) -> None:
        """Let what is known of a task say that it is in a job, and in which."""
        found = self.find(account.table, account.row)
        if found is None:
            account.key = _key_of(account)
            account.job = self.job(account.key) if account.key else ""
            return
        account.state, account.key = found
        account.job = self.job(account.key)
        fate = self.standing.fates[account.key]
        runs = isinstance(fate, Running)
        account.reason = f"in job {account.job or account.key}, which {'runs' if runs else 'waits in the queue'}"

    def job(self, key: str) -> str:
        """Return the id of a job; empty if it has none."""
        if key in self.standing.fates:
            return self.standing.fates[key].job
        return self.standing.settled[key].job if key in self.standing.settled else ""

    def counts(self, key: str) -> tuple[int, int] | None:
        """Return how many tasks of a job are done, and how many it has; None if its batch cannot be read."""
        tasks = self.owners.tasks.get(key)
        if not tasks:
            return None
        tables = self.plan.graph.tables
        return sum(tables[rule].state[row] == FRESH for rule, row in tasks), len(tasks)

    def _is_ready(self, table: Table, row: int) -> bool:
        for column in table.inputs:
            entry = column[row]
            if entry >= 0:
                if not self._is_there(entry):
                    return False
            elif entry != UNSET:
                known = self._groups.get(entry)
                if known is None:
                    known = self._groups[entry] = all(map(self._is_there, self.plan.graph.group(entry)))
                if not known:
                    return False
        return True

    def _is_there(self, number: int) -> bool:
        files = self.plan.graph.files
        if files.rule[number] == SOURCE:
            return True
        return self.plan.graph.tables[files.rule[number]].state[files.row[number]] in {FRESH, GIVEN_UP, OMITTED}


def _key_of(account: Account) -> str:
    """Return the key of the job in which the last attempt of a task was made, if its output tells."""
    if account.log is None:
        return ""
    before, _, rest = account.log[0].partition("jobs/")
    return rest.partition("/")[0] if before.endswith(".hpcmake/") else ""
