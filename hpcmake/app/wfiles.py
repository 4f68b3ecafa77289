"""The verbs for the Wfile itself: `fmt` and `check`.

Owns rewriting a file in its canonical form, and telling its mistakes.  Knows nothing of plans.
"""

from __future__ import annotations

import os
import sys

from hpcmake.app.opening import Loading, Opened, enter, read_definitions, read_wfile
from hpcmake.app.placing import LOCAL, find_site
from hpcmake.diagnostics import Diagnostic, Trouble, plain, render_all
from hpcmake.disk import Disk
from hpcmake.options import LATER, VERBS
from hpcmake.parser.parse import decode, parse
from hpcmake.planner.graph import Graph
from hpcmake.planner.outside import Outside
from hpcmake.planner.resolve import resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.options import Arguments
    from hpcmake.planner.rules import Campaign

_NAMED = 3
"""Included files that are told by name."""


def fmt(arguments: Arguments) -> int:
    """Put Wfiles into their canonical form, in place; tell which were changed.  Raises Trouble."""
    from hpcmake.parser.format import render

    enter(arguments)
    disk = Disk()
    for name in arguments.words or [arguments.text("file") or "Wfile"]:
        raw = read_wfile(name)
        text = render(parse(decode(name, raw)))
        if text.encode() != raw:
            disk.replace(name, text.encode())
            if not arguments.flag("quiet"):
                sys.stderr.write(f"formatted {name}\n")
    return 0


def check(arguments: Arguments) -> int:
    """Tell all mistakes that a Wfile has by itself; return the exit status."""
    if arguments.words:
        arguments.values["file"] = arguments.words[0]
    enter(arguments)
    name = arguments.text("file") or "Wfile"
    disk = Disk()
    tree = parse(decode(name, read_wfile(name)))
    outside = Outside(disk, dict(os.environ), os.getcwd())
    loading = Loading(disk)
    site = find_site(arguments, os.environ)
    overrides = read_definitions(arguments.texts("define"))
    campaign = resolve(tree, outside, loading, overrides=overrides, site=site.name if site is not None else LOCAL)
    Graph(campaign, os.getcwd())
    notes = [*campaign.warnings, *_verb_names(campaign)]
    if arguments.flag("json"):
        from json import dumps

        for row in plain(notes):
            sys.stdout.write(dumps(row, separators=(",", ":")) + "\n")
        ending = {"kind": "summary", "rules": len(campaign.rules), "warnings": len(notes)}
        sys.stdout.write(dumps(ending, separators=(",", ":")) + "\n")
        return 0
    if notes:
        sys.stderr.write(render_all(notes))
    if not arguments.flag("quiet"):
        files = (
            " and ".join(dict.fromkeys([name, *loading.names]))
            if len(loading.names) <= _NAMED
            else f"{name} and {len(loading.names)} more"
        )
        counted = f"{len(notes)} warning" + ("s" if len(notes) > 1 else "") if notes else "no mistakes"
        rules = "1 rule" if len(campaign.rules) == 1 else f"{len(campaign.rules)} rules"
        sys.stdout.write(f"{files}: {counted} in {rules}\n")
    return 0


def _verb_names(campaign: Campaign) -> list[Diagnostic]:
    """Note targets and files that are named as a verb is."""
    found = []
    verbs = {*VERBS, *LATER}
    for name, target in campaign.targets.items():
        if name in verbs:
            found.append(
                Diagnostic(
                    "W809",
                    f"target `{name}` is named as a verb",
                    target.span,
                    help=f"on the command line it is `hpcmake -- {name}`",
                )
            )
    for rule in campaign.rules:
        for output in rule.outputs:
            name = output.pattern.literals[0]
            if not output.pattern.places and name in verbs:
                found.append(
                    Diagnostic(
                        "W809",
                        f"the file `{name}` is named as a verb",
                        output.span,
                        help=f"on the command line it is `hpcmake ./{name}`",
                    )
                )
    return found


def list_targets(arguments: Arguments) -> int:
    """Print, for completion scripts, targets and files of rules without wildcards; nothing if there are mistakes."""
    try:
        opened = Opened(arguments)
        outside = Outside(opened.disk, dict(os.environ), opened.root)
        campaign = resolve(
            opened.tree, outside, Loading(opened.disk), overrides=opened.overrides, site=opened.site_name
        )
    except Trouble:
        return 2
    files = [o.pattern.literals[0] for rule in campaign.rules for o in rule.outputs if not o.pattern.places]
    for name in dict.fromkeys([*campaign.targets, *files]):
        if "\n" not in name:
            sys.stdout.write(name + "\n")
    return 0
