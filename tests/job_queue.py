"""A queue in memory with a scheduler that speaks a language of its own, and misbehaves to order."""

# ruff: noqa: ARG002  # a scheduler is told all, and this one does not need all

import itertools
import json
from collections.abc import Callable, Sequence

from hpcmake.runners.schedulers.jobs import (
    QUEUED,
    RUNNING,
    Changed,
    DoNotKnow,
    JobState,
    Refused,
    Submission,
    Submitted,
)
from hpcmake.site import Queue, Site

SITE = Site("emulated", "none", "none", poll=60.0, queues=(Queue("q", None, (1, 100), ((1, 3600.0),)),))
QUEUE = SITE.queues[0]


class DriverDied(BaseException):
    """The driver was killed at this moment."""


class PlainScheduler:
    """Commands and answers in the simplest form; no history, as with Cobalt."""

    AFTER: tuple[str, ...] = ("ok",)
    COMMANDS: tuple[str, ...] = ()

    def render_submit(self, site: Site, queue: Queue | None, job: Submission, /) -> list[str]:
        return ["sub", job.name, *job.parents]

    def parse_submitted(self, status: int | None, out: str, err: str, /) -> Submitted | Refused:
        if out.strip().isdigit():
            lost = tuple(err.split()[1:]) if err.startswith("lost") else ()
            return Submitted(out.strip(), (err,) if err else (), lost)
        if status is None:
            return Refused("again", "sub did not answer", may_be_queued=True)
        kind = err if err in {"again", "never"} else "unknown"
        return Refused(kind, err or out, may_be_queued=status == 0 or kind == "unknown")

    def render_poll(self, user: str, ids: Sequence[str], /) -> list[str]:
        return ["poll"]

    def render_poll_user(self, user: str, /) -> list[str]:
        return ["poll"]

    def render_poll_queue(self, queue: str, /) -> list[str] | None:
        return None

    def parse_poll(self, status: int | None, out: str, err: str, /) -> dict[str, JobState] | DoNotKnow:
        if status != 0:
            return DoNotKnow(err or "poll did not answer")
        return {job: JobState(job, name, state) for job, name, state in json.loads(out)}

    def render_poll_job(self, job: str, /) -> list[str]:
        return ["poll", job]

    def parse_poll_job(self, status: int | None, out: str, err: str, /) -> JobState | DoNotKnow | None:
        jobs = self.parse_poll(status, out, err)
        return jobs if isinstance(jobs, DoNotKnow) else next(iter(jobs.values()), None)

    def render_history(self, ids: Sequence[str], /) -> list[str] | None:
        return None

    def parse_history(self, status: int | None, out: str, err: str, /) -> dict[str, JobState] | DoNotKnow:
        return DoNotKnow("no history")

    def render_cancel(self, ids: Sequence[str], /) -> list[str]:
        return ["cancel", *ids]

    def parse_cancelled(self, ids: Sequence[str], status: int | None, out: str, err: str, /) -> Changed | DoNotKnow:
        return Changed(tuple(ids)) if status == 0 else DoNotKnow("cancel did not answer")

    def render_release(self, ids: Sequence[str], /) -> list[str]:
        return ["release", *ids]

    def render_walltime(self, job: str, walltime: float, /) -> list[str]:
        return ["walltime", job]

    def render_parents(self, job: str, parents: Sequence[str], /, *, after: str = "ok") -> list[str] | None:
        return ["parents", job, *parents]

    def parse_changed(self, ids: Sequence[str], status: int | None, out: str, err: str, /) -> Changed | DoNotKnow:
        return Changed(tuple(ids)) if status == 0 else DoNotKnow("no answer")


Answer = tuple[int | None, str, str]


class MemoryQueue:
    """The queue itself.  `mood` chooses what a submission meets; see `submit`."""

    def __init__(self, mood: Callable[[], str] = lambda: "taken", poll_mood: Callable[[], bool] = lambda: True) -> None:
        self.jobs: dict[str, JobState] = {}
        self.late: list[str] = []
        self.calls: list[list[str]] = []
        self.queued_as: dict[str, list[str]] = {}
        self.mood = mood
        self.poll_mood = poll_mood
        self._numbers = itertools.count(1)

    def call(self, argv: Sequence[str], _seconds: float) -> Answer:
        self.calls.append(list(argv))
        verb, *rest = argv
        if verb == "sub":
            return self.submit(rest[0])
        if verb == "poll":
            if not self.poll_mood():
                return 1, "", "server down"
            rows = [[each.id, each.name, each.state] for each in self.jobs.values() if not rest or each.id in rest]
            return 0, json.dumps(rows), ""
        if verb == "cancel":
            for job in rest:
                self.jobs.pop(job, None)
        return 0, "", ""

    def submit(self, name: str) -> Answer:
        mood = self.mood()
        if mood in {"taken", "hangs and takes it", "garbage and takes it", "taken, and the driver dies"}:
            job = self.accept(name)
        elif mood == "hangs and takes it later":
            self.late.append(name)
        if mood == "taken":
            return 0, job, ""
        if "driver dies" in mood:
            raise DriverDied
        if mood.startswith("hangs"):
            return None, "", ""
        if mood.startswith("garbage"):
            return 0, "Bonjour", ""
        return 1, "", mood  # again, never, or what nobody knows

    def accept(self, name: str) -> str:
        job = str(next(self._numbers))
        self.jobs[job] = JobState(job, name, QUEUED)
        self.queued_as.setdefault(name, []).append(job)
        return job

    def accept_late(self) -> None:
        while self.late:
            self.accept(self.late.pop())

    def start(self, job: str) -> None:
        self.jobs[job] = self.jobs[job].replace(state=RUNNING)

    def end(self, job: str) -> None:
        del self.jobs[job]


MOODS = (
    "taken",
    "hangs and takes it",
    "hangs and takes it later",
    "hangs",
    "garbage",
    "garbage and takes it",
    "taken, and the driver dies",
    "driver dies",
    "again",
    "what nobody knows",
)
