"""Sending planned jobs out: which may go, what becomes of each order, and what is kept for another try.

Owns the folders of jobs that are written and not yet taken by the scheduler.  Knows nothing of plans.
"""

from __future__ import annotations

from math import inf

from hpcmake.app.queue.outbox import Outgoing
from hpcmake.jobs.fates import Queued, Running
from hpcmake.jobs.fates import Unclear as UnclearFate
from hpcmake.jobs.late_parents import after_submit
from hpcmake.jobs.policy import WATCH, Outlook, Planned, decide
from hpcmake.jobs.submitting import Later, Unclear
from hpcmake.jobs.watchers import Live, needed_watchers
from hpcmake.runners.schedulers.jobs import NEVER, QUEUED, DoNotKnow, Submitted
from hpcmake.runners.schedulers.scheduler import find_scheduler
from hpcmake.units import render_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.app.queue.step import QueueRun
    from hpcmake.jobs.fates import Fate
    from hpcmake.jobs.folder import JobFolder
    from hpcmake.jobs.policy import Go
    from hpcmake.planner.batch_rows import BatchRows
    from hpcmake.site import Queue, Site

_WATCH = 300.0
"""Seconds that a watcher asks for: a plan of 10^6 tasks takes some, and a queue some more."""


class Posting:
    """Sends the planned jobs of a run out."""

    def __init__(self, run: QueueRun) -> None:
        self.run = run
        self.written: dict[str, JobFolder] = {}
        """Folders of planned jobs that the scheduler has not taken, by their names."""
        self._told = ""

    def forget(self, name: str) -> None:
        """Give up a folder: what it holds is packed otherwise.  Raises Trouble."""
        folder = self.written.pop(name, None)
        if folder is not None:
            folder.close("its work was packed otherwise")

    def _can_be_named(self, key: str) -> bool:
        """Tell whether a job has an id by which another can wait for it."""
        reading = self.run.board.readings.get(key)
        return reading is not None and bool(reading.job)

    def _outlook(self) -> Outlook:
        run, board = self.run, self.run.board
        budget, most = run.charter.budget, run.arguments.number("max_queued")
        return Outlook(
            run.site,
            dict(board.fates),
            board.intents,
            board.jobs,
            board.scheduler.AFTER,
            None if most is None else int(most),
            None if budget is None else budget - run.settling.spent(),
        )

    def post(self) -> int:
        """Submit what may go out now; return how many jobs did.  Raises Trouble."""
        run = self.run
        rows = run.batch_rows()
        outlook = self._outlook()
        planned = [self._planned(each) for each in self._within(run.planned)]
        decision = decide(planned, outlook)
        run.waits = decision.wait
        by_name = {job.name: job for job in run.planned}
        keys: dict[str, str] = {}
        count = 0
        for go in decision.go:
            if not all(self._can_be_named(keys.get(parent, parent)) for parent in go.parents):
                continue  # its parent did not go out, or nobody knows whether it did
            key = self._send(by_name[go.key], go, keys, rows)
            if key is None:
                break
            keys[go.key] = key
            count += 1
        run.planned = [
            job.replace(parents=tuple(keys.get(parent, parent) for parent in job.parents))
            for job in run.planned
            if job.name not in keys
        ]
        return count

    def post_watchers(self) -> int:
        """Submit what goes on with the campaign though all its jobs are killed, where there can be such a job.

        Raises Trouble.
        """
        run, board = self.run, self.run.board
        live = [
            Live(key, board.intents[key].parents, board.intents[key].role, _state_of(board.fates[key]))
            for key in board.living()
            if key in board.intents
        ]
        left = run.count_stale() > 0 or run.plan.has_unknown
        count = 0
        for keys in needed_watchers(live, board.scheduler.AFTER, work_left=left, leaving=run.leaving):
            job = self._watcher(keys)
            if job is None:
                continue
            decision = decide([self._planned(job)], self._outlook())
            for go in decision.go:
                count += self._send(job, go, {}, run.batch_rows()) is not None
        return count

    def _watcher(self, keys: tuple[str, ...]) -> Outgoing | None:
        """Return the smallest job that there is, behind others; None if no queue is open to it."""
        shape = _smallest(self.run.site, self.run.arguments.text("queue"))
        if shape is None:
            return None
        charged, nodes, queue = shape
        return Outgoing("#watch", queue.name, nodes, charged, _watch_time(queue, nodes), (), keys, role=WATCH)

    def _planned(self, job: Outgoing) -> Planned:
        return Planned(job.name, job.queue, job.nodes, job.charged, job.walltime, job.parents, job.role)

    def _within(self, jobs: list[Outgoing]) -> list[Outgoing]:
        """Return the jobs that stay within the nodes to be used at once: beside its parents, a job only waits."""
        run = self.run
        most = run.arguments.number("jobs") or run.site.jobs
        if most is None:
            return jobs
        board = run.board
        used = {key: board.intents[key].nodes for key in board.living() if key in board.intents}
        if not isinstance(board.jobs, DoNotKnow):  # a job that says it is over holds its nodes until it is gone
            shown = (each for each in board.jobs.values() if each.in_queue and each.name in board.intents)
            used |= {each.name: board.intents[each.name].nodes for each in shown}
        found = []
        for job in jobs:
            behind = set(job.parents)
            todo = list(job.parents)
            while todo:
                key = todo.pop()
                for parent in board.intents[key].parents if key in board.intents else ():
                    if parent not in behind:
                        behind.add(parent)
                        todo.append(parent)
            beside = sum(nodes for key, nodes in used.items() if key not in behind)
            if beside + job.nodes <= most or not used:
                found.append(job)
                used = {key: nodes for key, nodes in used.items() if key not in behind} | {job.name: job.nodes}
        return found

    def _send(self, job: Outgoing, go: Go, keys: dict[str, str], rows: BatchRows) -> str | None:
        """Submit one job; return its key if it is in the queue, or may be.  Raises Trouble."""
        run, board = self.run, self.run.board
        if run.submitter.later(job.queue) is not None:
            return None
        folder = self.written.pop(job.name, None) or run.outbox.write(job, rows)
        named = [keys.get(parent, parent) for parent in go.parents]
        ids = [board.readings[key].job for key in named]
        parents = sorted({keys.get(parent, parent) for parent in job.parents} | set(named))
        intent = run.outbox.intent(folder, job, parents, go.after, grows=run.plan.has_unknown)
        queue = run.site.find_queue(job.queue)
        submission = run.outbox.submission(folder, job, ids, go.after)
        answer = run.submitter.submit(folder, intent, submission, queue)
        if isinstance(answer, Later):
            if answer.not_before < inf:
                self.written[job.name] = folder
            return None
        if isinstance(answer, Submitted | Unclear):
            board.note(folder)
            tasks = [(table.rule.number, row) for table, row in job.tasks]
            run.owners.give(folder.key, tasks)
            if isinstance(answer, Unclear):
                board.fates[folder.key] = UnclearFate(folder.key, "", answer.text)
                run.tell(f"job {folder.key}: nobody knows whether it is queued ({answer.text}); it is looked for")
                return folder.key
            board.fates[folder.key] = Queued(folder.key, answer.id)
            self._tell_sent(job, folder, answer, ids)
            ends = {board.readings[key].job: self._ended_well(key) for key in named}
            run.submitter.amend(after_submit(answer, ids, ends))
            return folder.key
        if answer.kind == NEVER:
            run.refusal = answer.text
            run.tell(f"{run.site.scheduler} refuses a job for good: {answer.text.strip()}")
            return None
        self.written[job.name] = folder
        if answer.text != self._told:
            self._told = answer.text
            run.tell(f"{run.site.scheduler} takes no job now, which is tried again: {answer.text.strip()}")
        return None

    def _ended_well(self, key: str) -> bool | None:
        fate = self.run.board.fates.get(key)
        return None if fate is None or fate.is_living else fate.is_good

    def _tell_sent(self, job: Outgoing, folder: JobFolder, answer: Submitted, ids: Sequence[str]) -> None:
        nodes = "1 node" if job.nodes == 1 else f"{job.nodes} nodes"
        words = f"job {answer.id} ({folder.key}): {job.words()} on {nodes}, {render_duration(job.walltime)}"
        after = f", after {', '.join(ids)}" if ids else ""
        more = {"event": "job", "key": folder.key, "job": answer.id, "nodes": job.nodes, "tasks": len(job.tasks)}
        self.run.voice.tell({"kind": "note", "text": f"{words}, queue {job.queue}{after}", **more})
        for said in answer.warnings:
            self.run.tell(f"{self.run.site.scheduler} says: {said}")


def _state_of(fate: Fate) -> str:
    """Return the state in which a scheduler shows a job; that it waits in the queue, where it was not seen yet."""
    state = fate.state if isinstance(fate, Queued | Running) else None
    return state.state if state is not None else QUEUED


def _smallest(site: Site, wanted: str | None = None) -> tuple[int, int, Queue] | None:
    """Return the nodes that are charged and given for the smallest job for work, and its queue."""
    queues = [queue for queue in site.queues if queue.purpose == "work"]
    queues = [queue for queue in queues if queue.name == wanted] or queues
    shapes = [(site.charged_nodes(queue, queue.nodes[0]) or queue.nodes[0], queue.nodes[0], queue) for queue in queues]
    return min(shapes, key=lambda shape: shape[:2], default=None)


def _watch_time(queue: Queue, nodes: int) -> float:
    return min(queue.longest_for(nodes) or _WATCH, max(queue.shortest, _WATCH))


def watcher_hours(site: Site) -> float:
    """Return the node-hours that a job is charged at most that only goes on with a campaign; 0 where there is none."""
    scheduler = find_scheduler(site.scheduler)
    shape = _smallest(site)
    if shape is None or scheduler is None or "any" not in scheduler.AFTER:
        return 0.0
    charged, nodes, queue = shape
    return charged * _watch_time(queue, nodes) / 3600
