"""The folder of one job: `.hpcmake/jobs/KEY`, with what it was meant to be and what became of it.

Owns its files and the order in which they are made.  Knows nothing of schedulers, nor of what is in a batch.
"""

from __future__ import annotations

import os
from json import dumps, loads

from hpcmake.jobs.claims import CLOSED, FIRST, Claim, claiming, closing, listed, merge, parse_claim, parse_closed
from hpcmake.jobs.files import list_names, read_whole, sync_folder, take, write_whole
from hpcmake.jobs.marks import require_campaign
from hpcmake.jobs.papers import Intent, Paper, Receipt, Status
from hpcmake.record import Record
from hpcmake.refusals import trouble
from hpcmake.runners.keys import make_key, parse_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from typing import TypeVar

    P = TypeVar("P", bound=Paper)


class Reading(Record):
    """All that is small in a job's folder, as of one moment; what is absent or cannot be read is None.

    `claims` are in order, the latest last.  `closed` says why nobody may claim it any more.
    """

    key: str
    intent: Intent | None = None
    receipt: Receipt | None = None
    status: Status | None = None
    claims: tuple[Claim, ...] = ()
    closed: str | None = None

    @property
    def job(self) -> str:
        """The id of the job that counts: the one that has claimed the key, else the one that was submitted; or none."""
        if self.claims:
            return self.claims[-1].job
        return self.receipt.id if self.receipt is not None else ""


class JobFolder:
    """The folder of one job, by its path; its last part is the key."""

    def __init__(self, path: str) -> None:
        self.path = path.rstrip("/")
        self.key = os.path.basename(self.path)
        self.batch = f"{self.path}/batch.jsonl"
        self.script = f"{self.path}/job.sh"
        self.records = f"{self.path}/records.jsonl"
        self.status = f"{self.path}/status.json"
        self.intent = f"{self.path}/intent"
        self.receipt = f"{self.path}/id"
        self.out = f"{self.path}/out"
        self.err = f"{self.path}/err"
        self.cobaltlog = f"{self.path}/cobaltlog"
        self.logs = f"{self.path}/logs"

    def __repr__(self) -> str:
        return f"JobFolder({self.path!r})"

    def create(self) -> None:
        """Make the folder, which nobody else has made.  Raises FileExistsError, or Trouble."""
        try:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            os.mkdir(self.path)
            os.mkdir(self.logs)
        except FileExistsError:
            raise
        except OSError as error:
            raise trouble(error, "make the folder", self.path) from None

    # ------------------------------------------------------------ pieces of its batch

    def more(self, number: int) -> str:
        """Return the path of a piece of its batch, of which `batch.jsonl` is the first one."""
        return self.batch if number == 1 else f"{self.path}/more.{number}.jsonl"

    def pieces(self) -> list[str]:
        """Return the paths of the pieces of its batch that are there, up to the first one that is not.

        Raises Trouble.
        """
        names = set(list_names(self.path))
        found: list[str] = []
        while os.path.basename(path := self.more(len(found) + 1)) in names:
            found.append(path)
        return found

    # ------------------------------------------------------------ papers

    def write_intent(self, intent: Intent) -> None:
        """Write what is about to be submitted: it outlasts a crash before this returns.  Raises Trouble."""
        write_whole(self.intent, _render(intent), durable=True)
        try:
            sync_folder(os.path.dirname(self.path))  # where the folder's own name is
        except OSError as error:
            raise trouble(error, "write", self.intent) from None

    def read_intent(self) -> Intent | None:
        """Return what was to be submitted; None if that was not yet written.  Raises Trouble."""
        return _parse(Intent, read_whole(self.intent))

    def write_receipt(self, receipt: Receipt) -> None:
        """Write what the scheduler answered, for good.  Raises Trouble."""
        write_whole(self.receipt, _render(receipt), durable=True)

    def read_receipt(self) -> Receipt | None:
        """Return what the scheduler answered; None if nobody has written it down.  Raises Trouble."""
        return _parse(Receipt, read_whole(self.receipt))

    def write_status(self, status: Status) -> None:
        """Write what the job says of itself; only who has claimed it does.  Raises Trouble."""
        write_whole(self.status, _render(status), durable=status.is_over)

    def read_status(self) -> Status | None:
        """Return what the job says of itself; None if that is nothing, or cannot be read.  Raises Trouble."""
        return _parse(Status, read_whole(self.status))

    def read_log(self) -> str:
        """Return the log that Cobalt keeps of it; empty if there is none.  Raises Trouble."""
        return (read_whole(self.cobaltlog) or b"").decode("utf-8", "replace")

    def read(self) -> Reading:
        """Return all that is small in it, by one listing.  Raises Trouble."""
        names = list_names(self.path)
        there = set(names)

        def content(path: str) -> bytes | None:
            return read_whole(path) if os.path.basename(path) in there else None

        claims = listed(names)
        first = parse_claim(content(f"{self.path}/{FIRST}")) if len(claims) != 1 else None
        return Reading(
            self.key,
            _parse(Intent, content(self.intent)),
            _parse(Receipt, content(self.receipt)),
            _parse(Status, content(self.status)),
            merge(first, claims),
            parse_closed(content(f"{self.path}/{CLOSED}")),
        )

    # ------------------------------------------------------------ claims

    def claim(self, job: str, restart: int = 0) -> bool:
        """Take the key for a start of a job; return whether this process, and no other, works the batch.

        The same job may claim again if it was started once more.  Who is refused writes nothing here.  Raises Trouble.
        """
        return _finish(claiming(self, job, restart, os.urandom(8).hex()))

    def claims(self) -> tuple[Claim, ...]:
        """Return the starts of the job that has taken the key, the latest last.  Raises Trouble."""
        return merge(parse_claim(self.read_part(FIRST)), listed(self.names()))

    def close(self, why: str, *, ended: Claim | None = None) -> bool:
        """Let nobody take the key from now on; return whether nobody had.

        `ended` is the claim of a start that is known to be over.  After False a job may be at work on the batch: look
        at `claims`.  Raises Trouble.
        """
        return _finish(closing(self, why, os.urandom(8).hex(), ended))

    def closed(self) -> str | None:
        """Return why nobody may take the key any more; None if one may.  Raises Trouble."""
        return parse_closed(self.read_part(CLOSED))

    # ------------------------------------------------------------ its files, as claims know them

    def take(self, name: str, content: bytes) -> bool:
        """Make a file, unless it is there; return whether it was us.  Raises Trouble."""
        return take(f"{self.path}/{name}", content)

    def read_part(self, name: str) -> bytes | None:
        """Return what one of its files holds; None if it is not there.  Raises Trouble."""
        return read_whole(f"{self.path}/{name}")

    def names(self) -> list[str]:
        """Return the names of all.  Raises Trouble."""
        return list_names(self.path)


# ---------------------------------------------------------------- all of a campaign


def list_folders(root: str) -> list[JobFolder]:
    """Return the folders of all jobs of a campaign whose `.hpcmake` is `root`, in their order.  Raises Trouble."""
    found = []
    for name in list_names(f"{root}/jobs"):
        key = parse_key(name)
        if key is not None:
            found.append((key.sequence, name))
    return [JobFolder(f"{root}/jobs/{name}") for _, name in sorted(found)]


def next_sequence(folders: Iterable[JobFolder]) -> int:
    """Return the number of the next job: one more than any that was given."""
    keys = (parse_key(folder.key) for folder in folders)
    return max((key.sequence for key in keys if key is not None), default=-1) + 1


def new_folder(root: str, drawn: Callable[[int], bytes] = os.urandom) -> JobFolder:
    """Make the folder of a campaign's next job.  Raises Trouble, or ValueError if a campaign has used up its keys."""
    campaign = require_campaign(root, drawn)
    sequence = next_sequence(list_folders(root))
    while True:
        folder = JobFolder(f"{root}/jobs/{make_key(campaign, sequence, drawn(2))}")
        try:
            folder.create()
        except FileExistsError:  # another driver, which has not yet seen that it is one no more
            sequence += 1
        else:
            return folder


def _finish(steps: Generator[None, None, bool]) -> bool:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return bool(end.value)


def _render(paper: Paper) -> bytes:
    return dumps(paper.plain()).encode() + b"\n"


def _parse(kind: type[P], raw: bytes | None) -> P | None:
    if raw is None:
        return None
    try:
        return kind.parse(loads(raw))
    except (ValueError, TypeError, RecursionError):
        return None
