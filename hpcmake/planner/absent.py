"""`temp` files that were removed: they count as they were, until somebody wants them again.

Owns that.  Knows nothing of who removes them.
"""

from __future__ import annotations

from hpcmake.tasks.stamps import ABSENT_TEMP, MISSING
from hpcmake.tasks.states import FRESH, IS_MISSING, UNKNOWN, is_stale

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hpcmake.planner.rows import Table
    from hpcmake.planner.stale import Judge


def settle_temps(judge: Judge, table: Table, row: int) -> None:
    """Let a removed `temp` file count as it was, and one remade because it was absent as the one before."""
    past = judge.past(table, row)
    if past is None:
        return
    alike = past.ledger.extras.get(past.row, {}).get("as", {})
    for output, column, (path, stamp) in zip(
        table.rule.outputs, table.outputs, judge.history.made_paths(past), strict=False
    ):
        number = column[row]
        if not output.temp or judge.graph.files.paths[number] != path:
            continue
        before = tuple(alike[path]) if path in alike else stamp
        if judge.stamps.present[number] == MISSING:
            judge.stamps.put(number, before, absent_temp=True)
        elif judge.stamps.stamp(number) == stamp:
            judge.stamps.put(number, before)


def want_absent(
    judge: Judge, roots: Iterable[int], judged: Iterable[dict[int, Sequence[int]]]
) -> list[tuple[Table, int]]:
    """Return the tasks that must run only since a `temp` file that they made is absent and wanted again.

    `roots` and `judged` are the wanted files and the rows, by rule, that are new since this was last asked.
    """
    if not judge.stamps.absent_temps:
        return []
    added: list[tuple[Table, int]] = []
    todo = [number for number in roots if judge.stamps.present[number] == ABSENT_TEMP]
    for rows in judged:
        for rule, those in rows.items():
            table = judge.graph.tables[rule]
            for row in those:
                if is_stale(table.state[row]) or table.state[row] == UNKNOWN:
                    todo += _absent_inputs(judge, table, row)
    while todo:
        number = todo.pop()
        table, row = judge.graph.tables[judge.graph.files.rule[number]], judge.graph.files.row[number]
        if table.state[row] == FRESH:
            table.state[row] = IS_MISSING
            added.append((table, row))
            todo += _absent_inputs(judge, table, row)
    return added


def _absent_inputs(judge: Judge, table: Table, row: int) -> list[int]:
    present = judge.stamps.present
    return [n for column in table.inputs for n in judge.members(column[row]) if present[n] == ABSENT_TEMP]
