"""The nouns that cross the borders of packages: stamps, reasons, resources, attempts and what becomes of them.

Owns what planner, engine, runners and journal say to each other.  Knows nothing of how a Wfile is written.
"""

from __future__ import annotations

from hpcmake.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Protocol, TypeAlias
else:
    Protocol = object

Stamp: TypeAlias = tuple[int, int]
"""What a file looked like: mtime in ns, size in bytes.  Of a folder: a digest of all it holds, and the sum of sizes."""


# ---------------------------------------------------------------- why a task must run

FORCED = "forced"
MISSING_OUTPUT = "missing output"
NO_RECORD = "no record"
FAILED_BEFORE = "failed before"
INTERRUPTED = "interrupted"
COMMAND_CHANGED = "command changed"
INPUTS_DIFFER = "inputs differ"
INPUT_CHANGED = "input changed"
INPUT_REMADE = "input will be remade"

REASONS = (
    FORCED,
    MISSING_OUTPUT,
    NO_RECORD,
    FAILED_BEFORE,
    INTERRUPTED,
    COMMAND_CHANGED,
    INPUTS_DIFFER,
    INPUT_CHANGED,
    INPUT_REMADE,
)
"""Every kind of reason; the first that holds is the one that is told."""


class Reason(Record):
    """Why a task is stale.  `file` is the file it is about, `detail` says more in words."""

    kind: str
    file: str | None = None
    detail: str = ""

    def words(self) -> str:
        """Return the reason in one phrase."""
        about = f" {self.file}" if self.file is not None else ""
        return f"{self.kind}{about}" + (f" ({self.detail})" if self.detail else "")

    def plain(self) -> dict[str, str]:
        """Return the reason as values for JSON."""
        row = {"kind": self.kind}
        if self.file is not None:
            row["file"] = self.file
        if self.detail:
            row["detail"] = self.detail
        return row


# ---------------------------------------------------------------- what a task takes


class Resources(Record):
    """What one attempt takes: cores, bytes of memory and gpus of a node it shares, or whole nodes with ranks.

    `nodes` is None for a task that shares a node.  `time` is the longest an attempt may take, in seconds.
    """

    cores: int = 1
    memory: int = 0
    gpus: int = 0
    nodes: int | None = None
    ranks: int | None = None
    ranks_per_node: int = 1
    cores_per_rank: int = 1
    gpus_per_rank: int = 0
    time: float | None = None

    @property
    def width(self) -> int:
        """How many nodes it has for itself; 0 if it shares one."""
        return self.nodes or (1 if self.ranks is not None else 0)


# ---------------------------------------------------------------- what is handed to a runner, and what it answers


class Attempt(Record):
    """One attempt of a task, complete: a runner needs nothing else.

    `id` is the number under which it was handed out; no two attempts of a run share one.
    `argv` is run as it stands where the command needs no shell; else `script` is put into a file and `interpreter`
    is run with that file's path behind its words.  `post` is shell text that follows a success ("" for none), and
    `only_post` says that `run` succeeded in an earlier attempt.  `env` is added to the environment.  Output goes to
    the file `log` (appended to) or, if that is None, where the runner keeps it.  `folders` are made if absent,
    `outputs` are stamped when the attempt has succeeded.  All paths are relative to the root of the campaign.
    `holds`: if it fails, or one of its outputs is missing, nothing more is begun until the runner is told to `resume`.

    `expected` is how many seconds it should take, None if nobody knows; it begins only where `ceiling` seconds are
    left; `tail` is what it and the longest chain behind it should take; of those that could begin, higher `priority`
    goes first.  `avoid` are nodes on which it has failed.  `needs` are inputs that were made elsewhere a moment ago,
    with mtime and size as their maker left them: it begins where it sees them so (mtime -1: where they are there).
    """

    id: int
    task: str
    number: int = 1
    argv: tuple[str, ...] | None = None
    script: str = ""
    interpreter: tuple[str, ...] = ("bash",)
    post: str = ""
    only_post: bool = False
    env: Mapping[str, str] = {}  # frozen by use
    log: str | None = None
    folders: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    resources: Resources = Resources()
    holds: bool = False
    expected: float | None = None
    ceiling: float = 0.0
    tail: float = 0.0
    priority: int = 0
    avoid: tuple[str, ...] = ()
    needs: tuple[tuple[str, int, int], ...] = ()


LAUNCH = "@hpcmake:launch@"
"""What stands in a command for `{launch}` until the nodes are known: a word that needs no quotes anywhere."""


class Event(Record):
    """Something that a runner tells."""


class Began(Event):
    """An attempt was started; `at` is in seconds of the runner's monotonic clock since it came up."""

    id: int
    at: float


class Ended(Event):
    """An attempt came to its end by itself or by its time limit.

    `status` is the exit status (negative: the signal that ended it), `why` is `exit`, `time` (its limit had passed) or
    `post` (run succeeded, post did not).  `wall` and `cpu` are seconds, `rss` is the peak of bytes of its largest
    process.  `log` is the file that holds its output, offset and length there; None if there was none.
    `stamps` are those of `outputs`, None for each that is missing; empty unless the attempt succeeded.
    `strays` counts the processes that it had left behind, and that were ended.
    """

    id: int
    status: int
    why: str
    wall: float
    cpu: float
    rss: int
    at: float
    node: str = ""
    log: tuple[str, int, int] | None = None
    stamps: tuple[Stamp | None, ...] = ()
    strays: int = 0


class Cut(Event):
    """An attempt was ended, or never begun, without being at fault: it costs no retry.

    `why` is `stop`, `forgotten`, `deadline`, `term`, `node`, `launcher` or `size` (no node that is left can hold it);
    `elapsed` is in seconds.
    """

    id: int
    why: str
    elapsed: float = 0.0


class Noted(Event):
    """Something that the user should know; nothing follows from it."""

    text: str


class Halted(Event):
    """The runner begins nothing more, of its own accord; what runs goes on to its end.

    `why` is `deadline`, `nodes` (too many were lost) or `launcher` (no task could be tried); `text` is for the user.
    """

    why: str
    text: str


class Lost(Event):
    """The runner's carrier is gone: what it held may still be running; `text` is what it said last."""

    text: str


class Runner(Protocol):
    """What runs attempts.  Each one handed out ends in exactly one Ended or Cut, or the runner in one Lost."""

    def more(self, attempts: Sequence[Attempt]) -> None:
        """Queue attempts behind those handed out before; each begins as soon as it fits."""

    def forget(self, ids: Iterable[int]) -> None:
        """Take attempts back that have not begun; each answers Cut(why="forgotten")."""

    def resume(self) -> None:
        """Begin again what is handed out from now on, after the failure of an attempt that `holds`.

        Whatever was handed out and had not begun then, or came since, has answered Cut(why="forgotten").
        """

    def drain(self) -> None:
        """Begin nothing more; what has not begun answers Cut(why="stop")."""

    def stop(self, how: str, why: str = "stop") -> None:
        """End what runs: `term` asks, and kills after a grace; `kill` kills at once.  Each answers Cut(why)."""

    def events(self, timeout: float | None) -> list[Event]:
        """Wait for events, at most `timeout` seconds (None: without end); empty if none came, or a signal did."""

    def close(self) -> None:
        """End the runner; what still runs is killed."""


# ---------------------------------------------------------------- the disk, as the planner sees it


class Tree(Protocol):
    """The disk through which the planner reads; a test can count it, and a simulation can lie."""

    def names(self, folder: str) -> Mapping[str, bool] | None:
        """Return the names in a folder, each with whether it is a folder; None if there is no such folder."""

    def stamps(self, paths: Sequence[str]) -> list[Stamp | None]:
        """Return the stamp of each path, None where nothing is."""

    def stamp_columns(self, paths: Sequence[str]) -> tuple[array[int], array[int], bytearray]:
        """Return mtimes in ns (-1 where nothing is), sizes, and 1 where something is, of many paths."""

    def read(self, path: str) -> bytes:
        """Return the content of a file.  Raises OSError."""

    def digest(self, path: str) -> str:
        """Return a hash of the content of a file, or of all a folder holds.  Raises OSError."""
