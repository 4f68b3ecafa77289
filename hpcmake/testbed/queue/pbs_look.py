"""What qstat and qselect answer: of jobs, of those that have ended, of queues, and of what is not there.

Owns which jobs are meant, and which errors are told.  Knows nothing of how rows are printed.
"""

from __future__ import annotations

from hpcmake.testbed.queue.nouns import Answer
from hpcmake.testbed.queue.pbs_attributes import describe_job
from hpcmake.testbed.queue.pbs_options import Misused, parse_words
from hpcmake.testbed.queue.pbs_queues import describe
from hpcmake.testbed.queue.pbs_rows import (
    render_alternative,
    render_full,
    render_json,
    render_queues,
    render_table,
)
from hpcmake.testbed.queue.pbs_rules import FINISHED
from hpcmake.testbed.queue.pbs_words import FINISHED as HAS_FINISHED
from hpcmake.testbed.queue.pbs_words import UNKNOWN_JOB, UNKNOWN_QUEUE, exit_status, misuse, refuse, render_no

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.testbed.queue.nouns import Request
    from hpcmake.testbed.queue.pbs_book import Book
    from hpcmake.testbed.queue.pbs_rules import PbsJob

VERSION = "23.06.06"

_QSTAT = "aiHrTfF:D:JpQqBsntu:wx1EGM"
_QSELECT = "u:s:q:N:A:x"


class _Found:
    """What was found of what a qstat asks for, with the errors, of which the last one is its exit status."""

    def __init__(self) -> None:
        self.jobs: list[PbsJob] = []
        self.errors: list[str] = []
        self.status = 0

    def miss(self, number: int, what: str = "") -> None:
        """Note what was not found."""
        text = render_no("qstat", number, what)
        self.errors.append(text if number != UNKNOWN_QUEUE else f"qstat: Unknown queue destination {what}")
        self.status = exit_status(number)

    def answer(self, out: str) -> Answer:
        """Return the answer with this text."""
        return Answer(out, "".join(line + "\n" for line in self.errors), self.status)


def qstat(book: Book, request: Request) -> Answer:
    """Do what a qstat asks for, and return what it prints."""
    try:
        options, words = parse_words("qstat", _QSTAT, request.argv)
    except Misused as misused:
        return misused.answer
    flags = dict(options)
    if "B" in flags or "q" in flags or "p" in flags:
        return refuse("qstat", "the testbed does not emulate -B, -q and -p", status=1)
    if flags.get("F", "json").lower() not in {"json", "dsv"} or ("F" in flags and "f" not in flags):
        return misuse("qstat")
    if flags.get("F", "json").lower() == "dsv":
        return refuse("qstat", "the testbed does not emulate -F dsv", status=1)
    if "Q" in flags:
        return _of_queues(book, flags, words)
    found = _find(book, words, history="x" in flags or "H" in flags)
    _choose(found, flags)
    rows = [(book.full_id(job.number), describe_job(job, book.server, clock=book.queue)) for job in found.jobs]
    if "f" in flags and "F" in flags:
        return found.answer(render_json("Jobs", _head(book), rows))
    if "f" in flags:
        return found.answer("".join(render_full("Job Id", name, each) for name, each in rows))
    if set("aiHrTsnu") & set(flags):
        text = render_alternative(
            book.server, rows, wide="w" in flags, comments="s" in flags, nodes="n" in flags, one_line="1" in flags
        )
        return found.answer(text)
    return found.answer(render_table(rows))


def _head(book: Book) -> dict[str, object]:
    return {"timestamp": int(book.queue.now), "pbs_version": VERSION, "pbs_server": book.server}


def _find(book: Book, words: Sequence[str], *, history: bool) -> _Found:
    """Find the jobs that words name: ids, or queues; without any, all of them."""
    found = _Found()
    everyone = list(book.known.values()) if history else book.living()
    if not words:
        found.jobs = list(everyone)
    for word in words:
        named = book.find(word)
        if named is None:
            name = word.partition("@")[0]
            if book.find_queue(name) is None:
                found.miss(UNKNOWN_QUEUE, name)
            found.jobs += [job for job in everyone if job.queue == name]
        elif named.job is None:
            found.miss(UNKNOWN_JOB, named.id)
        elif named.job.state == FINISHED and not history:
            found.miss(HAS_FINISHED, named.id)
        else:
            found.jobs.append(named.job)
    return found


def _choose(found: _Found, flags: dict[str, str]) -> None:
    """Keep the jobs that options ask for."""
    wanted: set[str] | None = None
    for letter, states in (("i", "EHQTW"), ("r", "RS"), ("H", "MFX")):
        if letter in flags:
            wanted = (wanted or set()) | set(states)
    if wanted is not None:
        found.jobs = [job for job in found.jobs if job.state in wanted]
    if "u" in flags:
        users = {name.partition("@")[0] for name in flags["u"].split(",")}
        found.jobs = [job for job in found.jobs if job.user in users]


def _of_queues(book: Book, flags: dict[str, str], words: Sequence[str]) -> Answer:
    found = _Found()
    names = [word.partition("@")[0] for word in words] or [queue.name for queue in book.queues]
    chosen = []
    for name in names:
        queue = book.find_queue(name)
        if queue is None:
            found.miss(UNKNOWN_QUEUE, name)
        else:
            chosen.append((name, describe(queue, book.living())))
    if "F" in flags:
        return found.answer(render_json("Queue", _head(book), chosen))
    if "f" in flags:
        return found.answer("".join(render_full("Queue", name, each) for name, each in chosen))
    return found.answer(render_queues(chosen) if chosen else "")


def qselect(book: Book, request: Request) -> Answer:
    """Return the ids that a qselect chooses, one a line."""
    try:
        options, words = parse_words("qselect", _QSELECT, request.argv)
    except Misused as misused:
        return misused.answer
    if words:
        return misuse("qselect")
    flags = dict(options)
    jobs = [job for job in book.known.values() if "x" in flags or job.state != FINISHED]
    if "u" in flags:
        users = {name.partition("@")[0] for name in flags["u"].split(",")}
        jobs = [job for job in jobs if job.user in users]
    if "s" in flags:
        jobs = [job for job in jobs if job.state in flags["s"]]
    for letter, name in (("q", "queue"), ("N", "name"), ("A", "project")):
        if letter in flags:
            jobs = [job for job in jobs if getattr(job, name) == flags[letter]]
    return Answer("".join(f"{book.full_id(job.number)}\n" for job in jobs))
