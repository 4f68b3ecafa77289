"""`-t`: what is on the disk is recorded as up to date, without running.

Owns that one option.  Knows nothing of runs.
"""

from __future__ import annotations

from hpcmake.app.depfiles import read_depfile
from hpcmake.app.products import Products
from hpcmake.diagnostics import Trouble
from hpcmake.planner.stale import FRESH, UNKNOWN, is_stale
from hpcmake.tasks.stamps import THERE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from hpcmake.app.books import Books
    from hpcmake.app.opening import Opened
    from hpcmake.planner.graph import Table
    from hpcmake.planner.plan import Plan
    from hpcmake.report import Voice


def touch(plan: Plan, books: Books, opened: Opened, voice: Voice) -> int:
    """Record stale tasks whose outputs are all there; tell which are missing.  Returns the exit status."""
    recorded = 0
    missing: dict[str, None] = {}
    products = Products(plan.graph)
    while True:
        before = recorded
        for table, row in list(_not_fresh(plan)):
            absent = [column[row] for column in table.outputs if plan.stamps.present[column[row]] != THERE]
            if absent:
                missing.update(dict.fromkeys(plan.graph.files.paths[number] for number in absent))
                continue
            extras = _found(plan, opened, products, table, row)
            stamps = [plan.stamps.stamp(column[row]) or (-1, -1) for column in table.outputs]
            inputs = books.inputs(table, row)
            books.success(table, row, inputs=inputs, stamps=stamps, ended=None, attempt=0, extras=extras)
            table.state[row] = FRESH
            plan.judge.note(table, row, FRESH)
            recorded += 1
        if not plan.has_unknown or recorded == before:
            break
        plan.advance()
    _tell(voice, recorded, list(missing))
    is_left = plan.has_unknown or any(any(map(is_stale, table.state)) for table in plan.graph.tables)
    return 1 if missing or is_left else 0


def _not_fresh(plan: Plan) -> Iterator[tuple[Table, int]]:
    """Yield the tasks that must run, and those of which that is not known though all that they take is."""
    yield from plan.stale_in_order()
    for table in plan.graph.tables:
        if UNKNOWN in table.state:
            for row, state in enumerate(table.state):
                if state == UNKNOWN and row not in table.waiting:
                    yield table, row


def _found(plan: Plan, opened: Opened, products: Products, table: Table, row: int) -> dict[str, Any]:
    """Return what a record holds beside inputs and outputs: what matches `produces`, what the depfile names."""
    extras: dict[str, Any] = {}
    if table.rule.produces is not None:
        produced = products.now(table, row)
        found = opened.disk.stamp_columns(produced)
        extras["prod"] = [[path, mtime, size] for path, mtime, size in zip(produced, found[0], found[1], strict=True)]
        plan.produced[table.rule.number, row] = produced
    if table.rule.depfile is not None:
        try:
            extras["dep"] = read_depfile(plan, opened.disk, table, row)
        except Trouble:
            extras["dep"] = []  # there is none, or one that a run would refuse: what it names is known when it has run
    return extras


def _tell(voice: Voice, recorded: int, missing: list[str]) -> None:
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
