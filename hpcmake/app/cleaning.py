"""`clean`: files that rules made are removed.

Owns what may be removed.  Knows nothing of how files were made.
"""

from __future__ import annotations

import os
import sys

from hpcmake.app.books import Books
from hpcmake.app.opening import Opened
from hpcmake.app.orphans import find_orphans
from hpcmake.app.queue.living_jobs import require_no_living_jobs
from hpcmake.app.usage import usage
from hpcmake.journal import FOLDER
from hpcmake.lease import acquire
from hpcmake.report.words import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from hpcmake.options import Arguments
    from hpcmake.planner.plan import Plan
    from hpcmake.tasks.ledger import Past


def clean(arguments: Arguments) -> int:
    """Remove what rules made: `temp` files, what no rule makes any more, or all of it.  Raises Trouble."""
    kinds = [kind for kind in ("temp", "stale", "all") if arguments.flag(kind)]
    if not kinds:
        raise usage(
            "say what to remove: --temp, --stale or --all",
            "clean",
            help_="`--stale` removes what no rule makes any more, `--all` all that rules made; -n shows it first",
        )
    opened = Opened(arguments)
    plan = opened.plan()
    if arguments.flag("dry_run"):
        doomed = _doomed(plan, kinds)
        for path in doomed:
            _tell(arguments, "would remove", path)
        _tell_if_none(arguments, doomed)
        return 0
    with acquire(FOLDER, wait=arguments.number("wait")) as lease:
        require_no_living_jobs(doing="{} tasks may need what would be removed")
        writer = opened.journal.open_writer(lease.generation, opened.history.covers)
        doomed = _doomed(plan, kinds)
        for path in doomed:
            if opened.disk.remove(path) and not arguments.flag("quiet"):
                _tell(arguments, "removed", path)
        keys = [
            key
            for key, past in _all_pasts(plan)
            if any(path in doomed for path, _ in plan.history.made_paths(past)) and "all" in kinds
        ]
        keys += [key for key, _ in _gone(plan)] if "stale" in kinds else []
        if keys:
            Books(plan, writer, opened.disk, host="").forget(keys)
        writer.close()
    _tell_if_none(arguments, doomed)
    return 0


def _tell_if_none(arguments: Arguments, doomed: Collection[str]) -> None:
    if not doomed and not arguments.flag("quiet") and not arguments.flag("json"):
        sys.stderr.write("there is nothing to remove\n")


def _tell(arguments: Arguments, what: str, path: str) -> None:
    if arguments.flag("json"):
        from json import dumps

        sys.stdout.write(dumps({"kind": what, "file": path}, separators=(",", ":")) + "\n")
    else:
        sys.stdout.write(f"{what} {printable(path)}\n")


def _doomed(plan: Plan, kinds: list[str]) -> dict[str, None]:
    """Return the files to remove: only such as rules make, or as the journal says that tasks have made."""
    found: dict[str, None] = {}
    files = plan.graph.files
    for table in plan.graph.tables:
        for output, column in zip(table.rule.outputs, table.outputs, strict=True):
            if "all" in kinds or ("temp" in kinds and output.temp):
                found.update(
                    dict.fromkeys(files.paths[number] for number in column if plan.stamps.present[number] == 1)
                )
    if "all" in kinds:
        for _, past in _all_pasts(plan):
            found.update(dict.fromkeys(path for path, _ in plan.history.made_paths(past)))
            found.update(dict.fromkeys(path for path, _ in plan.history.produced(past) or ()))
    elif "stale" in kinds:
        for _, past in _gone(plan):
            found.update(dict.fromkeys(path for path, _ in plan.history.made_paths(past)))
    return {path: None for path in found if os.path.lexists(path)}


def _all_pasts(plan: Plan) -> list[tuple[str, Past]]:
    return [(past.ledger.keys[past.row], past) for rule in plan.history.rules() for past in plan.history.all_of(rule)]


def _gone(plan: Plan) -> list[tuple[str, Past]]:
    """Return the successes of tasks that are no more: orphans, and what no rule makes."""
    gone = dict(find_orphans(plan))
    makes = plan.graph.makers.makes
    gone.update((key, past) for key, past in _all_pasts(plan) if not key.startswith("\0") and not makes(key))
    return list(gone.items())
