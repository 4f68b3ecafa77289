"""Jobs and queues as Cobalt has them.

Owns their fields and the words for a job's state.  Knows nothing of commands.
"""

from __future__ import annotations

from hpcmake.record import Record
from hpcmake.testbed.queue.nouns import RUNNING, STARTING, Job

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.site import Queue as SiteQueue
    from hpcmake.site import Site

SHORT = {"queued": "Q", "starting": "R", "running": "R", "killing": "K", "exiting": "E"}
"""The letter for a state; all others are holds."""


class CobaltQueue(Record):
    """A queue: times in seconds, limits for each user, None for what is not limited.

    `state` is `running`, `stopped`, `draining` or `dead`.  `users` may submit to it, none: everybody.  `source` is what
    the site says of it, from which follows what its filter refuses.
    """

    name: str
    users: tuple[str, ...] = ()
    shortest: float | None = None
    longest: float | None = None
    running: int | None = None
    queued: int | None = None
    user_nodes: int | None = None
    node_hours: float | None = None
    nodes: int | None = None
    state: str = "running"
    source: SiteQueue | None = None


def queues_of(site: Site) -> dict[str, CobaltQueue]:
    """Return the queues of a site as Cobalt has them; a site that tells none has one without limits."""
    found: dict[str, CobaltQueue] = {}
    for queue in site.queues:
        most = {limit.what: limit.most for limit in (*queue.limits, *site.limits) if limit.scope in {"user", "project"}}
        found[queue.name] = CobaltQueue(
            queue.name,
            shortest=queue.shortest or None,
            longest=max(seconds for _, seconds in queue.longest),
            running=most.get("running"),
            queued=most.get("queued"),
            node_hours=most.get("node-hours"),
            source=queue,
        )
    return found or {"default": CobaltQueue("default")}


class CobaltJob(Job):
    """A job: what Cobalt keeps of it beside what any scheduler does."""

    procs = 0
    asked = 0
    """How many nodes were asked for."""
    log = ""
    """The path of its .cobaltlog."""
    user_hold = False
    dependencies: Sequence[str] = ()
    dep_fail = False
    """Whether a look at the dependencies has found one that cannot be satisfied any more."""
    dep_done = False
    """Whether its dependencies do not hold it (any more)."""
    deleted = ""
    """Who has deleted it."""
    maxrun_hold = False
    output: str | None = None
    error: str | None = None
    path = ""
    """The PATH of who has submitted it."""
    notify = ""
    geometry = ""

    def __init__(self, number: int, **fields: object) -> None:
        super().__init__(number, **fields)  # type: ignore[arg-type]  # as they are told there
        self.satisfied: set[str] = set()
        self.attrs: dict[str, str] = {}
        self.users = [self.user]
        self.variables: dict[str, str] = {}
        """What was given with --env."""

    @property
    def state(self) -> str:
        """The word for its state."""
        if self.phase == STARTING:
            return "starting"
        if self.phase == RUNNING:
            return "killing" if self.over or self.deleted else "running"
        if self.hosts:  # nobody has noticed its end yet
            if self.status is None:
                return "starting"
            return "killing" if self.over or self.deleted else "running"
        if self.user_hold:
            return "user_hold"
        if not self.dep_done:
            return "dep_fail" if self.dep_fail else "dep_hold"
        return "maxrun_hold" if self.maxrun_hold else "queued"

    @property
    def is_active(self) -> bool:
        """Whether it has nodes."""
        return bool(self.hosts)

    def show_dependencies(self) -> str:
        """Return its dependencies as they are shown: a star after those that are satisfied."""
        return ", ".join(each + ("*" if each in self.satisfied else "") for each in self.dependencies)


def render_time(seconds: float) -> str:
    """Return a time as HH:MM:SS.

    >>> render_time(360_010)
    '100:00:10'
    """
    whole = max(0, int(seconds))
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"


def render_date(when: float) -> str:
    """Return a moment as Cobalt writes it.

    >>> render_date(1795347873)
    'Sun Nov 22 11:44:33 2026 +0000 (UTC)'
    """
    import time

    return time.strftime("%a %b %d %H:%M:%S %Y +0000 (UTC)", time.gmtime(when))


class TimeMistake(Exception):
    """A text is not a time, and why."""


def parse_minutes(text: str) -> int:
    """Return the minutes of a walltime: minutes, HH:MM, HH:MM:SS or DD:HH:MM:SS.  Raises TimeMistake.

    >>> [parse_minutes(text) for text in ("90", "1:30", "01:30:00", "0:01:30:00", "00:10:30")]
    [90, 90, 90, 90, 10]
    """
    words = text.split(":")
    names = (
        ["minutes"],
        ["hours", "minutes"],
        ["hours", "minutes", "seconds"],
        ["days", "hours", "minutes", "seconds"],
    )
    if len(words) > len(names):
        raise TimeMistake(f"illegal value '{text}'")
    worth = {"days": 1440, "hours": 60, "minutes": 1, "seconds": 0}
    total = 0
    for word, name in zip(words, names[len(words) - 1], strict=True):
        if not (word.isascii() and word.isdigit()):
            raise TimeMistake(f"illegal value '{word}' for {name}")
        total += worth[name] * int(word)
    return total
