"""The verb `testbed`: runs a command in a job of an emulated machine, or tells what such a machine does.

Owns how it is asked for.  Knows nothing of how a machine is emulated.
"""

from __future__ import annotations

import os
import sys
import time

from hpcmake.app.opening import enter
from hpcmake.app.usage import usage
from hpcmake.sites import read_site

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.options import Arguments
    from hpcmake.site import NodeKind, Site

TIME = 1800.0
"""Seconds that a job has if nobody says."""

_EXAMPLE = "such as `hpcmake testbed theta --nodes 16 -- hpcmake --here`"


def testbed(arguments: Arguments) -> int:
    """Run a command in a job of an emulated machine; return its exit status.  Raises Trouble."""
    from hpcmake.testbed.faults import parse_faults
    from hpcmake.testbed.hold import find_renamer, hold
    from hpcmake.testbed.machine import default_nodes, make_machine
    from hpcmake.testbed.words import describe_all, describe_end, describe_start

    words = arguments.words
    if not words:
        raise usage("say which site to emulate", "testbed", help_=_EXAMPLE)
    enter(arguments)
    site = _absolute(read_site(words[0], os.environ))
    count = arguments.number("nodes")
    machine = make_machine(
        site,
        _kind(site),
        count=default_nodes(site) if count is None else int(count),
        start=int(time.time()),
        seconds=arguments.number("time") or TIME,
    )
    faults = parse_faults(arguments.texts("fault"), machine.nodes)
    renamer = find_renamer()
    if len(words) == 1:
        sys.stdout.write(describe_all(machine, renamed=bool(renamer)))
        return 0
    quiet = arguments.flag("quiet")
    if not quiet:
        sys.stderr.write(describe_start(machine, renamed=bool(renamer)))
    on_script = site.script_on == "compute-node"
    job = hold(machine, words[1:], faults=faults, environment=os.environ, renamer=renamer, on_script=on_script)
    if not quiet:
        sys.stderr.write(describe_end(job))
    return job.status


def _kind(site: Site) -> NodeKind:
    """Return the kind of the nodes: the first one; small ones for a site that describes none."""
    from hpcmake.site import NodeKind
    from hpcmake.testbed.machine import CORES, MEMORY

    return site.nodes[0] if site.nodes else NodeKind("testbed", CORES, memory=MEMORY)


def _absolute(site: Site) -> Site:
    """Return a site whose last file can be found from another folder."""
    last = site.files[-1] if site.files else ""
    return site.replace(files=(*site.files[:-1], os.path.abspath(last))) if os.path.isfile(last) else site
