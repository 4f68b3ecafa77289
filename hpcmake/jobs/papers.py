"""The papers of a job: what it was meant to be, what its scheduler answered, and what it says of itself.

Owns these values and their JSON.  Knows nothing of folders, nor of any scheduler.
"""

from __future__ import annotations

from hpcmake.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Self


class Paper(Record):
    """A value that is kept as one JSON object; fields that a later version has added are passed over."""

    def plain(self) -> dict[str, Any]:
        """Return the fields as values for JSON."""
        names: tuple[str, ...] = self.__slots__
        return {name: getattr(self, name) for name in names}

    @classmethod
    def parse(cls, row: Mapping[str, Any]) -> Self:
        """Return the paper of a JSON object.  Raises ValueError if it is none."""
        if not isinstance(row, dict) or not isinstance(row.get("key"), str):
            message = f"no paper of a job: {row!r:.80}"
            raise ValueError(message)  # noqa: TRY004  # what was read from a file is at fault
        known = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in row.items()
            if name in cls.__slots__
        }
        for name, value in known.items():
            if not _fits(value, cls._defaults.get(name, "")):
                message = f"{name} of a job cannot be {value!r:.80}"
                raise ValueError(message)
        return cls(**known)


def _fits(value: object, default: object) -> bool:
    """Return whether a value from a file may stand where this one would without it."""
    if default is None or type(value) is type(default):
        return True
    return isinstance(default, float) and type(value) is int


class Intent(Paper):
    """What is about to be submitted; on the disk, for good, before its scheduler hears of it.

    `nodes` are those that it is given, `charged` those that are charged, `walltime` seconds.  `parents` are keys of the
    campaign's jobs that it waits for, `after` how they must end (`ok`, `any`).  `tasks` counts those of its batch,
    `expected` is in seconds, `why` are the words that the user reads of its shape.  `generation` is that of the lease
    under which it was planned, `live` the number of the live file of who planned it, `host` and `user` whose it is.
    `role` is `work` or `watch`.  `keep_going` is `-k`; with `grows`, it asks for more
    when it has time left.  `at` is when it was written, in seconds since 1970: for people.
    """

    key: str
    site: str = ""
    queue: str = ""
    nodes: int = 1
    charged: int = 1
    walltime: float = 0.0
    parents: tuple[str, ...] = ()
    after: str = "ok"
    tasks: int = 0
    expected: float = 0.0
    why: str = ""
    project: str | None = None
    generation: int = 0
    live: int = 0
    host: str = ""
    user: str = ""
    role: str = "work"
    keep_going: bool = False
    grows: bool = False
    at: float = 0.0

    @property
    def reserved(self) -> float:
        """Node-hours that are kept for it, as charged."""
        return self.charged * self.walltime / 3600


class Receipt(Paper):
    """What the scheduler answered: the job's id, the ids of parents that it was given, and what it said besides."""

    key: str
    id: str = ""
    parents: tuple[str, ...] = ()
    said: str = ""


RUNNING, OVER = "running", "over"
"""What a job says of itself: that it runs its batch, or that nothing of it runs any more."""


class Status(Paper):
    """What a job says of itself; written anew, as a whole, by that job only.

    `state` is `running` or `over`; with `over`, `exit` is what its script ends with and `why` a word for it: `done`,
    `failed`, `deadline`, `term`, `setup`, `bug`, `claimed`, `nothing`, `nodes`, `stop`.  `done`, `failed` and `left`
    count tasks.  `beat` grows while it lives.  `wants`: it has time left, nothing to run, and would take more rows;
    then `spare` are its idle nodes and `until` the seconds that it has left.  `rows` counts the pieces of its batch
    that it has read.  `began` and `ended` are seconds since 1970, for people.
    `job`, `restart` and `host` are what it ran as.
    """

    key: str
    state: str = RUNNING
    job: str = ""
    restart: int = 0
    host: str = ""
    exit: int | None = None
    why: str = ""
    done: int = 0
    failed: int = 0
    left: int = 0
    running: int = 0
    beat: int = 0
    wants: bool = False
    spare: int = 0
    until: float = 0.0
    rows: int = 1
    began: float = 0.0
    ended: float = 0.0
    text: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing of it runs any more."""
        return self.state == OVER
