"""Settling what has become of jobs, from what they say of themselves and what their scheduler shows.

Owns the order in which sources are believed, and how long is waited for which.  Knows nothing of what follows from it.

`status.json` first; then a claim without an end, while the scheduler shows the job or cannot be asked; then how it
ended by the scheduler's word or log, for which is waited a while; then it is lost.  Nothing is ever concluded from an
answer that was not understood.
"""

from __future__ import annotations

import time

from hpcmake.jobs.fates import CANNOT_START, Lost, Over, Queued, Running, Unclear, Waiting, over_by
from hpcmake.record import Record
from hpcmake.runners.keys import parse_key
from hpcmake.runners.schedulers.cobaltlog import parse_cobaltlog
from hpcmake.runners.schedulers.jobs import ENDING, RUNNING, STARTING, SUSPENDED, DoNotKnow, JobState, find_place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from hpcmake.jobs.fates import Fate
    from hpcmake.jobs.folder import JobFolder, Reading
    from hpcmake.jobs.polling import Sight
    from hpcmake.runners.schedulers.jobs import Ending

LATE = 30.0
"""Seconds for which is waited, once a job is gone, until its end is told or its last words are to be seen."""

_ON_NODES = frozenset({STARTING, RUNNING, ENDING, SUSPENDED})


class Memory(Record):
    """What a watcher remembers of a job: its fate, its heartbeat, and since when it is gone by the watcher's clock."""

    fate: Fate
    beat: tuple[int, int] | None = None
    gone_since: float | None = None


def judge(
    reading: Reading,
    state: JobState | DoNotKnow | None,
    ending: Ending | None,
    memory: Memory | None,
    now: float,
    late: float = LATE,
) -> Memory:
    """Return what has become of a job, as of `now` by a clock that nobody sets.

    `state` is what the scheduler shows: None if the job is surely gone; `ending` how it says that it has ended.
    """
    status = reading.status
    beat = (status.restart, status.beat) if status is not None else None
    moved = memory is not None and memory.beat is not None and beat is not None and beat > memory.beat
    early = _judge_by_files(reading, state)
    if early is not None:
        return Memory(early, beat)
    if isinstance(state, DoNotKnow):
        former = memory.fate if memory is not None and memory.fate.job == reading.job else None
        since = memory.gone_since if memory is not None else None
        return Memory(former or _presumed(reading, "its scheduler cannot be asked"), beat, since)
    if state is not None:
        return Memory(_seen(reading, state, moved=moved), beat)
    if moved:  # whatever the scheduler says
        return Memory(_presumed(reading, "its scheduler does not show it, yet it beats"), beat)
    since = memory.gone_since if memory is not None else None
    since = now if since is None else since
    if ending is not None and ending.how != "unknown":
        return Memory(over_by(reading.key, reading.job, ending), beat, since)
    if now - since >= late:
        return Memory(Lost(reading.key, reading.job, ending.text if ending is not None else ""), beat, since)
    return Memory(_presumed(reading, "gone from the queue; its end is not told yet"), beat, since)


def _judge_by_files(reading: Reading, state: JobState | DoNotKnow | None) -> Fate | None:
    """Return a fate that follows from the folder alone, whatever its scheduler shows; None if none does."""
    status, key, job = reading.status, reading.key, reading.job
    if status is not None and status.is_over and not _runs_anew(reading, state):
        return Over(key, status.job or job, status.text, exit=status.exit, why=status.why, told=True)
    if not reading.claims and reading.closed is not None:
        return Over(key, job, reading.closed, why="start" if reading.closed.startswith(CANNOT_START) else "withdrawn")
    if not job:
        return Waiting(key) if reading.intent is None else Unclear(key)
    return None


def _runs_anew(reading: Reading, state: JobState | DoNotKnow | None) -> bool:
    """Return whether what the status tells of is a former start of the job."""
    status = reading.status
    if status is None:
        return False
    if reading.claims and reading.claims[-1].restart > status.restart:
        return True
    starts = isinstance(state, JobState) and state.in_queue and (state.restarts or 0) > status.restart
    return starts and reading.closed is None  # else it starts, and is refused


def _presumed(reading: Reading, text: str) -> Fate:
    """Return what a job was meant to do, where nothing newer is known."""
    status = reading.status
    if reading.claims:
        return Running(reading.key, reading.job, text, since=status.began if status is not None else None)
    return Queued(reading.key, reading.job, text)


def _seen(reading: Reading, state: JobState, *, moved: bool) -> Fate:
    status = reading.status
    if state.state in _ON_NODES or moved:
        since = status.began if status is not None and status.began and not status.is_over else state.start
        return Running(reading.key, reading.job, state=state, since=since, left=state.left)
    return Queued(reading.key, reading.job, state=state)


class Watch:
    """Settles jobs again and again, and remembers what it has seen of them.  `clock` is one that nobody sets.

    `late` are the seconds for which the end of a job that is gone is waited for.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, late: float = LATE) -> None:
        self._clock = clock
        self._late = late
        self._memories: dict[str, Memory] = {}

    def settle(
        self, readings: Iterable[tuple[JobFolder, Reading]], sight: Sight, queue: Iterable[JobState] = ()
    ) -> dict[str, Fate]:
        """Return what has become of each job, by key.

        Readings must be made after the look at the queue: what a job writes last is then never missed.  `queue` are
        the jobs of all users, for places; it may be left out.  Cobalt's log is read of jobs that are gone.  Raises
        Trouble.
        """
        now = self._clock()
        everybody = list(queue)
        fates: dict[str, Fate] = {}
        for folder, reading in readings:
            state = sight.state(reading.job) if reading.job else None
            ending = sight.ending(reading.job) if reading.job else None
            if isinstance(state, JobState) and _is_another(state, reading):
                state, ending = None, None
            if state is None and ending is None and reading.job and not (reading.status and reading.status.is_over):
                ending = parse_cobaltlog(folder.read_log(), job=reading.job)
            memory = judge(reading, state, ending, self._memories.get(reading.key), now, self._late)
            self._memories[reading.key] = memory
            fates[reading.key] = with_place(memory.fate, everybody)
        return fates


def _is_another(state: JobState, reading: Reading) -> bool:
    """Tell whether a job of that id is not ours: a scheduler that has lost its last seconds gives ids again.

    What bears the name of another key is not; nor what bears any other name, unless a job has claimed our key, whose
    name somebody may have changed.
    """
    if not state.name or state.name == reading.key:
        return False
    return parse_key(state.name) is not None or not reading.claims


def with_place(fate: Fate, queue: Iterable[JobState]) -> Fate:
    """Return a fate with the job's place in the queue, as far as it can be told from the jobs of all users."""
    if not isinstance(fate, Queued):
        return fate
    place = find_place(queue, fate.job)
    return fate.replace(place=place) if place is not None else fate


def living(fates: Mapping[str, Fate]) -> list[str]:
    """Return the keys of jobs that may still work their batches."""
    return [key for key, fate in fates.items() if fate.is_living]
