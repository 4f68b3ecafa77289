"""Why a task is not running yet, where a campaign has jobs: its job, those before it, or why it has none.

Owns what is added to a chain of reasons.  Knows nothing of why a task must run.
"""

from __future__ import annotations

from hpcmake.app.queue.awaiting import NEXT, Awaiting
from hpcmake.app.queue.in_jobs import RUNNING
from hpcmake.app.queue.words import chain_words, job_row, silence_words
from hpcmake.jobs.fates import Running, render_moment
from hpcmake.journal import FOLDER
from hpcmake.lease import find_driver
from hpcmake.tasks.states import FRESH, GIVEN_UP, OMITTED, is_stale

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.app.opening import Opened
    from hpcmake.app.queue.in_jobs import InJobs
    from hpcmake.planner.graph import Table
    from hpcmake.planner.plan import Plan

_MOST = 5
"""Jobs that make what a task needs, of which it is told."""


class Reasons:
    """Tells of the tasks of one plan."""

    def __init__(self, opened: Opened, plan: Plan, jobs: InJobs) -> None:
        self.plan = plan
        self.jobs = jobs
        self.standing = jobs.standing
        self._awaiting = Awaiting(opened, plan, jobs.standing, jobs)
        self._driver = find_driver(FOLDER, ask=jobs.standing.ask_for)

    def note(self, link: dict[str, object], table: Table, row: int) -> None:
        """Add to a link of a chain what is known of its task's job.  Raises Trouble."""
        if not is_stale(table.state[row]):
            return
        found = self.jobs.find(table, row)
        if found is not None:
            state, key = found
            link["state"] = state
            link["job"] = job_row(self.standing, key)
            link["in job"] = self._in_job(state, key)
            return
        others = self._jobs_of_inputs(table, row)
        if others:
            link["jobs"] = [job_row(self.standing, key) for key in others]
        wait = self._awaiting.find((table.rule.number, row))
        if wait is None and not others:
            return
        if wait is not None:
            link["waits because"] = {"kind": wait.kind, "why": wait.why}
        words = [f"what it needs is made in {chain_words(self.standing, key)}" for key in others[:_MOST]]
        if wait is not None and (wait.kind != NEXT or self._driver is not None):
            words.append(f"it is in no job yet: {wait.why}")
        elif wait is not None:
            words.append("it is in no job yet, and nobody drives who would submit one")
        link["not submitted"] = "\n  ".join(words)

    def _in_job(self, state: str, key: str) -> str:
        standing = self.standing
        fate, status = standing.fates[key], standing.readings[key].status
        if not isinstance(fate, Running):
            return f"it waits for {chain_words(standing, key)}"
        name = fate.job or key
        since = f" since {render_moment(fate.since, standing.now)}" if fate.since else ""
        if state != RUNNING:
            return f"it is in {chain_words(standing, key)}, and waits there for what it needs"
        count = f" ({status.running} of its tasks run at this moment)" if status is not None and status.running else ""
        end = chain_words(standing, key).partition(", which ")[2]
        return f"it runs in job {name}, or is next there{count}: the job {end}{since and f', {since.strip()}'}"

    def _jobs_of_inputs(self, table: Table, row: int) -> list[str]:
        """Return the keys of the jobs that make what a task needs and has not."""
        graph, files = self.plan.graph, self.plan.graph.files
        found: dict[str, None] = {}
        for number in graph.inputs_of(table, row):
            rule = files.rule[number]
            if rule < 0 or graph.tables[rule].state[files.row[number]] in {FRESH, GIVEN_UP, OMITTED}:
                continue
            maker = self.jobs.find(graph.tables[rule], files.row[number])
            if maker is not None:
                found[maker[1]] = None
        return list(found)

    def driver(self, command: str) -> str:
        """Return the last lines: who drives, or what to type."""
        lines = [silence_words(asked) for asked in self.standing.asks.values() if asked.silence]
        if self._driver is not None:
            lines.append(self._driver.words())
        elif self.standing.is_stopped:
            lines.append(f"the campaign was stopped: `{command}` goes on with it")
        elif self.standing.living():
            lines.append(f"nobody drives now, and its jobs go on with it: `{command}` watches them")
        else:
            lines.append(f"nothing is running: `{command}` starts it")
        return "".join(f"{line}\n" for line in lines)
