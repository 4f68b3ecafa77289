"""Taking all jobs of a campaign back: keys closed, cancelled children first, and watched until they are gone.

Owns what is ordered, what became of it, and the words for that.  Knows nothing of who drives.
"""

from __future__ import annotations

import os
import time

from hpcmake.app.queue.standing import PATIENCE, Standing
from hpcmake.app.queue.words import silence_words
from hpcmake.jobs.fates import IDLE, Queued, Running
from hpcmake.jobs.folder import list_folders
from hpcmake.jobs.polling import ask, find_job
from hpcmake.jobs.recall import order_to_stop
from hpcmake.journal import FOLDER
from hpcmake.record import Record
from hpcmake.runners.schedulers.jobs import ENDING, DoNotKnow, JobState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.app.queue.standing import Ask
    from hpcmake.jobs.fates import Fate
    from hpcmake.runners.schedulers.scheduler import Scheduler

LOOKS = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds before each look at whether jobs have ended: some schedulers need a while, and bear few questions."""

WHY = "`hpcmake stop`"
"""What is written where a key is closed."""


class Ordered(Record):
    """A job that was to be ended: what it `was` before (`queued`, `running`, `unclear`), and what became of it."""

    key: str
    job: str
    was: str
    words: str = ""
    is_ended: bool = False


class TakingBack:
    """Takes jobs back."""

    def __init__(self) -> None:
        from hpcmake.app.placing import run_command

        self._call = run_command
        self.standing = Standing(run_command, os.environ, time.time())
        self._was: dict[str, Fate] = {}
        """What each job was when it was seen first."""
        self._cancelled: set[str] = set()
        self._refused: dict[str, str] = {}
        self._closed: set[str] = set()

    def look(self) -> int:
        """Look at all jobs; return how many may live.  Raises Trouble."""
        self.standing.look(places=False)
        return len(self.standing.living())

    def take_back(self) -> list[Ordered]:
        """Close, cancel and wait; return what became of each job.  Raises Trouble."""
        self._order()
        for pause in LOOKS:
            if all(self._judge(key).is_ended for key in self._was) or not self._is_answered():
                break
            time.sleep(pause)
            self.standing.look(places=False, also=self._was)
            self._order()  # what has come into the queue meanwhile, and what there was no answer to
        return [self._judge(key) for key in self._was]

    def silences(self) -> list[str]:
        """Return why schedulers have told nothing, where jobs may be left for that."""
        standing = self.standing
        left = {standing.site_of(key) for key in self._was if not self._judge(key).is_ended}
        return [silence_words(asked) for name, asked in standing.asks.items() if asked.silence and name in left]

    # ------------------------------------------------------------ acts

    def _is_answered(self) -> bool:
        return any(not asked.silence for asked in self.standing.asks.values())

    def _order(self) -> None:
        standing = self.standing
        for key in standing.living():
            if key in self._was:
                continue
            fate = self._was[key] = standing.fates[key]
            if not isinstance(fate, Running) and standing.folders[key].close(WHY):
                self._closed.add(key)
        for name, asked in standing.asks.items():
            mine = {key: fate for key, fate in self._was.items() if standing.site_of(key) == name}
            ids = [*order_to_stop(mine, standing.intents), *self._others(asked)]
            ids = [job for job in dict.fromkeys(ids) if job not in self._cancelled]
            if ids and asked.scheduler is not None:
                self._cancel(asked.scheduler, ids)

    def _others(self, asked: Ask) -> list[str]:
        """Return all jobs that wait under our keys: also those that were submitted twice, or have come late."""
        if isinstance(asked.sight.jobs, DoNotKnow):
            return []
        ours = {folder.key for folder in list_folders(FOLDER)}
        jobs = asked.sight.jobs.values()
        return [each.id for each in jobs if each.name in ours and each.in_queue and each.state in IDLE]

    def _cancel(self, scheduler: Scheduler, ids: list[str]) -> None:
        answer = scheduler.parse_cancelled(ids, *ask(self._call, scheduler.render_cancel(ids), PATIENCE))
        if isinstance(answer, DoNotKnow):
            self._refused |= dict.fromkeys(ids, answer.text.strip())
            return
        self._cancelled |= {*answer.done, *answer.gone, *(job for job, _ in answer.refused)}
        for job in ids:
            self._refused.pop(job, None)
        self._refused |= {job: text.strip() for job, text in answer.refused}

    # ------------------------------------------------------------ what became of it

    def _judge(self, key: str) -> Ordered:
        """Return what became of a job, by the last look."""
        standing = self.standing
        fate, first = standing.fates[key], self._was[key]
        job = fate.job or first.job
        was = "running" if isinstance(first, Running) else "queued" if isinstance(first, Queued) else "unclear"
        before = {"queued": "was queued", "running": "was running"}.get(was, "was about to be submitted")
        shown = self._shown(key, job)
        is_over = not isinstance(shown, DoNotKnow) and shown is None
        if is_over and (was != "running" or not fate.is_living or standing.is_gone(key)):
            return Ordered(key, job, was, f"{before}: {'ended' if was == 'running' else 'taken back'}", is_ended=True)
        if isinstance(shown, JobState) and shown.state == ENDING:
            return Ordered(key, job, was, f"{before}: it is ending", is_ended=True)
        refused = self._refused.get(job, "")
        if key in self._closed:  # should it start, it does nothing
            rest = f": {refused}" if refused else ""
            return Ordered(key, job, was, f"{before}: it will do no work, yet may be in the queue still{rest}")
        if was == "running" and not fate.is_living:
            return Ordered(key, job, was, f"{before}: ended", is_ended=True)
        why = f": {refused}" if refused else "; it may take a while, and `hpcmake status` tells"
        return Ordered(key, job, was, f"{before}, and could not be ended yet{why}")

    def _shown(self, key: str, job: str) -> JobState | DoNotKnow | None:
        """Return a job as its scheduler shows it in the queue; None if it does not."""
        asked = self.standing.asks.get(self.standing.site_of(key))
        if asked is None:
            return DoNotKnow("nobody was asked")
        jobs = asked.sight.jobs
        if isinstance(jobs, DoNotKnow) or not job:
            return jobs if isinstance(jobs, DoNotKnow) else None
        found = find_job(jobs, job)
        return found if found is not None and found.in_queue else None
