"""The policy of the queue: which jobs go out now, which wait and why, and what is taken back.

Owns these decisions, as functions of values.  Knows nothing of how jobs are submitted, seen or cancelled.
"""

from __future__ import annotations

from hpcmake.jobs.fates import Lost, Over, Queued, Running, Unclear
from hpcmake.record import Record
from hpcmake.runners.keys import parse_key
from hpcmake.runners.schedulers.jobs import DEP_FAIL, ENDING, DoNotKnow, JobState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hpcmake.jobs.fates import Fate
    from hpcmake.jobs.papers import Intent
    from hpcmake.runners.schedulers.jobs import Jobs
    from hpcmake.site import Limit, Queue, Site

WORK, WATCH = "work", "watch"


class Planned(Record):
    """A job that is ready to be submitted; `walltime` in seconds, `parents` are keys, `charged` are nodes.

    A job of `role` `watch` waits for its parents to end in whatever way.
    """

    key: str
    queue: str
    nodes: int
    charged: int
    walltime: float
    parents: tuple[str, ...] = ()
    role: str = WORK

    @property
    def reserved(self) -> float:
        """Node-hours that are kept for it, as charged."""
        return self.charged * self.walltime / 3600


class Go(Record):
    """Submit this job now, and name these jobs (keys) to the scheduler, which must end before it starts: `after` so.

    A parent may itself be submitted by the same decision, before it: where that has failed, the child waits.
    """

    key: str
    parents: tuple[str, ...] = ()
    after: str = "ok"


class Wait(Record):
    """Do not submit this job now.  `why` says what for; `kind` is `queue`, `limit`, `budget` or `parent`."""

    key: str
    kind: str
    why: str


class Decision(Record):
    """What goes out, parents first, and what waits."""

    go: tuple[Go, ...] = ()
    wait: tuple[Wait, ...] = ()

    @property
    def over_budget(self) -> bool:
        """Whether something waits for nothing but a larger budget."""
        return any(each.kind == "budget" for each in self.wait)


class Outlook(Record):
    """What a decision rests on.

    `fates` and `intents` are those of the campaign's jobs, by key.  `jobs` are all of the user in the queue, by id.
    `after` are the kinds of dependencies that the scheduler has.  `max_queued` bounds the campaign's own jobs in the
    queue, `budget_left` what jobs to come may be charged, in node-hours: None where nobody has said.
    """

    site: Site
    fates: Mapping[str, Fate]
    intents: Mapping[str, Intent]
    jobs: Jobs | DoNotKnow
    after: tuple[str, ...] = ("ok",)
    max_queued: int | None = None
    budget_left: float | None = None


def decide(planned: Sequence[Planned], outlook: Outlook) -> Decision:
    """Return what goes out now.  `planned` are jobs in the order of their urgency."""
    jobs = outlook.jobs
    if isinstance(jobs, DoNotKnow):
        why = f"the queue cannot be seen: {jobs.text}"
        return Decision(wait=tuple(Wait(each.key, "queue", why) for each in planned))
    room = _Room(outlook, jobs, {each.key for each in planned})
    going: dict[str, Go] = {}
    waits: dict[str, Wait] = {}
    for each in _parents_first(planned):
        answer = _judge(each, outlook, jobs, going, waits)
        if isinstance(answer, Go):
            refusal = room.refuse(each)
            if refusal is None:
                room.give(each)
                going[each.key] = answer
                continue
            answer = Wait(each.key, *refusal)
        waits[each.key] = answer
    return Decision(tuple(going.values()), tuple(waits[each.key] for each in planned if each.key in waits))


def _parents_first(planned: Sequence[Planned]) -> list[Planned]:
    """Return jobs in their order, but each behind its parents.  One that waits for itself comes last."""
    every = {each.key: each for each in planned}
    placed: dict[str, Planned] = {}
    for start in planned:
        stack = [start]
        while stack:
            job = stack[-1]
            before = [every[key] for key in job.parents if key in every and key not in placed]
            if before and before[0] not in stack:
                stack.append(before[0])
            else:
                placed.setdefault(job.key, job)
                stack.pop()
    return list(placed.values())


# ---------------------------------------------------------------- parents


def _judge(job: Planned, outlook: Outlook, jobs: Jobs, going: Mapping[str, Go], waits: Mapping[str, Wait]) -> Go | Wait:
    """Return whether a job could go out as far as its parents are concerned, and which of them must be named."""
    after = "any" if job.role == WATCH and "any" in outlook.after else "ok"
    named: list[str] = []
    for key in job.parents:
        if key in going:
            named.append(key)
            continue
        if key in waits:
            return Wait(job.key, "parent", f"parent {key} waits: {waits[key].why}")
        fate = outlook.fates.get(key)
        why = _why_not_named(fate, jobs)
        if fate is not None and (fate.is_good or (job.role == WATCH and isinstance(fate, Over | Lost))):
            continue
        if why:
            return Wait(job.key, "parent", f"parent {key} {why}")
        named.append(key)
    if named and after not in outlook.after:
        return Wait(job.key, "parent", f"parent {named[0]} has not ended, and the scheduler has no such dependency")
    return Go(job.key, tuple(named), after)


def _why_not_named(fate: Fate | None, jobs: Jobs) -> str:
    """Return why a parent cannot be named to the scheduler; empty if it can: it is surely in the queue now."""
    if fate is None:
        return "is not known"
    if isinstance(fate, Unclear):
        return "may be queued or not"
    if not isinstance(fate, Queued | Running):
        return "has not ended well" if isinstance(fate, Over) else "is not in the queue"
    shown = jobs.get(fate.job) or (fate.state if fate.state is not None and fate.state.id in jobs else None)
    if shown is None or not shown.in_queue:
        return "is not seen in the queue"
    if shown.state == DEP_FAIL:
        return "will never start"
    return "is about to end" if shown.state == ENDING else ""


# ---------------------------------------------------------------- places and budget


class _Room:
    """The places and node-hours that are left, less what has been given."""

    def __init__(self, outlook: Outlook, jobs: Jobs, planned: set[str]) -> None:
        self._site = outlook.site
        self._budget = outlook.budget_left
        self._most = outlook.max_queued
        self._seen = [_Seen.of(each, outlook.intents) for each in jobs.values() if each.in_queue]
        shown = {each.key for each in self._seen}
        for key, fate in outlook.fates.items():  # what may be there although it was not seen takes a place, too
            intent = outlook.intents.get(key)
            unseen = isinstance(fate, Unclear) or (isinstance(fate, Queued) and fate.state is None and not fate.text)
            if unseen and key not in shown and key not in planned and intent is not None:
                self._seen.append(_Seen(key, (intent.queue,), intent.nodes * intent.walltime / 3600))

    def refuse(self, job: Planned) -> tuple[str, str] | None:
        """Return why there is no room for a job, as the kind of a wait and its words; None if there is."""
        queue = self._site.find_queue(job.queue)
        ours = sum(1 for each in self._seen if each.key)
        if self._most is not None and ours >= self._most:
            return "limit", f"place: {ours} of {self._most} of this campaign in the queue (--max-queued)"
        for limit, within in self._limits(queue):
            words = self._exceeds(limit, within, job)
            if words:
                return "limit", words
        if self._budget is not None and job.reserved > self._budget + 1e-9:
            left = max(0.0, self._budget)
            return "budget", f"budget: it may take {job.reserved:.6g} node-hours, and {left:.6g} are left"
        return None

    def _limits(self, queue: Queue | None) -> list[tuple[Limit, str]]:
        own = [(limit, queue.name) for limit in queue.limits] if queue is not None else []
        return own + [(limit, "") for limit in self._site.limits]

    def _exceeds(self, limit: Limit, within: str, job: Planned) -> str:
        there = [each for each in self._seen if not within or within in each.queues]
        where = f" in queue {within}" if within else f" on {self._site.name}"
        if limit.what == "queued" and len(there) >= limit.most:
            return f"place: {len(there)} of {limit.most}{where}"
        asked = job.nodes * job.walltime / 3600
        used = sum(each.node_hours for each in there)
        if limit.what == "node-hours" and used + asked > limit.most + 1e-9:
            return f"node-hours: {used:.6g} of {limit.most}{where}, and it asks for {asked:.6g}"
        return ""  # of running ones there may be too many: the others stay queued

    def give(self, job: Planned) -> None:
        """Count a job that goes out."""
        self._seen.append(_Seen(job.key, (job.queue,), job.nodes * job.walltime / 3600))
        if self._budget is not None:
            self._budget -= job.reserved


class _Seen(Record):
    """A job that takes a place: its key if it is of this campaign, the names of its queue, what it asks for."""

    key: str
    queues: tuple[str, ...]
    node_hours: float

    @classmethod
    def of(cls, job: JobState, intents: Mapping[str, Intent]) -> _Seen:
        """Return a job of the queue.  One of ours may be in another queue than it was put into: it counts for both."""
        key = job.name if parse_key(job.name) is not None and job.name in intents else ""
        queues = {job.queue, job.qos, intents[key].queue if key else ""} - {""}
        return cls(key, tuple(queues), (job.nodes or 0) * (job.walltime or 0.0) / 3600)
