"""What qsub does: a script becomes a job, or is refused.

Owns the order in which PBS looks at a submission, and what uses up a number.  Knows nothing of other commands.
"""

from __future__ import annotations

import os

from hpcmake.testbed.queue.nouns import Answer
from hpcmake.testbed.queue.pbs_attributes import find_output, find_variables
from hpcmake.testbed.queue.pbs_options import (
    Misused,
    make_asked,
    parse_directives,
    parse_qsub,
    parse_select,
    parse_walltime,
    require_known,
)
from hpcmake.testbed.queue.pbs_queues import require_place
from hpcmake.testbed.queue.pbs_rules import BEFORE, PbsJob, add_dependencies
from hpcmake.testbed.queue.pbs_words import HOOK, NO_QUEUE, UNKNOWN_QUEUE, No, exit_status, render_no

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.site import Site
    from hpcmake.testbed.queue.nouns import Request
    from hpcmake.testbed.queue.pbs_book import Book
    from hpcmake.testbed.queue.pbs_options import Asked

FOREVER = 5 * 365 * 86400.0
"""The walltime of a job that asks for none in a queue that bounds none, as PBS counts."""

NOT_EMULATED = 1


def submit(book: Book, request: Request, site: Site, *, chunk: int) -> Answer:
    """Do what a qsub asks for, and return what it prints.

    `chunk` is how many CPUs a chunk has where none are asked for.
    """
    try:
        options, script, command = parse_qsub(request.argv)
        text = "" if command else _read(request, script)
        if text is None:
            return Answer(wants_stdin=True)
        asked = make_asked(options, parse_directives(text), script=script, command=command)
        _require_emulated(asked)
        require_known(asked.resources)
        number = book.queue.take_number()
        job = _make(book, request, site, asked, number=number, chunk=chunk)
    except Misused as misused:
        return misused.answer
    except No as no:
        return Answer("", render_no("qsub", no.number, no.what) + "\n", exit_status(no.number))
    job.argv = list(command)
    job.script = text
    book.add(job)
    _link(book, job)
    book.queue.at(book.queue.now, book.cycle)  # after the answer
    return Answer("" if asked.silent else f"{book.full_id(number)}\n")


def _read(request: Request, script: str) -> str | None:
    """Return the text of a script; None if it comes from stdin, which is not here yet.  Raises Misused."""
    if not script or script == "-":
        return request.stdin
    try:
        with open(os.path.join(request.cwd, script), encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError as problem:
        line = f"qsub: script file:: {os.strerror(problem.errno or 0)}\n"
        raise Misused(Answer("", line, 1)) from None


def _require_emulated(asked: Asked) -> None:
    kinds = [kind for kind, _ in asked.depend if kind not in BEFORE]
    for what in [*(f"dependencies of the kind `{kind}`" for kind in kinds), *(["-W block=true"] * asked.block)]:
        raise Misused(Answer("", f"qsub: the testbed does not emulate {what}\n", NOT_EMULATED))


def _make(book: Book, request: Request, site: Site, asked: Asked, *, number: int, chunk: int) -> PbsJob:
    """Return the job of a submission.  Raises No."""
    for key, needed, told in (
        ("project", "Account_Name", asked.account),
        ("filesystems", "Resource: filesystems", asked.find("filesystems")),
    ):
        if key in site.needs and not told:
            raise No(HOOK, needed)
    name = asked.queue.partition("@")[0] or next(
        (queue.name for queue in book.queues if not queue.routed and queue.enabled), ""
    )
    queue = book.find_queue(name)
    if queue is None:
        raise No(UNKNOWN_QUEUE if name else NO_QUEUE)
    nodes, cpus, kind = parse_select(asked.find("select") or f"{_old_nodes(asked)}")
    if "ncpus=" not in kind:
        cpus = nodes * chunk
    wanted = asked.find("walltime")
    job = PbsJob(
        number,
        user=request.user,
        queue=name,
        count=nodes,
        walltime=float(parse_walltime(wanted)) if wanted is not None else queue.seconds[1] or FOREVER,
        cwd=request.environment.get("HOME", request.cwd),
        submitted=book.queue.now,
    )
    job.name, job.project, job.asked, job.words, job.cpus = asked.name, asked.account, asked, request.argv, cpus
    job.workdir = request.cwd
    require_place(queue, book.living(), job)
    job.variables = find_variables(request, job, book.server)
    job.environment = dict(job.variables)
    job.output = find_output(job, book.server, asked.output, "o", "OU")
    job.error = find_output(job, book.server, asked.error, "e", "ER")
    job.stdout = job.error if asked.join == "eo" else job.output
    job.stderr = job.output if asked.join == "oe" else job.error
    return job


def _old_nodes(asked: Asked) -> str:
    """Return the number of nodes in the old form `-l nodes=2:ppn=4`, 1 if there is none."""
    count = (asked.find("nodes") or "1").partition(":")[0]
    return count if count.isdigit() else "1"


def _link(book: Book, job: PbsJob) -> None:
    """Put the holds on a job, and let it wait for its parents; it may be deleted at once."""
    if job.asked.held:
        job.hold("u")
    wanted = []
    for kind, names in job.asked.depend:
        for name in names:
            named = book.find(name)
            number = -1 if named is None else int(named.id.partition(".")[0])
            wanted.append((kind, number))
    book.settle(add_dependencies(book.known, job, wanted))
