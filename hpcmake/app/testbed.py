"""The verb `testbed`: runs a command on an emulated machine, or tells what such a machine does.

Owns how it is asked for.  Knows nothing of how a machine is emulated.
"""

from __future__ import annotations

import os
import sys
import time

from hpcmake.app.opening import enter
from hpcmake.app.usage import usage
from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.sites import read_site

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.options import Arguments
    from hpcmake.site import NodeKind, Site
    from hpcmake.testbed.hold import Ending
    from hpcmake.testbed.machine import Machine
    from hpcmake.testbed.queue.dialect import Dialect

TIME = 1800.0
"""Seconds that a job has if nobody says."""

POLL, SHORTEST_POLL = 60.0, 0.2
"""Seconds between two looks at the queue, for a site that says nothing, and at least."""

_EXAMPLE = "such as `hpcmake testbed theta -- hpcmake -j 512 --site theta`"


def testbed(arguments: Arguments) -> int:
    """Run a command on an emulated machine; return its exit status.  Raises Trouble."""
    from hpcmake.testbed.ground import find_renamer
    from hpcmake.testbed.machine import default_nodes, make_machine
    from hpcmake.testbed.queue.dialect import find_dialect
    from hpcmake.testbed.words import describe_all

    words = arguments.words
    if not words:
        raise usage("say which site to emulate", "testbed", help_=_EXAMPLE)
    enter(arguments)
    site = _absolute(read_site(words[0], os.environ))
    dialect = find_dialect(site)
    count = arguments.number("nodes")
    machine = make_machine(
        site,
        _kind(site),
        count=default_nodes(site) if count is None else int(count),
        start=int(time.time()),
        seconds=arguments.number("time") or TIME,
    )
    renamer = find_renamer()
    if len(words) == 1:
        sys.stdout.write(describe_all(machine, renamed=bool(renamer), queue=dialect is not None))
        return 0
    if dialect is not None:
        return _visit(arguments, machine, dialect, renamer)
    if arguments.flag("wait_for_jobs") or arguments.number("speed") or arguments.number("hurry"):
        message = f"the queue of {site.name} is not emulated: it has no time of its own, and no jobs to wait for"
        raise Trouble(Diagnostic("E920", message, help="leave out --speed, --hurry and --wait-for-jobs"))
    return _hold(arguments, machine, renamer)


def _hold(arguments: Arguments, machine: Machine, renamer: str) -> int:
    """Run a command in a job of a machine whose queue is not emulated."""
    from hpcmake.testbed.faults import parse_faults
    from hpcmake.testbed.hold import Wish, hold
    from hpcmake.testbed.words import describe_end, describe_start

    faults = parse_faults(arguments.texts("fault"), machine.nodes, queue=False)
    _tell(arguments, describe_start(machine, renamed=bool(renamer), queue=False))
    ending = hold(machine, arguments.words[1:], Wish(os.environ, tuple(faults), renamer))
    _tell(arguments, describe_end(ending, in_job=True))
    return ending.status


def _visit(arguments: Arguments, machine: Machine, dialect: type[Dialect], renamer: str) -> int:
    """Run a command on a machine with a queue: in a job of it if one was asked for, else on the login node."""
    from hpcmake.testbed.faults import parse_faults
    from hpcmake.testbed.hold import Wish, find_account, visit
    from hpcmake.testbed.machine import make_whole
    from hpcmake.testbed.queue.core import Queue
    from hpcmake.testbed.words import describe_end, describe_login, describe_start

    site = machine.site
    in_job = any(arguments.number(key) is not None for key in ("nodes", "time"))
    speed, hurry = (arguments.number(key) or 1 for key in ("speed", "hurry"))
    whole = make_whole(site, machine.kind, dialect.names, start=machine.start, least=len(machine.nodes))
    faults = parse_faults(arguments.texts("fault"), machine.nodes if in_job else whole.nodes)
    queue = Queue(dialect(site, len(whole.nodes)), whole.nodes, now=time.time(), speed=speed, hurry=hurry)
    poll = max(SHORTEST_POLL, (site.poll or POLL) / speed)
    wish = Wish(os.environ, tuple(faults), renamer, poll, arguments.flag("wait_for_jobs"))
    argv = arguments.words[1:]
    job = (
        queue.dialect.make_held(queue, machine, argv, user=find_account()["USER"], cwd=os.getcwd()) if in_job else None
    )
    start = describe_start(machine, renamed=bool(renamer), queue=True)
    _tell(arguments, start if in_job else describe_login(whole, speed, hurry))
    ending: Ending = visit(whole, queue, argv, wish, job)
    _tell(arguments, describe_end(ending, in_job=in_job))
    return ending.status


def _tell(arguments: Arguments, text: str) -> None:
    if not arguments.flag("quiet"):
        sys.stderr.write(text)


def _kind(site: Site) -> NodeKind:
    """Return the kind of the nodes: the first one; small ones for a site that describes none."""
    from hpcmake.site import NodeKind
    from hpcmake.testbed.machine import CORES, MEMORY

    return site.nodes[0] if site.nodes else NodeKind("testbed", CORES, memory=MEMORY)


def _absolute(site: Site) -> Site:
    """Return a site whose last file can be found from another folder."""
    last = site.files[-1] if site.files else ""
    return site.replace(files=(*site.files[:-1], os.path.abspath(last))) if os.path.isfile(last) else site
