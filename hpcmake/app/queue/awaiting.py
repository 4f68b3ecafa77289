"""Why a task that must run is in no job yet: what a driver would decide now, found out without being one.

Owns the order in which reasons are looked for.  Knows nothing of words for chains of tasks.
"""

from __future__ import annotations

import re

from hpcmake.app.forecasting import make_forecast, site_names
from hpcmake.app.queue.leaving_out import blocked_by, left_out
from hpcmake.diagnostics import Trouble
from hpcmake.jobs.policy import Outlook, Planned, Wait, decide
from hpcmake.jobs.recall import find_poison
from hpcmake.lines import parse_records
from hpcmake.tasks.states import is_stale

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.app.forecasting import Forecast
    from hpcmake.app.opening import Opened
    from hpcmake.app.queue.charter import Charter
    from hpcmake.app.queue.in_jobs import InJobs
    from hpcmake.app.queue.owners import Task
    from hpcmake.app.queue.standing import Standing
    from hpcmake.planner.plan import Plan
    from hpcmake.site import Site

STOPPED, POISON, REFUSED, FAILED = "stopped", "poison", "refused", "failed"
LOCAL, SITE, NEXT = "local", "site", "next"
"""Kinds of reasons besides those of the policy: `queue`, `limit`, `budget`, `parent`."""


class Awaiting:
    """Tells of tasks of one plan why they are in no job."""

    def __init__(self, opened: Opened, plan: Plan, standing: Standing, jobs: InJobs) -> None:
        self.opened = opened
        self.plan = plan
        self.standing = standing
        self.jobs = jobs
        self._failed: set[Task] | None = None
        self._decided: dict[Task, Wait] | None = None

    def find(self, task: Task) -> Wait | None:
        """Return why a task that must run is in no job; None if it is in one, or the campaign is in no queue.

        Raises Trouble.
        """
        standing, charter = self.standing, self.standing.charter
        site = self._site()
        if charter is None or site is None or self.jobs.find(self.plan.graph.tables[task[0]], task[1]) is not None:
            return None
        if standing.is_stopped:
            return Wait("", STOPPED, "the campaign was stopped by `hpcmake stop`")
        poison = find_poison(standing.ended())
        if poison is not None:
            return Wait("", POISON, poison.text)
        refusal = standing.refusal()
        if refusal is not None:
            return Wait("", REFUSED, f"the scheduler refused the last job for good: {refusal}")
        failed = self._find_failed()
        if task in failed:
            return Wait("", FAILED, "it has failed, and is not tried again in this run")
        if task in blocked_by(self.plan, failed):
            return Wait("", FAILED, "something that it needs has failed")
        if failed and not charter.values.get("keep_going"):
            names = [self.plan.graph.tables[rule].name(row) for rule, row in sorted(failed)[:2]]
            more = f" and {len(failed) - len(names)} more" if len(failed) > len(names) else ""
            return Wait("", FAILED, f"{', '.join(names)}{more} failed, and without `-k` nothing more is submitted")
        local = self._local(site)
        if task in local:
            return Wait("", LOCAL, "it runs where the campaign is driven, and in no job")
        if task in blocked_by(self.plan, local):
            return Wait("", LOCAL, "something that it needs runs where the campaign is driven")
        if self._decided is None:
            self._decided = self._decide(charter, site, failed | local)
        return self._decided.get(task)

    def _site(self) -> Site | None:
        site = self.opened.site
        return site if site is not None and site.scheduler != "none" else None

    def _find_failed(self) -> set[Task]:
        """Return the tasks that have failed for good in this run, by the records of its jobs."""
        if self._failed is None:
            counts: dict[Task, int] = {}
            for name, length in self.opened.journal.seen.items():
                if not name.startswith("jobs/") or not self.standing.of_run(name.split("/")[1]):
                    continue
                for record in parse_records(self.opened.journal.read_live(name)[:length], name)[0]:
                    if record.get("k") in {"fail", "gave up"}:
                        task = self.jobs.owners.find_by_name(record["t"])
                        if task is not None:
                            counts[task] = counts.get(task, 0) + 1
            tables = self.plan.graph.tables
            self._failed = {
                task
                for task, count in counts.items()
                if is_stale(tables[task[0]].state[task[1]]) and count > self.jobs.tries_again(task)
            }
        return self._failed

    def _local(self, site: Site) -> set[Task]:
        found: set[Task] = set()
        for table in self.plan.graph.tables:
            names = site_names(table)
            if names is not None and site.name not in names:
                found |= {(table.rule.number, row) for row, state in enumerate(table.state) if is_stale(state)}
        return found

    def _decide(self, charter: Charter, site: Site, seeds: set[Task]) -> dict[Task, Wait]:
        """Return for each task of the jobs that would be packed now why that job has not gone out."""
        arguments = charter.arguments()
        out = blocked_by(self.plan, seeds) | set(self.jobs.owners.of)
        try:
            with left_out(self.plan, out):
                forecast = make_forecast(self.plan, site, arguments)
        except Trouble as trouble:
            told = trouble.diagnostics[0].message if trouble.diagnostics else "it cannot be packed"
            every = ((table.rule.number, row) for table in self.plan.graph.tables for row in range(table.count))
            return {task: Wait("", SITE, told) for task in every if task not in out}
        members = {f"#{job.number}": _tasks_of(forecast, job.number) for job in forecast.packing.jobs}
        planned = [
            Planned(
                f"#{job.number}",
                job.shape.queue.name,
                job.nodes,
                job.shape.charged,
                job.walltime,
                (*(f"#{number}" for number in job.after if number >= 0), *self._parents(members[f"#{job.number}"])),
            )
            for job in forecast.packing.jobs
        ]
        waits = self._within_nodes(planned, arguments.number("jobs") or site.jobs)
        decision = decide([each for each in planned if each.key not in waits], self._outlook(charter, site))
        waits |= {wait.key: wait.replace(why=self._plain(wait.why)) for wait in decision.wait}
        next_ = Wait("", NEXT, "who drives submits it at the next look at the queue")
        return {task: waits.get(name, next_) for name, tasks in members.items() for task in tasks}

    def _plain(self, why: str) -> str:
        """Return why a job waits without the numbers of jobs that are only planned, and with ids in place of keys."""
        why = re.sub(r"^(?:parent #[0-9]+ waits: )+", "", why)
        return re.sub(r"\bhm[0-9a-z-]{13}\b", lambda match: self.jobs.job(match[0]) or match[0], why)

    def _outlook(self, charter: Charter, site: Site) -> Outlook:
        standing = self.standing
        most = charter.values.get("max_queued")
        return Outlook(
            site,
            {**standing.fates, **standing.settled_fates()},
            standing.intents,
            standing.ask_site(site).sight.jobs,
            standing.after(),
            int(most) if isinstance(most, int | float) else None,
            None if charter.budget is None else charter.budget - standing.spent(),
        )

    def _within_nodes(self, planned: list[Planned], most: float | None) -> dict[str, Wait]:
        """Return the jobs that wait since more nodes than were asked for would be used at once."""
        if most is None:
            return {}
        intents = self.standing.intents
        living = {key: intents[key].nodes for key in self.standing.living() if key in intents}
        waits: dict[str, Wait] = {}
        for job in planned:
            behind, todo = set(job.parents), list(job.parents)
            while todo:
                intent = intents.get(todo.pop())
                for parent in intent.parents if intent is not None else ():
                    if parent not in behind:
                        behind.add(parent)
                        todo.append(parent)
            used = sum(nodes for key, nodes in living.items() if key not in behind)
            if used and used + job.nodes > most:
                why = f"nodes: {used} of {int(most)} are asked for by jobs that live, and it wants {job.nodes} (-j)"
                waits[job.key] = Wait(job.key, "limit", why)
            else:
                living[job.key] = job.nodes
        return waits

    def _parents(self, tasks: list[Task]) -> list[str]:
        """Return the keys of jobs that make what tasks need."""
        graph = self.plan.graph
        files, of = graph.files, self.jobs.owners.of
        found: dict[str, None] = {}
        entries = {column[row] for rule, row in tasks for column in graph.tables[rule].inputs}
        for entry in entries:
            for number in (entry,) if entry >= 0 else graph.group(entry):
                key = of.get((files.rule[number], files.row[number]))
                if key is not None:
                    found[key] = None
        return sorted(found)


def _tasks_of(forecast: Forecast, number: int) -> list[Task]:
    job = next(each for each in forecast.packing.jobs if each.number == number)
    found = []
    for part in job.portions:
        members = forecast.packing.classes[part.kind].members
        for at in range(part.first, part.stop):
            table, row = forecast.gathered.task(members[at])
            found.append((table.rule.number, row))
    return found
