"""Who may work a batch: one job, and of that job only its latest start.

Owns the claim of a key and its closing, as orders on files.  Knows nothing of what else is in a job's folder.

Names of jobs do not exclude one another, so one file, `claim`, names the job that has won; `claim.JOB.RESTART` is then
made for each start of it.  `closed` says that nobody may claim any more: a driver has given the rest of the work to
others.  Whoever claims looks for it after its claim is there, and whoever closes looks for claims after that: one of
them at least sees the other.
"""

from __future__ import annotations

from json import dumps, loads

from hpcmake.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from typing import Protocol
else:
    Protocol = object

FIRST = "claim"
CLOSED = "closed"


class Claim(Record):
    """A start of a job that has taken a key: the job's id, and how often it was started before."""

    job: str
    restart: int = 0


class Files(Protocol):
    """The files of one folder, of which each is whole or not there."""

    def take(self, name: str, content: bytes, /) -> bool:
        """Make a file; return whether it was us."""

    def read_part(self, name: str, /) -> bytes | None:
        """Return what it holds; None if it is not there."""

    def names(self) -> Iterable[str]:
        """Return the names of all."""


def same_job(one: str, other: str) -> bool:
    """Return whether two ids are of one job: the name of PBS's server may be cut, or left out."""
    return one.partition(".")[0] == other.partition(".")[0]


def claiming(files: Files, job: str, restart: int, drawn: str) -> Generator[None, None, bool]:
    """Claim a key, step by step; return whether it is ours.  `drawn` is by lot: no other process has it.

    A crash between two steps costs the batch, which is packed anew, and never makes two work it.
    """
    own = dumps({"job": job, "restart": restart, "drawn": drawn}).encode()
    won = files.take(FIRST, own)
    yield
    if not won:
        first = parse_claim(files.read_part(FIRST))
        yield
        if first is None or not first.job or not same_job(first.job, job):
            return False
        before = [first, *listed(files.names())]
        yield
        if restart <= max(each.restart for each in before):
            return False
    if not files.take(f"claim.{job}.{restart}", own):
        return False
    yield
    names = list(files.names())
    return CLOSED not in names and all(each.restart <= restart for each in listed(names))


def closing(files: Files, why: str, drawn: str, ended: Claim | None) -> Generator[None, None, bool]:
    """Let nobody claim a key from now on, step by step; return whether nobody has.

    `ended` is the claim of a start that is known to be over.
    """
    own = {"job": "", "restart": 0, "drawn": drawn, "why": why}
    files.take(FIRST, dumps(own).encode())
    yield
    files.take(CLOSED, dumps({**own, "closed": True}).encode())
    yield
    first = parse_claim(files.read_part(FIRST))
    yield
    last = ended.restart if ended is not None else -1
    claims = merge(first, listed(files.names()))
    return all(each.restart <= last for each in claims)


def merge(first: Claim | None, others: Iterable[Claim]) -> tuple[Claim, ...]:
    """Return all claims, the latest last, of what the winner's file says and of the others."""
    if first is not None and not first.job:
        return ()
    whose = first.job if first is not None else None
    every = {each.restart: each for each in others if whose is None or same_job(each.job, whose)}
    if first is not None:
        every.setdefault(first.restart, first)
    return tuple(every[restart] for restart in sorted(every))


def listed(names: Iterable[str]) -> list[Claim]:
    """Return the claims that names of files tell."""
    found = []
    for name in names:
        kind, _, rest = name.partition(".")
        job, _, restart = rest.rpartition(".")
        if kind == FIRST and job and restart.isascii() and restart.isdigit():
            found.append(Claim(job, int(restart)))
    return found


def parse_claim(raw: bytes | None) -> Claim | None:
    """Return what the winner's file says, with no job where it is closed; None if it says nothing yet."""
    try:
        row = loads(raw or b"")
        return Claim(str(row["job"]), int(row["restart"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def parse_closed(raw: bytes | None) -> str | None:
    """Return why nobody may claim any more; None if one may."""
    if raw is None:
        return None
    try:
        return str(loads(raw)["why"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
