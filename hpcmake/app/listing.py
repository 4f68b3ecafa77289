"""The verbs that look at single tasks: `ls` and `log`.

Owns the table of tasks and their selection.  Knows nothing of how tasks are judged.
"""

from __future__ import annotations

import sys

from hpcmake.app.queue.following import View
from hpcmake.app.selection import parse_where
from hpcmake.app.tasks import Account, find_task
from hpcmake.app.usage import usage
from hpcmake.units import render_duration, render_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from hpcmake.options import Arguments
    from hpcmake.planner.plan import Plan

_WIDEST = 40
"""Columns that the names of tasks are given, so that what stands behind them is below its heading."""


def accounts(plan: Plan) -> Iterator[Account]:
    """Yield what is known of each task of a plan."""
    for table in plan.graph.tables:
        for row in range(table.count):
            yield Account(plan, table, row)


def ls(arguments: Arguments) -> int:
    """List tasks.  Raises Trouble."""
    where = arguments.text("where")
    chosen = parse_where(where) if where is not None else None
    view = View(arguments)
    plan = view.plan()
    if where is not None:
        chosen = parse_where(where, plan.campaign.rules)  # which rules and wildcards there are is known now
    rows = [account for account in map(view.note, accounts(plan)) if chosen is None or chosen(account)]
    if arguments.flag("json"):
        from json import dumps

        for account in rows:
            sys.stdout.write(dumps(account.plain(), separators=(",", ":")) + "\n")
        return 0
    if not rows:
        sys.stderr.write("no task is like that\n" if where else "there are no tasks\n")
        return 0
    head: tuple[str, ...] = ("STATE", "TRIES", "TIME", "MEMORY", "NODE", "TASK", "LOG")
    table = [_cells(account) for account in rows]
    if any(account.key for account in rows):
        head = (*head[:4], "JOB", *head[4:])
        table = [
            (*cells[:4], account.job or account.key or "-", *cells[4:])
            for cells, account in zip(table, rows, strict=True)
        ]
    widths = [max(len(line[at]) for line in (head, *table)) for at in range(len(head) - 1)]
    widths[-1] = min(widths[-1], _WIDEST)
    for line in (head, *table):
        sys.stdout.write(
            "  ".join(cell.ljust(width) for cell, width in zip(line, [*widths, 0], strict=True)).rstrip() + "\n"
        )
    return 0


def _cells(account: Account) -> tuple[str, ...]:
    return (
        account.state,
        str(account.tries) if account.tries else "-",
        render_duration(account.time) if account.time is not None else "-",
        render_size(account.memory) if account.memory is not None and account.memory >= 0 else "-",
        account.node or "-",
        account.name,
        account.log[0] if account.log else "",
    )


def log(arguments: Arguments) -> int:
    """Print the output of a task's last attempt.  Raises Trouble."""
    if len(arguments.words) != 1:
        raise usage(
            "name one file or task", " ".join(["log", *arguments.words]), help_="such as `hpcmake log results.dat`"
        )
    word = arguments.words.pop()
    view = View(arguments)
    plan = view.plan()
    if word not in plan.graph.files.index and "[" not in word and word not in plan.campaign.by_name:
        plan = view.plan([word])
    found = find_task(plan, word)
    if found is None:
        raise usage(f"{word} is a source: no task makes it", word)
    account = view.note(Account(plan, *found))
    if account.log is None:
        text = "has printed nothing" if account.tries else "has not been run yet"
        if account.state in {"queued", "running"}:
            text += f": it is {account.reason}"
        sys.stderr.write(f"{account.name} {text}\n")
        return 0
    name, offset, length = account.log
    try:
        with open(name, "rb", buffering=0) as file:
            file.seek(offset)
            left = length
            while left > 0:
                piece = file.read(min(left, 1 << 20))
                if not piece:
                    break
                sys.stdout.buffer.write(piece)
                left -= len(piece)
    except OSError as problem:
        raise usage(
            f"the output of {account.name} was in {name}, which cannot be read: {problem.strerror}", word
        ) from None
    sys.stdout.buffer.flush()
    return 0
