"""`-t`: what is on the disk is recorded as up to date, without running.

Owns that one option.  Knows nothing of runs.
"""

from __future__ import annotations

from hpcmake.planner.outside import find_matching
from hpcmake.planner.paths import natural_order
from hpcmake.planner.stale import FRESH, is_stale

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.app.books import Books
    from hpcmake.app.opening import Opened
    from hpcmake.planner.plan import Plan
    from hpcmake.report import Voice


def touch(plan: Plan, books: Books, opened: Opened, voice: Voice) -> int:
    """Record stale tasks whose outputs are all there; tell which are missing.  Returns the exit status."""
    recorded = 0
    missing: list[str] = []
    while True:
        before = recorded
        for table, row in list(plan.stale_in_order()):
            paths = [plan.graph.files.paths[column[row]] for column in table.outputs]
            absent = [
                path for path, column in zip(paths, table.outputs, strict=True) if plan.stamps.present[column[row]] != 1
            ]
            if absent:
                missing += [path for path in absent if path not in missing]
                continue
            extras: dict[str, object] = {}
            if table.rule.produces is not None:
                values = dict(zip(table.rule.wildcards, table.values(row), strict=True))
                produced = natural_order(find_matching(opened.disk, table.rule.produces.bind(values)))
                found = opened.disk.stamp_columns(produced)
                extras["prod"] = [
                    [path, mtime, size] for path, mtime, size in zip(produced, found[0], found[1], strict=True)
                ]
                plan.produced[table.rule.number, row] = produced
            stamps = [plan.stamps.stamp(column[row]) or (-1, -1) for column in table.outputs]
            books.success(
                table, row, inputs=books.inputs(table, row), stamps=stamps, ended=None, attempt=0, extras=extras
            )
            table.state[row] = FRESH
            for column in table.outputs:
                plan.judge.will[column[row]] = 0
            recorded += 1
        if not plan.has_unknown or recorded == before:
            break
        plan.advance()
    tasks = "1 task" if recorded == 1 else f"{recorded} tasks" if recorded else "nothing"
    voice.tell(
        {
            "kind": "note",
            "text": f"recorded {tasks} as up to date"
            if recorded or missing
            else "nothing to record: all is up to date",
        }
    )
    for path in missing:
        voice.tell({"kind": "warning", "text": f"missing: {path}\n"})
    return 1 if missing or any(any(map(is_stale, table.state)) for table in plan.graph.tables) else 0
