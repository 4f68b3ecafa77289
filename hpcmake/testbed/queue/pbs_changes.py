"""What qdel, qhold, qrls, qalter and qmove do: each says something only of the jobs that it cannot change.

Owns these commands.  Knows nothing of qsub and qstat.
"""

from __future__ import annotations

import time

from hpcmake.testbed.queue.nouns import Answer
from hpcmake.testbed.queue.pbs_options import (
    Misused,
    make_asked,
    parse_select,
    parse_walltime,
    parse_words,
    require_known,
)
from hpcmake.testbed.queue.pbs_queues import require_place
from hpcmake.testbed.queue.pbs_rules import BEFORE, EXITING, FINISHED, RUNNING, PbsJob, add_dependencies
from hpcmake.testbed.queue.pbs_words import (
    BAD_STATE,
    NOT_YOURS,
    OVER_LIMITS,
    UNKNOWN_JOB,
    UNKNOWN_QUEUE,
    No,
    exit_status,
    misuse,
    refuse,
    render_no,
    render_no_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hpcmake.testbed.queue.nouns import Request
    from hpcmake.testbed.queue.pbs_book import Book

SOON = 1.0
"""Seconds until the scheduler looks at what was changed: not while the command is answered."""

_LETTERS = {
    "qdel": "W:x",
    "qhold": "h:",
    "qrls": "h:",
    "qmove": "",
    "qalter": "a:A:c:e:h:j:k:J:l:m:M:N:o:p:r:R:S:u:W:P:q:v:",
}
_ALTERED = set("lNAWoe")
"""What qalter changes here."""


def change(book: Book, request: Request) -> Answer:
    """Do what one of these commands asks for, and return what it prints."""
    name = request.name
    try:
        options, words = parse_words(name, _LETTERS[name], request.argv)
        words = words[1:] if words[:1] == ["--"] else words
        if name == "qmove":
            where, words = (words[0], words[1:]) if words else ("", [])
            return _each(book, request, words, lambda job: _move(book, job, where))
        if name == "qdel":
            return _each(book, request, words, book.delete, running=True)
        if name == "qalter":
            return _alter(book, request, options, words)
        letters = dict(options).get("h", "u")
        if set(letters) - set("unosp"):
            return misuse(name, f"{name}: illegal -h value")
    except Misused as misused:
        return misused.answer
    if name == "qhold":
        return _each(book, request, words, lambda job: _hold(book, job, letters))
    return _each(book, request, words, lambda job: _release(book, job, letters))


def _each(
    book: Book, request: Request, words: Sequence[str], do: Callable[[PbsJob], None], *, running: bool = False
) -> Answer:
    """Do something to each of the jobs; the exit status is that of the last one that it could not be done to.

    `running`: it may be done to jobs that run.
    """
    command = request.name
    if not words:
        return misuse(command)
    lines: list[str] = []
    status = 0
    for word in words:
        named = book.find(word)
        if named is None:
            lines.append(f"{command}: illegally formed job identifier: {word}")
            status = 1
            continue
        try:
            do(_require(named.job, request.user, running=running))
        except No as no:
            lines.append(render_no_of(command, no.number, no.what, named.id))
            status = exit_status(no.number)
    book.queue.after(SOON, book.cycle)
    return Answer("", "".join(line + "\n" for line in lines), status)


def _require(job: PbsJob | None, user: str, *, running: bool) -> PbsJob:
    """Return a job that may be changed.  Raises No."""
    if job is None:
        raise No(UNKNOWN_JOB)
    if job.user != user:
        raise No(NOT_YOURS)
    if job.state in {EXITING, FINISHED} or job.deleted or (job.state == RUNNING and not running):
        raise No(BAD_STATE)
    return job


def _hold(book: Book, job: PbsJob, letters: str) -> None:
    for letter in letters.replace("n", ""):
        if letter != "u":
            raise No(NOT_YOURS)
        job.hold(letter)
        job.comment = f"Job held by {job.user} on {time.ctime(book.queue.now)}"


def _release(book: Book, job: PbsJob, letters: str) -> None:
    for letter in letters.replace("n", ""):
        if letter != "u":
            raise No(NOT_YOURS)
        job.release(letter)
    if not job.holds:
        job.eligible = book.queue.now


def _move(book: Book, job: PbsJob, where: str) -> None:
    target = book.find_queue(where.partition("@")[0])
    if target is None:
        raise No(UNKNOWN_QUEUE)
    require_place(target, book.living(), job)
    job.queue = target.name
    job.comment = ""


def _alter(book: Book, request: Request, options: Sequence[tuple[str, str]], words: Sequence[str]) -> Answer:
    """Do what a qalter asks for.  Raises Misused."""
    strange = sorted({letter for letter, _ in options} - _ALTERED)
    if strange:
        return refuse("qalter", f"the testbed does not emulate -{strange[0]}", status=1)
    asked = make_asked(options)
    try:
        require_known(asked.resources)
    except No as no:
        return Answer("", render_no("qalter", no.number, no.what) + "\n", exit_status(no.number))
    if any(kind not in BEFORE for kind, _ in asked.depend):
        return refuse(
            "qalter", f"the testbed does not emulate dependencies of the kind `{asked.depend[0][0]}`", status=1
        )

    def do(job: PbsJob) -> None:
        _change_resources(book, job, dict(asked.resources))
        if any(letter == "N" for letter, _ in options):
            job.name = asked.name
        job.project = asked.account or job.project
        wanted = [(kind, book.find(name)) for kind, names in asked.depend for name in names]
        if wanted:
            pairs = [(kind, int(named.id.partition(".")[0]) if named else -1) for kind, named in wanted]
            book.settle(add_dependencies(book.known, job, pairs))

    return _each(book, request, words, do, running=True)


def _change_resources(book: Book, job: PbsJob, wanted: dict[str, str]) -> None:
    """Change what a job asks for; one that runs may only be made shorter.  Raises No."""
    if not wanted:
        return
    changed = job.asked.replace(resources=tuple((dict(job.asked.resources) | wanted).items()))
    walltime = float(parse_walltime(wanted["walltime"])) if "walltime" in wanted else job.walltime
    if job.state == RUNNING:
        if walltime > job.walltime or set(wanted) != {"walltime"}:
            raise No(NOT_YOURS)
        job.asked, job.walltime = changed, walltime
        book.shorten(job)
        return
    queue = book.kind(job.queue)
    count = parse_select(wanted["select"])[0] if "select" in wanted else job.count
    if not queue.takes(count, walltime):
        raise No(OVER_LIMITS)
    job.asked, job.walltime = changed, walltime
    if count != job.count:
        job.cpus, job.count = job.cpus // job.count * count, count
