"""The lease: the right to drive a campaign, which one process has at a time.

Owns taking it, keeping it and handing it on, by files that every shared file system can tell apart.  Knows nothing of
what the holder does with it.
"""

from __future__ import annotations

import errno
import os
import re
import time
from json import dumps, loads

from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.holders import Holder, find_self, is_alive, parse_holder
from hpcmake.refusals import shown, trouble
from hpcmake.units import render_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol, Self
else:
    Protocol = object

BEAT_EVERY = 5.0
"""Seconds after which a holder moves its heartbeat on."""
SILENT_AFTER = 30.0
"""Seconds after which a holder that cannot be seen, and whose heartbeat has not moved, counts as gone."""
_LOOK_EVERY = 0.5
_SIZE = 1024  # of a lease, filled up with blanks, so that a new one fits into the place of the old one
_NAME = re.compile(r"lease\.([0-9]+)")
_FRESH = "lease.new."
_NO_LINKS = frozenset({errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK})


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

    def __init__(self, holder: Holder, watched: float = 0.0, waited: float = 0.0) -> None:
        moved = f"; its heartbeat moved while it was watched for {watched:.0f} s" if watched >= 1 else ""
        message = f"another hpcmake drives this campaign: {holder.words()}{moved}"
        mend = "`hpcmake --wait` waits until it has ended; `hpcmake stop` ends it"
        if waited:
            message += f"; it has not ended within {render_duration(waited)}"
        super().__init__(Diagnostic("E720", message, help=mend))
        self.holder = holder


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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def mine(self) -> bool:
        """Return whether this process still has it: nobody has taken over.  Raises Trouble."""
        return _generations(self.folder)[-1:] == [self.generation]

    def require_mine(self) -> None:
        """Raise Trouble if another process has taken over, as may happen to one that was stopped for long."""
        if self.mine():
            return
        _, holder = _read_top(self.folder)
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
            self._rewrite(self.holder.replace(counter=self.holder.counter + 1))
        except OSError as error:
            raise trouble(error, "keep the lease in", self.folder) from None

    def pause(self, seconds: float) -> None:
        """Wait for some seconds, and keep it meanwhile.  Raises Trouble, also if it is taken."""
        self.beat()
        self._clock.sleep(seconds)

    def release(self) -> None:
        """Hand it on.  If that fails nothing is said: the end of this process frees it as well."""
        try:
            if self.mine():
                self._rewrite(self.holder.replace(released=True))
        except (OSError, Trouble):
            return

    def _rewrite(self, holder: Holder) -> None:
        path = f"{self.folder}/lease.{self.generation}"
        text = _render(holder)
        fresh = f"{self.folder}/{_FRESH}{os.getpid()}.{self.generation}"
        try:
            _write(fresh, text, os.O_CREAT | os.O_TRUNC)
            os.replace(fresh, path)
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            _write(path, text, 0)  # a full disk still has the room that we have on it
        self.holder = holder


def acquire(
    folder: str,
    *,
    wait: float | None = None,
    clock: Clock | None = None,
    job: str | None = None,
    tell: Callable[[str], None] | None = None,
) -> Lease:
    """Take the lease of the campaign whose `.hpcmake` is `folder`; wait for it for that many seconds (`inf`: for ever).

    A holder on this machine is seen at once to be alive or not.  One elsewhere is watched until its heartbeat moves, or
    has not moved for so long that it counts as gone: also without `wait`.  `tell` is told once of each thing that takes
    time.  Raises Held, or Trouble.
    """
    clock = clock or SystemClock()
    me = find_self(job)
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise trouble(error, "make the folder", folder) from None
    begin = clock.now()
    watch = _Watch(me, begin)
    told: set[str] = set()
    while True:
        generation, holder = _read_top(folder)
        alive = watch.is_alive(generation, holder, clock.now())
        if alive is False:
            unclean = holder is None or not holder.released if generation else False
            moved = _moved(folder, generation)
            if _take(folder, generation + 1, me):
                silent = max(0.0, _moved(folder, generation + 1) - moved)
                return Lease(folder, generation + 1, me, clock, unclean=unclean, former=holder, silent=silent)
            continue  # another was quicker: see who
        waited = clock.now() - begin
        if alive and waited >= (wait or 0.0):
            raise Held(holder or _NOBODY, waited if watch.moved else 0.0, wait or 0.0)
        words = _words_while_waiting(holder, alive=alive)
        if tell is not None and words not in told:
            told.add(words)
            tell(words)
        clock.sleep(_LOOK_EVERY if wait is None else min(_LOOK_EVERY, max(wait - waited, 0.01)))


def _moved(folder: str, generation: int) -> float:
    """Return when a lease was last written, by the clock of its file system; 0 if it is gone."""
    try:
        return os.stat(f"{folder}/lease.{generation}").st_mtime
    except OSError:
        return 0.0


def find_holder(folder: str) -> Holder | None:
    """Return who drives a campaign; None if nobody does.  One elsewhere counts while it has not released.

    Raises Trouble.
    """
    _, holder = _read_top(folder)
    if holder is None or holder.released or is_alive(holder, find_self()) is False:
        return None
    return holder


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
    """What a waiting process has seen of a holder that it cannot see itself."""

    def __init__(self, me: Holder, now: float) -> None:
        self.moved = False
        self._me = me
        self._last: tuple[int, Holder | None] | None = None
        self._since = now

    def is_alive(self, generation: int, holder: Holder | None, now: float) -> bool | None:
        """Return whether there is a holder; None while it cannot be told."""
        if not generation or (holder is not None and holder.released):
            return False
        alive = None if holder is None else is_alive(holder, self._me)
        if alive is not None:
            return alive
        if self._last != (generation, holder):
            self.moved = self._last is not None
            self._last = (generation, holder)
            self._since = now
        if now - self._since >= SILENT_AFTER:
            return False
        return True if self.moved else None


def _take(folder: str, generation: int, me: Holder) -> bool:
    """Try to make the lease of a generation ours: exactly one process can.  Raises Trouble."""
    fresh = f"{folder}/{_FRESH}{me.pid}.{os.urandom(8).hex()}"
    path = f"{folder}/lease.{generation}"
    try:
        _write(fresh, _render(me), os.O_CREAT | os.O_EXCL)
        try:
            taken = _link(fresh, path, me)
        finally:
            _forget(fresh)
    except OSError as error:
        raise trouble(error, "take the lease in", folder) from None
    if not taken:
        return False
    # One that slept between looking and taking may get an old name that has been cleaned up since.  The highest never
    # is, so whoever sees a higher one than its own is late.
    if _generations(folder)[-1] != generation:
        _forget(path)
        return False
    _clean(folder, generation)
    return True


def _link(fresh: str, path: str, me: Holder) -> bool:
    try:
        os.link(fresh, path)
    except OSError as error:
        if error.errno in _NO_LINKS:
            return _create(path, me)
        if error.errno == errno.ENOENT:  # cleaned up by who was quicker
            return False
        if error.errno != errno.EEXIST:
            raise
        # NFS may do it, lose the answer, and refuse the repetition.
        try:
            return os.path.samefile(fresh, path)
        except FileNotFoundError:  # cleaned up by who was quicker, at any moment
            return False
    return True


def _create(path: str, me: Holder) -> bool:
    """Take a lease where there are no hard links: exclusive too, but for a moment it does not say whose it is."""
    try:
        _write(path, _render(me), os.O_CREAT | os.O_EXCL)
    except FileExistsError:
        return False
    return True


def _clean(folder: str, generation: int) -> None:
    """Remove what is older than the lease of a generation, which we have."""
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        match = _NAME.fullmatch(name)
        if name.startswith(_FRESH) or (match and int(match[1]) < generation):
            _forget(f"{folder}/{name}")


def _generations(folder: str) -> list[int]:
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise trouble(error, "list", folder) from None
    return sorted(int(match[1]) for name in names if (match := _NAME.fullmatch(name)))


def _read_top(folder: str) -> tuple[int, Holder | None]:
    """Return the highest generation (0: none) and its holder (None: it does not say who)."""
    while True:
        generations = _generations(folder)
        if not generations:
            return 0, None
        path = f"{folder}/lease.{generations[-1]}"
        try:
            with open(path, "rb") as file:
                raw = file.read()
        except FileNotFoundError:  # there is a higher one by now
            continue
        except OSError as error:
            raise trouble(error, "read", path) from None
        try:
            return generations[-1], parse_holder(loads(raw))
        except ValueError:
            return generations[-1], None


def _render(holder: Holder) -> bytes:
    return dumps(holder.plain()).encode("ascii").ljust(_SIZE - 1) + b"\n"


def _write(path: str, text: bytes, flags: int) -> None:
    file = os.open(path, os.O_WRONLY | flags, 0o666)
    try:
        os.write(file, text)
    finally:
        os.close(file)  # NFS shows it to others from here on


def _forget(path: str) -> None:
    try:  # noqa: SIM105  # contextlib is slow to import
        os.unlink(path)
    except OSError:
        pass
