"""Submitting a job so that it is neither lost nor done twice, whatever is answered, and whoever dies meanwhile.

Owns the order of intent, order and receipt, and what is done where an answer is missing.  Knows nothing of why a job is
submitted, and never waits: what must wait is told with the time before which it makes no sense to come again.
"""

from __future__ import annotations

import errno
import time

from hpcmake.jobs.claims import same_job
from hpcmake.jobs.fates import IDLE
from hpcmake.jobs.late_parents import Cancel, Keep, Release
from hpcmake.jobs.papers import Receipt
from hpcmake.jobs.polling import TIMEOUT, ask, decoded
from hpcmake.record import Record
from hpcmake.runners.schedulers.jobs import NEVER, UNKNOWN, DoNotKnow, Refused, Submitted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hpcmake.jobs.claims import Claim
    from hpcmake.jobs.folder import JobFolder
    from hpcmake.jobs.papers import Intent
    from hpcmake.jobs.polling import Call
    from hpcmake.runners.schedulers.jobs import Changed, Jobs, JobState, Submission
    from hpcmake.runners.schedulers.scheduler import Scheduler
    from hpcmake.site import Queue, Site

PAUSE = 30.0
"""Seconds between two looks for a job of which nobody knows whether it is queued."""
LOOKS = 2
"""So often it is looked for before it counts as not queued."""
LONGEST_PAUSE = 3600.0

_NOT_STARTED = frozenset({errno.ENOENT, errno.EACCES, errno.ENOEXEC, errno.ENOTDIR, errno.E2BIG, errno.EAGAIN})


class Unclear(Record):
    """Nobody knows whether the job is queued: look again, not before this time of the submitter's clock."""

    key: str
    text: str
    not_before: float = 0.0


class Later(Record):
    """Nothing was tried: come again, not before this time of the submitter's clock; `inf` if somebody has said no."""

    text: str
    not_before: float


class NotQueued(Record):
    """The job was looked for by its name and its claim, as often as it takes, and is not there."""

    key: str


class Backoff(Record):
    """The pauses between attempts: as long each time for a no that is known, and growing for one that nobody knows."""

    text: str = ""
    unknown: int = 0
    not_before: float = 0.0

    def refused(self, answer: Refused, now: float, pause: float) -> Backoff:
        """Return what follows from a no.  `pause` is in seconds."""
        if answer.kind != UNKNOWN:
            return Backoff(answer.text, 0, now + pause)
        grown = min(pause * 2 ** min(self.unknown, 20), LONGEST_PAUSE)
        return Backoff(answer.text, self.unknown + 1, now + grown)


class Submitter:
    """Submits jobs of one user to one scheduler.

    `clock` is one that nobody sets, in seconds.  `guard` is asked at the last moment before each submission, and
    returns why there must be none, or None: whether this process still drives, and nobody has said stop.
    `extras` are ids of jobs that were queued under a key that another one works, and were taken back for it.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        site: Site,
        *,
        user: str,
        call: Call,
        clock: Callable[[], float] = time.monotonic,
        guard: Callable[[], str | None] = lambda: None,
        pause: float = PAUSE,
        timeout: float = TIMEOUT,
    ) -> None:
        self.extras: list[str] = []
        self._scheduler = scheduler
        self._site = site
        self._user = user
        self._call = call
        self._clock = clock
        self._guard = guard
        self._pause = pause
        self._timeout = timeout
        self._backoff: dict[str, Backoff] = {}
        self._looked: dict[str, tuple[int, float]] = {}  # of what is unclear: how often, and when it may be again
        self._free: set[str] = set()  # keys that surely are not queued, though they have an intent

    def submit(
        self, folder: JobFolder, intent: Intent, submission: Submission, queue: Queue | None
    ) -> Submitted | Refused | Unclear | Later:
        """Submit a job, of which all but the intent is in its folder.

        After `Submitted` its receipt is written.  Of refusals only `never` is final: then the key is closed, and the
        batch is free.  After the others call again with the same folder; after `Unclear`, `resolve` comes first, as
        wherever somebody else has written the intent.  Raises Trouble if the folder cannot be written, ValueError if
        the scheduler cannot have such a job.
        """
        standing = self._standing(folder)
        if standing is not None:
            return standing
        later = self.later(intent.queue)
        if later is not None:
            return later
        command = self._scheduler.render_submit(self._site, queue, submission)
        folder.write_intent(intent)
        no = self._guard()
        if no is not None:
            folder.close(no)
            return Later(no, float("inf"))
        self._free.discard(folder.key)
        answer = self._order(command)
        if isinstance(answer, Submitted):
            self._backoff.pop(intent.queue, None)
            self._write(folder, answer.id, submission.parents, answer.warnings)
            return answer
        if answer.kind != NEVER:
            backoff = self._backoff.get(intent.queue, Backoff())
            self._backoff[intent.queue] = backoff.refused(answer, self._clock(), self._site.poll or self._pause)
        if answer.may_be_queued:
            return self._look_at_once(folder, answer.text)
        if answer.kind == NEVER and not folder.close(f"refused: {answer.text}"):
            return self._look_at_once(folder, answer.text)
        self._free.add(folder.key)
        return answer

    def _standing(self, folder: JobFolder) -> Submitted | Unclear | Later | None:
        """Return why a job must not be submitted as far as its folder tells; None if it may be."""
        reading = folder.read()
        if reading.receipt is not None:
            return Submitted(reading.receipt.id)
        if reading.closed is not None:
            return Later(reading.closed, float("inf"))
        if reading.claims:
            return self._found(folder, reading.claims, ())
        if reading.intent is None or folder.key in self._free:
            return None
        return Unclear(folder.key, "nobody knows yet whether it is queued", self._looked.get(folder.key, (0, 0.0))[1])

    def later(self, queue: str) -> Later | None:
        """Return until when nothing is submitted to a queue, after a refusal; None if it may be now."""
        backoff = self._backoff.get(queue, Backoff())
        return Later(backoff.text, backoff.not_before) if self._clock() < backoff.not_before else None

    def _order(self, command: Sequence[str]) -> Submitted | Refused:
        try:
            status, out, err = self._call(command, self._timeout)
        except OSError as error:
            text = f"{command[0]} cannot be started: {(error.strerror or str(error)).lower()}"
            return Refused(UNKNOWN, text, may_be_queued=error.errno not in _NOT_STARTED)
        return self._scheduler.parse_submitted(status, decoded(out), decoded(err))

    def _look_at_once(self, folder: JobFolder, text: str) -> Submitted | Unclear:
        self._looked[folder.key] = (0, 0.0)
        poll = self._scheduler.render_poll_user(self._user)
        jobs = self._scheduler.parse_poll(*ask(self._call, poll, self._timeout))
        found = self.resolve(folder, jobs)
        if isinstance(found, Submitted):
            return found
        return Unclear(folder.key, text, self._looked[folder.key][1])

    # ------------------------------------------------------------ what became of it

    def resolve(self, folder: JobFolder, jobs: Jobs | DoNotKnow) -> Submitted | Unclear | NotQueued:
        """Look for a job that has an intent and no receipt, in what a poll of this moment has told, and by its claim.

        The poll must have begun after the attempt had ended.  A job that is found has its receipt then.  One that is
        not there after two looks, with a pause between, may be submitted again, or given up by `withdraw`.
        Raises Trouble.
        """
        claims = folder.claims()
        named = [] if isinstance(jobs, DoNotKnow) else [each for each in jobs.values() if each.name == folder.key]
        if claims or named:
            return self._found(folder, claims, named)
        now = self._clock()
        looks, not_before = self._looked.get(folder.key, (0, 0.0))
        text = "it is not in the queue, and may come yet"
        if isinstance(jobs, DoNotKnow):
            text = jobs.text
        elif now >= not_before:
            looks, not_before = looks + 1, now + self._pause
        if looks >= LOOKS or (folder.key in self._free and not isinstance(jobs, DoNotKnow)):
            self._looked.pop(folder.key, None)
            self._free.add(folder.key)
            return NotQueued(folder.key)
        self._looked[folder.key] = (looks, not_before)
        return Unclear(folder.key, text, not_before)

    def _found(self, folder: JobFolder, claims: Sequence[Claim], named: Sequence[JobState]) -> Submitted:
        self._looked.pop(folder.key, None)
        if claims:
            job = next((each.id for each in named if same_job(each.id, claims[-1].job)), claims[-1].job)
        else:
            job = min(named, key=_preference).id
        known = folder.read_receipt()
        if known is None or not same_job(known.id, job):
            self._write(folder, job, (), ("it was found by its name",) if named else ("it was found by its claim",))
        self._take_back_extras(job, named)
        return Submitted(job)

    def find_twice(self, folder: JobFolder, jobs: Jobs) -> str | None:
        """Return the id that counts of a key that is queued more than once, and take the others back; else None.

        Raises Trouble.
        """
        named = [each for each in jobs.values() if each.name == folder.key and each.in_queue]
        return self._found(folder, folder.claims(), named).id if len(named) > 1 else None

    def find_all_twice(self, folders: Mapping[str, JobFolder], jobs: Jobs) -> dict[str, str]:
        """Return, of all keys that are queued more than once, the id that counts, as `find_twice`.  Raises Trouble."""
        names = [each.name for each in jobs.values() if each.in_queue and each.name in folders]
        twice = {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else set()
        found = {key: self.find_twice(folders[key], jobs) for key in sorted(twice)}
        return {key: job for key, job in found.items() if job is not None}

    def _take_back_extras(self, job: str, named: Sequence[JobState]) -> None:
        """Cancel what waits under the same key: it would do no work.  One that runs ends by itself."""
        extras = [each.id for each in named if not same_job(each.id, job) and each.in_queue and each.state in IDLE]
        extras = [each for each in extras if each not in self.extras]
        if extras:
            self.cancel(extras)
            self.extras += extras

    def _write(self, folder: JobFolder, job: str, parents: Sequence[str], said: Sequence[str]) -> None:
        folder.write_receipt(Receipt(folder.key, job, tuple(parents), "\n".join(said)))

    def withdraw(self, folder: JobFolder, why: str) -> bool:
        """Give a job up that is not queued: if it comes late, it does no work.  Return False if it is at work.

        Raises Trouble.
        """
        self._looked.pop(folder.key, None)
        return folder.close(why)

    # ------------------------------------------------------------ changing

    def cancel(self, ids: Sequence[str]) -> Changed | DoNotKnow:
        """Take jobs out of the queue, in this order, and end those that run.  Raises ValueError if there are none."""
        answer = ask(self._call, self._scheduler.render_cancel(ids), self._timeout)
        return self._scheduler.parse_cancelled(ids, *answer)

    def amend(self, order: Keep | Release | Cancel) -> Changed | DoNotKnow | None:
        """Carry out what `after_submit` has found; None if there is nothing to do.

        What a full queue refuses here stays in `dep_fail`, and is taken back with what else is.
        """
        if isinstance(order, Cancel):
            return self.cancel(order.ids)
        if isinstance(order, Keep):
            return None
        command = self._scheduler.render_parents(order.id, order.parents)
        if command is None:
            return None
        return self._scheduler.parse_changed([order.id], *ask(self._call, command, self._timeout))


def _preference(job: JobState) -> tuple[bool, bool, int, str]:
    """Order jobs of one key: what is in the queue before what has ended, what runs before what waits."""
    digits = job.id.partition(".")[0]
    return not job.in_queue, job.state in IDLE, len(digits), digits
