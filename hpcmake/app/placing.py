"""Where a campaign is to run: this machine, or a site that was named, and whether what was asked for goes with that.

Owns the choice of the site from the command line and the environment.  Knows nothing of plans and jobs.
"""

from __future__ import annotations

import os

from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.options import RUN
from hpcmake.text import Source, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hpcmake.options import Arguments
    from hpcmake.runners.held import Held
    from hpcmake.site import Site

LOCAL = "local"
"""The name under which `defaults on` and `{site}` know this machine."""

VARIABLE = "HPCMAKE_SITE"

JOB_VARIABLES = ("SLURM_JOB_ID", "PBS_JOBID", "COBALT_JOBID")
"""What the schedulers that we know put into the environment of a job, each its own."""

NODES, LEFT = "HPCMAKE_NODES", "HPCMAKE_LEFT"
"""Variables by which a user tells the nodes, and how long they may be used, where no scheduler does."""

_SHAPES = ("job_nodes", "job_time", "max_queued", "queue", "project", "budget", "trial", "submit", "detach")
"""Options that say something of jobs, and nothing where there are none."""


def find_site(arguments: Arguments, environ: Mapping[str, str]) -> Site | None:
    """Return the site that was named, None if none was.  Raises Trouble."""
    word = arguments.text("site")
    said = f"--site {word}" if word is not None else ""
    if word is None:
        word = environ.get(VARIABLE) or None
        said = f"{VARIABLE}={word}"
    if word is None:
        return None
    start = len(said) - len(word)
    span = Span(Source("the command line" if start == len("--site ") else "the environment", said), start, len(said))
    if not word:
        message = "`--site` names no site"
        raise Trouble(Diagnostic("E803", message, span, help="write `--site NAME`; `hpcmake sites` lists them"))
    if "," in word and not os.path.exists(word):
        first = word.partition(",")[0] or "NAME"
        message = f"`{word}` names several sites, and a campaign goes to one site at a time"
        help_ = f"name one, `--site {first}`; several at once need a later version"
        raise Trouble(Diagnostic("E814", message, span, help=help_))
    from hpcmake.sites import read_site  # only where one is named

    try:
        return read_site(word, environ)
    except Trouble as trouble:
        unknown = [each.replace(span=span) if each.code == "E900" else each for each in trouble.diagnostics]
        raise Trouble(*unknown) from None


def check_words(arguments: Arguments, site: Site | None) -> None:
    """Refuse options that shape jobs where there are no jobs.  Raises Trouble."""
    if site is not None and site.scheduler != "none":
        return
    mistakes = []
    for key in _SHAPES:
        if key in arguments.values:
            name = "--" + key.replace("_", "-")
            where = "and no site is named" if site is None else f"and {site.name} has no scheduler"
            help_ = f"name one, `--site NAME` (`hpcmake sites` lists them), or leave `{name}` out"
            span = Span(Source("the command line", name), 0, len(name))
            mistakes.append(Diagnostic("E815", f"`{name}` is about jobs on a site, {where}", span, help=help_))
    if mistakes:
        raise Trouble(*mistakes)


def find_held_here(arguments: Arguments, site: Site | None, environ: Mapping[str, str]) -> tuple[Site, Held] | None:
    """Return the job that we are in, and its site with what the job tells; None if the campaign shall not run there.

    That is so outside of jobs, and where jobs are to be submitted.  Raises Trouble.
    """
    here = arguments.flag("here")
    if arguments.verb != RUN or any(key in arguments.values for key in ("submit", "detach")):
        return None
    if site is not None and site.scheduler == "none":
        if here:
            raise _no_job(f"{site.name} has no scheduler, so no jobs")
        return None
    if not here and not any(name in environ for name in (NODES, *JOB_VARIABLES)):
        return None
    import time

    from hpcmake.runners.held import find_held
    from hpcmake.runners.placed import complete_site, find_site_of
    from hpcmake.sites import read_sites

    held = _told_nodes(environ, site)
    if held is None:
        scheduler = site.scheduler if site is not None else None
        held = find_held(environ, now=time.time(), run=run_command, scheduler=scheduler)
    if held is None:
        if here:
            of = "" if site is None else f" of {site.name}"
            raise _no_job(f"this is no job{of}: nothing in the environment tells of one")
        return None
    if site is None:
        site = find_site_of(held, read_sites(environ)[0])
    if site is None:
        return None
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return complete_site(site, held, cores=cores, run=run_command), held


def _told_nodes(environ: Mapping[str, str], site: Site | None) -> Held | None:
    """Return the nodes that the user tells, as a list or in a file, None if there is no word of them."""
    text = environ.get(NODES)
    if not text:
        return None
    if site is None:
        span = Span(Source("the environment", f"{NODES}={text}"), 0, len(NODES))
        help_ = "name it, `--site NAME`: its launcher starts programs on them"
        raise Trouble(Diagnostic("E817", "nodes are told, and not of which site they are", span, help=help_))
    from hpcmake.runners.held import held_from
    from hpcmake.units import UnitError, parse_duration

    left, seconds = environ.get(LEFT), None
    if left:
        try:
            seconds = float(parse_duration(left))
        except UnitError as problem:
            span = Span(Source("the environment", f"{LEFT}={left}"), len(LEFT) + 1, len(LEFT) + 1 + len(left))
            raise Trouble(
                Diagnostic("E803", f"`{LEFT}` is a duration, not `{left}`", span, help=str(problem))
            ) from None
    if os.path.isfile(text):
        with open(text, encoding="utf-8", errors="replace") as file:
            return held_from(file.read(), seconds, source=text)
    if site.launcher == "aprun":  # whose nodes are numbers
        from hpcmake.runners.notation import parse_node_ids

        text = "\n".join(map(str, parse_node_ids(text, source=NODES)))
    return held_from(text, seconds, source=NODES)


def run_command(argv: Sequence[str], seconds: float) -> tuple[int | None, bytes, bytes]:
    """Run a short command for at most so many seconds; see `process.call`.  Raises OSError."""
    from hpcmake.runners.process import call

    return call(argv, timeout=seconds)


def _no_job(message: str) -> Trouble:
    span = Span(Source("the command line", "--here"), 0, len("--here"))
    help_ = "start it in the script of a job, or in an interactive one; `hpcmake testbed SITE -- …` emulates one"
    return Trouble(Diagnostic("E817", message, span, help=help_))


def check_here(arguments: Arguments) -> None:
    """Refuse options that shape jobs where we are in one.  Raises Trouble."""
    mistakes = []
    for key in _SHAPES:
        if key in arguments.values:
            name = "--" + key.replace("_", "-")
            span = Span(Source("the command line", name), 0, len(name))
            help_ = f"leave out `{name}`; name targets to do less, `-j N` to use fewer nodes"
            mistakes.append(Diagnostic("E815", f"`{name}` is about jobs to come, and this one runs", span, help=help_))
    if mistakes:
        raise Trouble(*mistakes)
