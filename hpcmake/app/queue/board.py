"""What is known of a campaign's jobs: their folders, and what has become of each by files and scheduler together.

Owns one look at all of that.  Knows nothing of what is to be done about it.
"""

from __future__ import annotations

import os
import time

from hpcmake.jobs.fates import Unclear
from hpcmake.jobs.folder import list_folders
from hpcmake.jobs.polling import look
from hpcmake.jobs.settled import Settled, add_settled, read_settled
from hpcmake.jobs.submitting import NotQueued, Submitter
from hpcmake.jobs.watch import LATE, Watch
from hpcmake.journal import FOLDER
from hpcmake.runners.schedulers.jobs import DoNotKnow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from hpcmake.jobs.fates import Fate
    from hpcmake.jobs.folder import JobFolder, Reading
    from hpcmake.jobs.papers import Intent
    from hpcmake.jobs.polling import Call, Sight
    from hpcmake.runners.schedulers.jobs import Jobs
    from hpcmake.runners.schedulers.scheduler import Scheduler


def find_user() -> str:
    """Return the name under which our jobs are in the queue."""
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return os.environ.get("USER") or str(os.geteuid())


class Board:
    """The jobs of a campaign; `settled` are those of which nothing more will come, and that are not looked at again."""

    def __init__(self, scheduler: Scheduler, site: str, user: str, call: Call, *, late: float = LATE) -> None:
        self.scheduler = scheduler
        self.site = site
        self.user = user
        self.call = call
        self.watch = Watch(time.monotonic, late=late)
        self.folders: dict[str, JobFolder] = {}
        self.readings: dict[str, Reading] = {}
        self.fates: dict[str, Fate] = {}
        self.intents: dict[str, Intent] = {}
        self.settled = read_settled(FOLDER)
        self.jobs: Jobs | DoNotKnow = DoNotKnow("the queue was not asked yet")
        self.polls = 0

    def look(self, refused: Collection[str] = ()) -> Sight:
        """Look at the queue, then at the folders; what jobs write last is then never missed.

        `refused` are keys of which the scheduler has said no, and that are submitted again.  Raises Trouble.
        """
        self.polls += 1
        known = [each.job for key, each in self.readings.items() if each.job and key not in self.settled]
        if not self.readings:
            self._read()  # the first time, to know what to ask for
            known = [each.job for each in self.readings.values() if each.job]
        sight = look(self.scheduler, self.user, known, self.call)
        self.jobs = sight.jobs
        self._read()
        apart = {*self.settled, *refused}
        open_ = [(self.folders[key], self.readings[key]) for key in self.readings if key not in apart]
        self.fates.update(self.watch.settle([each for each in open_ if self._is_here(each[1])], sight))
        for _, reading in open_:
            if not self._is_here(reading):
                where = reading.intent.site if reading.intent is not None else "another site"
                self.fates[reading.key] = Unclear(reading.key, reading.job, f"it is on {where}")
        return sight

    def _is_here(self, reading: Reading) -> bool:
        """Tell whether our scheduler knows of a job, or it says itself that it is over."""
        is_over = reading.status is not None and reading.status.is_over
        return reading.intent is None or reading.intent.site in {"", self.site} or is_over

    def _read(self) -> None:
        for folder in list_folders(FOLDER):
            if folder.key in self.settled:
                continue
            self.folders[folder.key] = folder
            reading = self.readings[folder.key] = folder.read()
            if reading.intent is not None:
                self.intents[folder.key] = reading.intent

    def note(self, folder: JobFolder) -> None:
        """Take note of a folder that was just written.  Raises Trouble."""
        self.folders[folder.key] = folder
        reading = self.readings[folder.key] = folder.read()
        if reading.intent is not None:
            self.intents[folder.key] = reading.intent

    def resolve(self, submitter: Submitter, refused: Collection[str]) -> list[str]:
        """Look for jobs of which nobody has written down whether they are queued; return words about them.

        `refused` are keys of which the scheduler has said no, and that are submitted again.  Raises Trouble.
        """
        words = []
        for key, reading in list(self.readings.items()):
            if key in self.settled or key in refused or reading.receipt is not None or reading.closed is not None:
                continue
            folder = self.folders[key]
            if not self._is_here(reading):
                continue
            if reading.intent is None:
                if folder.close("it was never submitted"):
                    self.note(folder)
                continue
            found = submitter.resolve(folder, self.jobs)
            if isinstance(found, NotQueued) and submitter.withdraw(folder, "it was not found in the queue"):
                words.append(f"job {key} was about to be submitted, and is not in the queue: its work is packed anew")
            self.note(folder)
        return words

    def settle(self, settled: Settled) -> None:
        """Take note, for good, that nothing more will come of a job.  Raises Trouble."""
        add_settled(FOLDER, settled)
        self.settled[settled.key] = settled

    def living(self) -> list[str]:
        """Return the keys of jobs that may still work their batches."""
        return [key for key, fate in self.fates.items() if fate.is_living and key not in self.settled]
