"""Ends that may not be what they seem: a task that SIGTERM has ended, perhaps together with all others of its job.

Owns how long such an end is kept back.  Knows nothing of what it means.

Who takes a Slurm job away sends SIGTERM to every process of it at once: a task may die of it, and be told to have
failed, before we hear that all shall end.
"""

from __future__ import annotations

from math import inf
from signal import SIGTERM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.model import Ended
    from hpcmake.runners.channels import Channel
    from hpcmake.runners.work import Work

_PATIENCE = 5.0  # seconds
_SHELL_SIGNALS = 128
_BY_TERM = frozenset({-SIGTERM, _SHELL_SIGNALS + SIGTERM})


class Doubts:
    """Ends that are kept back."""

    def __init__(self) -> None:
        self._kept: list[tuple[float, Work, Ended]] = []

    def is_one(self, ended: Ended) -> bool:
        """Return whether an end may not be what it seems."""
        return ended.why in {"exit", "post"} and ended.status in _BY_TERM

    def keep(self, work: Work, ended: Ended, now: float) -> None:
        """Keep an end back."""
        if all(kept is not work for _, kept, _ in self._kept):  # an answer may come twice
            self._kept.append((now + _PATIENCE, work, ended))

    def wake(self) -> float:
        """Return when to look at the latest."""
        return self._kept[0][0] if self._kept else inf

    def take_due(self, now: float) -> list[tuple[Work, Ended]]:
        """Return what is as it seems, since nothing else has come."""
        due = [entry for entry in self._kept if entry[0] <= now]
        self._kept = self._kept[len(due) :]
        return [(work, ended) for _, work, ended in due]

    def take_of(self, channel: Channel) -> list[Work]:
        """Return those of a launch that was ended itself."""
        found = [work for _, work, _ in self._kept if work.place is not None and work.place[0] is channel]
        self._kept = [entry for entry in self._kept if entry[1] not in found]
        return found

    def take_all(self) -> list[Work]:
        """Return those that were ended with all others."""
        kept, self._kept = self._kept, []
        return [work for _, work, _ in kept]
