"""What has become of a job, as far as it is known, and how people are told.

Owns these values and their words.  Knows nothing of how they are found out.
"""

from __future__ import annotations

import time

from hpcmake.record import Record
from hpcmake.runners.schedulers.endings import explain_ending
from hpcmake.runners.schedulers.jobs import (
    DEP_FAIL,
    ENDING,
    HELD,
    QUEUED,
    STARTING,
    STRANGE,
    SUSPENDED,
    WAITING,
    Ending,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.runners.schedulers.jobs import JobState


IDLE = frozenset({QUEUED, HELD, WAITING, DEP_FAIL, STRANGE})
"""States of a job in the queue that has not begun."""

CANNOT_START = "cannot start"
"""Why a key was closed begins so where its job was taken back because its scheduler said that it cannot start."""


class Fate(Record):
    """What has become of a job: its key, its id (empty where there is none), and what is to be said besides."""

    key: str
    job: str = ""
    text: str = ""

    is_living = True
    """Whether it may still work its batch: nobody else may be given that meanwhile."""

    is_good = False
    """Whether nothing of its batch is left."""

    def words(self, now: float) -> str:
        """Return it in words.  `now` is in seconds since 1970: of other days than this the date is told."""
        raise NotImplementedError


class Waiting(Fate):
    """It was never submitted."""

    is_living = False

    def words(self, now: float) -> str:  # noqa: ARG002
        """Return it in words."""
        return _behind("not submitted", self.text)


class Unclear(Fate):
    """It was meant to be submitted, and nobody knows whether it is queued."""

    def words(self, now: float) -> str:  # noqa: ARG002
        """Return it in words."""
        return _behind("nobody knows whether it is queued", self.text)


class Queued(Fate):
    """It waits in the queue: `state` as its scheduler shows it, None where that cannot be asked; `place` from 1."""

    state: JobState | None = None
    place: int | None = None

    def words(self, now: float) -> str:
        """Return it in words."""
        return _behind(f"queued as {self.job}{self._standing(now)}", self.text)

    def _standing(self, now: float) -> str:
        state = self.state
        if state is None:
            return ""
        if state.state == DEP_FAIL:
            return ", and will never start: a job before it did not end well"
        if state.stuck:
            return _behind(", and cannot start", state.reason)
        if state.state == HELD and not state.waits_for:
            return _behind(", held", state.reason)
        if state.state in {WAITING, HELD}:
            return f", waits for {_listed(state.waits_for)}" if state.waits_for else ", waits for jobs before it"
        if state.state == STRANGE:
            return _behind(", in a state that nobody knows", state.reason)
        if self.place is not None:
            return f", {ordinal(self.place)} in the queue"
        return f", expected to start at {render_moment(state.start, now)}" if state.start else ""


class Running(Fate):
    """It runs, or is about to, or is about to end.

    `since` is in seconds since 1970, `left` seconds until its walltime ends.
    """

    state: JobState | None = None
    since: float | None = None
    left: float | None = None

    def words(self, now: float) -> str:
        """Return it in words."""
        state = self.state.state if self.state is not None else ""
        doing = {STARTING: "starting", ENDING: "ending", SUSPENDED: "suspended"}.get(state, "running")
        since = f" since {render_moment(self.since, now)}" if self.since else ""
        return _behind(f"{doing}{since} as {self.job}", self.text)


class Over(Fate):
    """Nothing of it runs any more.

    `exit` is what its script has ended with, None if it was ended from outside; `why` a word: that of its status, or
    how its scheduler says that it has ended, or `withdrawn` if it was given up before it was submitted or had begun.
    `told` is whether it said so itself.
    """

    exit: int | None = None
    why: str = ""
    told: bool = False

    is_living = False

    @property
    def is_good(self) -> bool:  # type: ignore[override]
        """Whether nothing of its batch is left, as it has said itself; records decide."""
        return self.told and self.exit == 0

    def words(self, now: float) -> str:  # noqa: ARG002
        """Return it in words."""
        return _behind(self._end(), self.text)

    def _end(self) -> str:
        if self.why == "deleted" and self.exit is None:
            return "deleted"
        if self.why in _ENDS:
            return _ENDS[self.why]
        how = "exit" if self.exit is not None else self.why
        text = explain_ending(Ending(how, self.exit)).text
        return text.removeprefix("it ").removeprefix("was ")


_ENDS = {
    "walltime": "ended at its walltime",
    "deadline": "ended at its deadline, with work left",
    "withdrawn": "given up before it began",
    "nothing": "ended: nothing in it could start",
    "claimed": "ended without work: another job has its key",
    "stop": "ended, as `hpcmake stop` wanted",
    "nodes": "ended, since it lost nodes",
    "parent": "never ran: a job before it did not end well",
}


class Lost(Fate):
    """It is gone from the queue, and nobody knows how it has ended."""

    is_living = False

    def words(self, now: float) -> str:  # noqa: ARG002
        """Return it in words."""
        return _behind(f"gone as {self.job}, and nobody knows how it ended", self.text)


def over_by(key: str, job: str, ending: Ending) -> Over:
    """Return the fate of a job whose end its scheduler has told."""
    text = f"by {ending.by}" if ending.by else ending.text
    exit_ = ending.status if ending.how == "exit" else None
    return Over(key, job, text, exit=exit_, why=ending.how)


def ordinal(number: int) -> str:
    """Return a place in words: 1st, 2nd, 3rd, 4th."""
    ending = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def render_moment(moment: float, now: float) -> str:
    """Return a moment as a clock shows it here, with the date if it is of another day than `now`."""
    then, today = time.localtime(moment), time.localtime(now)
    return time.strftime("%H:%M" if then[:3] == today[:3] else "%Y-%m-%d %H:%M", then)


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _behind(words: str, text: str) -> str:
    first = text.strip().splitlines()[0] if text.strip() else ""
    if first.startswith("by "):
        return f"{words} {first}"
    return f"{words}: {first}" if first else words
