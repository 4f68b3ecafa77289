"""The lease: the right to drive a campaign, which one process has at a time.

Owns taking it, keeping it and handing it on, by files that every shared file system can tell apart.  Knows nothing of
what the holder does with it.
"""

from __future__ import annotations

import os
import time
from _thread import allocate_lock

from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.generations import find_generations, find_moved, hang_end, read_top, rewrite, ring, take
from hpcmake.holders import Holder, find_self, is_alive
from hpcmake.record import Record
from hpcmake.refusals import shown, trouble
from hpcmake.units import render_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol, Self, TypeAlias

    Ask: TypeAlias = Callable[[str], bool | None]
    """Asks a scheduler for a job: whether it is in the queue or runs (False: surely gone); None if nobody knows.

    None too of an id that another scheduler may have given: two machines may share a file system.
    """
else:
    Protocol = object

BEAT_EVERY = 5.0
"""Seconds after which a holder moves its heartbeat on."""
SILENT_AFTER = 30.0
"""Seconds after which a holder that cannot be seen, and whose heartbeat has not moved, counts as gone."""
ASK_EVERY = 15.0
"""Seconds after which a scheduler is asked again for the job of a holder that is watched."""
_LOOK_EVERY = 0.5


class Clock(Protocol):
    """A clock that nobody sets, and the wait on it."""

    def now(self) -> float:
        """Return the seconds since some moment."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The monotonic clock of this machine."""

    def now(self) -> float:
        """Return the seconds since some moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class Held(Trouble):
    """Another process drives the campaign: `holder`."""

    def __init__(self, holder: Holder, watched: float = 0.0, waited: float = 0.0, *, generation: int = 0) -> None:
        moved = f"; its heartbeat moved while it was watched for {watched:.0f} s" if watched >= 1 else ""
        message = f"another hpcmake drives this campaign: {holder.words()}{moved}"
        mend = "`hpcmake --wait` waits until it has ended; `hpcmake stop` ends it"
        if waited:
            message += f"; it has not ended within {render_duration(waited)}"
        super().__init__(Diagnostic("E720", message, help=mend))
        self.holder = holder
        self.generation = generation


class Lease:
    """The right to drive, while this process has it.  Made by `acquire`; leave it by `release`, or by `with`.

    `unclean` says that the holder before, `former`, did not release it: it was killed, and what it had started may
    still run.  `silent` is for how many seconds it had given no sign of life, by the clock of the file system.
    """

    def __init__(
        self,
        folder: str,
        generation: int,
        holder: Holder,
        clock: Clock,
        *,
        unclean: bool,
        former: Holder | None = None,
        silent: float = 0.0,
    ) -> None:
        self.folder = folder
        self.generation = generation
        self.holder = holder
        self.unclean = unclean
        self.former = former
        self.silent = silent
        self._clock = clock
        self._beaten = clock.now()
        self._bell = 1
        self._released = False
        self._writing = allocate_lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def mine(self) -> bool:
        """Return whether this process still has it: nobody has taken over.  Raises Trouble."""
        return find_generations(self.folder)[-1:] == [self.generation]

    def require_mine(self) -> None:
        """Raise Trouble if another process has taken over, as may happen to one that was stopped for long."""
        if self.mine():
            return
        _, holder = read_top(self.folder)
        if holder is None:
            message = f"the lease of this campaign is gone from {shown(self.folder)}"
            mend = "somebody has removed it, so another hpcmake may drive by now: run it again"
        else:
            message = f"another hpcmake has taken this campaign over: {holder.words()}"
            mend = f"this one was not heard for {SILENT_AFTER:.0f} s, and stops; see `hpcmake status`"
        raise Trouble(Diagnostic("E721", message, help=mend))

    def beat(self) -> None:
        """Move the heartbeat on, at most every few seconds; else this costs nothing.  Raises Trouble, also if taken."""
        now = self._clock.now()
        if now - self._beaten < BEAT_EVERY:
            return
        self.require_mine()
        self._beaten = now
        try:
            self._move()
        except OSError as error:
            raise trouble(error, "keep the lease in", self.folder) from None

    def holds(self) -> bool:
        """Return whether this process still has it, as it is now: to be asked before whatever cannot be undone.

        What a client has listed of a shared folder may be old; after a change of its own it lists it anew, so this
        moves the heartbeat.  Raises Trouble if the disk does not let it.
        """
        if self._released or not self.mine():
            return False
        try:
            self._move()
        except FileNotFoundError:  # cleaned up by who has taken over
            return self.mine()
        except OSError as error:
            raise trouble(error, "keep the lease in", self.folder) from None
        return self.mine()

    def kept(self) -> _Kept:
        """Return a context in which the heartbeat moves by itself: for calls that take long, or may hang."""
        return _Kept(self)

    def pause(self, seconds: float) -> None:
        """Wait for some seconds, and keep it meanwhile.  Raises Trouble, also if it is taken."""
        self.beat()
        self._clock.sleep(seconds)

    def release(self) -> None:
        """Hand it on.  If that fails nothing is said: the end of this process frees it as well."""
        if self._released:
            return
        try:
            if self.mine():
                self._rewrite(self.holder.replace(released=True))
                self._released = True
        except (OSError, Trouble):
            return

    def release_unless_rung(self) -> bool:
        """Hand it on, unless somebody has come meanwhile and left the work to us: then return False, and keep it.

        So it can be called again, after another look.  Raises Trouble.
        """
        if self._released or not self.mine():
            return True
        if hang_end(self.folder, self.generation, self._bell):
            self.release()
            return True
        self._bell += 1
        return False

    def _move(self) -> None:
        self._rewrite(self.holder.replace(counter=self.holder.counter + 1))

    def _rewrite(self, holder: Holder) -> None:
        with self._writing:
            rewrite(self.folder, self.generation, holder)
            self.holder = holder


class _Kept:
    """Moves the heartbeat of a lease by a thread, and stops when the lease is taken: who holds it learns by `holds`."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease

    def __enter__(self) -> None:
        from threading import Event, Thread  # the run of a laptop needs none

        self._end = Event()
        self._thread = Thread(target=self._keep, name="lease", daemon=True)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _keep(self) -> None:
        lease = self._lease
        try:
            while not self._end.wait(BEAT_EVERY) and lease.mine():
                lease._move()  # noqa: SLF001  # a part of it
        except (OSError, Trouble):
            return


def acquire(
    folder: str,
    *,
    wait: float | None = None,
    clock: Clock | None = None,
    job: str | None = None,
    tell: Callable[[str], None] | None = None,
    ask: Ask | None = None,
) -> Lease:
    """Take the lease of the campaign whose `.hpcmake` is `folder`; wait for it for that many seconds (`inf`: for ever).

    A holder on this machine is seen at once to be alive or not.  One elsewhere is watched until its heartbeat moves, or
    has not moved for so long that it counts as gone: also without `wait`.  If it is a job, `ask` is asked for it first:
    one that is gone has released.  That it is there proves nothing, since a job is shown for minutes after its node has
    died: then the heartbeat counts, as if nobody knew.  `tell` is told once of each thing that takes time, `job` is our
    own.  Raises Held, or Trouble.
    """
    return _acquire(folder, _Watch(find_self(job), clock or SystemClock(), ask), wait, tell)


def try_acquire(
    folder: str, *, clock: Clock | None = None, job: str | None = None, ask: Ask | None = None
) -> Lease | None:
    """Take the lease as `acquire`, without waiting for a holder that lives: None if there is one, and it looks again.

    It was rung for, which `release_unless_rung` tells it.  That it lives now needs proof: it is seen on this machine,
    or its heartbeat moves.  To be sure that one elsewhere is dead takes its time.  Raises Trouble.
    """
    clock = clock or SystemClock()
    watch = _Watch(find_self(job), clock, ask)
    while True:
        try:
            return _acquire(folder, watch, None, None)
        except Held as held:
            if ring(folder, held.generation):
                return None
            watch.over = held.generation  # it has said so at its bell; its lease may be shown as it was


def _acquire(folder: str, watch: _Watch, wait: float | None, tell: Callable[[str], None] | None) -> Lease:
    clock = watch.clock
    me = watch.me
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise trouble(error, "make the folder", folder) from None
    begin = clock.now()
    told: set[str] = set()
    while True:
        generation, holder = read_top(folder)
        alive = watch.is_alive(generation, holder)
        if alive is False:
            unclean = generation > watch.over and (holder is None or not holder.released)
            moved = find_moved(folder, generation)
            if take(folder, generation + 1, me):
                silent = max(0.0, find_moved(folder, generation + 1) - moved)
                return Lease(folder, generation + 1, me, clock, unclean=unclean, former=holder, silent=silent)
            continue  # another was quicker: see who
        waited = clock.now() - begin
        if alive and waited >= (wait or 0.0):
            raise Held(holder or _NOBODY, waited if watch.moved else 0.0, wait or 0.0, generation=generation)
        words = _words_while_waiting(holder, alive=alive)
        if tell is not None and words not in told:
            told.add(words)
            tell(words)
        clock.sleep(_LOOK_EVERY if wait is None else min(_LOOK_EVERY, max(wait - waited, 0.01)))


class Driver(Record):
    """Who drives a campaign, as far as it can be seen: `alive` is None if it cannot."""

    holder: Holder
    alive: bool | None = None

    def words(self) -> str:
        """Return who that is, in words that follow the name of a campaign."""
        holder = self.holder
        who = f"job {holder.job}" if holder.job else f"pid {holder.pid}"
        since = f", since {holder.since}" if holder.since else ""
        doubt = "" if self.alive else "; from here it cannot be seen whether it still does"
        return f"driven by {who} on {holder.host}{since}{doubt}"


def find_driver(folder: str, *, ask: Ask | None = None) -> Driver | None:
    """Return who drives a campaign; None if nobody does.  One elsewhere counts while it has not released.

    If it is a job, `ask` is asked for it.  Nothing is written, and nobody is waited for.  Raises Trouble.
    """
    _, holder = read_top(folder)
    if holder is None or holder.released:
        return None
    alive = is_alive(holder, find_self())
    if alive is None and holder.job and ask is not None:
        alive = ask(holder.job)
    return None if alive is False else Driver(holder, alive)


def find_holder(folder: str, *, ask: Ask | None = None) -> Holder | None:
    """Return the holder of which `find_driver` tells, or None.  Raises Trouble."""
    driver = find_driver(folder, ask=ask)
    return driver.holder if driver is not None else None


_NOBODY = Holder("?", 0)


def _words_while_waiting(holder: Holder | None, *, alive: bool | None) -> str:
    if holder is None:
        return f"somebody is taking this campaign over; if nothing more comes of it within {SILENT_AFTER:.0f} s, we do"
    if alive:
        return f"waiting until another hpcmake has ended: {holder.words()}"
    return (
        f"another hpcmake may drive this campaign: {holder.words()}; it cannot be seen from here, "
        f"and is given up if its heartbeat does not move within {SILENT_AFTER:.0f} s"
    )


class _Watch:
    """What a waiting process, `me`, has seen of a holder.  Generations up to `over` are known to have been released."""

    def __init__(self, me: Holder, clock: Clock, ask: Ask | None) -> None:
        self.moved = False
        self.over = 0
        self.me = me
        self.clock = clock
        self._ask = ask
        self._asked: tuple[int, float] | None = None
        self._last: tuple[int, Holder | None] | None = None
        self._since = clock.now()

    def is_alive(self, generation: int, holder: Holder | None) -> bool | None:
        """Return whether there is a holder; None while it cannot be told."""
        if generation <= self.over or (holder is not None and holder.released):
            return False
        alive = None if holder is None else is_alive(holder, self.me)
        if alive is not None:
            return alive
        if self._is_gone(generation, holder):
            return False
        now = self.clock.now()
        if self._last != (generation, holder):
            self.moved = self._last is not None
            self._last = (generation, holder)
            self._since = now
        if now - self._since >= SILENT_AFTER:
            return False
        return True if self.moved else None

    def _is_gone(self, generation: int, holder: Holder | None) -> bool:
        """Ask the scheduler for the job of a holder, at the first sight of it and now and then."""
        if self._ask is None or holder is None or not holder.job or holder.job == self.me.job:
            return False  # our own job is there, whoever has held the lease in it
        if self._asked is not None and self._asked[0] == generation and self.clock.now() - self._asked[1] < ASK_EVERY:
            return False
        gone = self._ask(holder.job) is False
        self._asked = (generation, self.clock.now())
        return gone
