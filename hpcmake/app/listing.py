"""The verbs that look: `ls`, `status` and `log`.

Owns tables of tasks and their selection.  Knows nothing of how tasks are judged.
"""

from __future__ import annotations

import sys

from hpcmake.app.opening import Opened
from hpcmake.app.selection import parse_where
from hpcmake.app.tasks import Account, find_task
from hpcmake.app.usage import usage
from hpcmake.journal import FOLDER
from hpcmake.lease import find_holder
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
    plan = Opened(arguments).plan()
    if where is not None:
        chosen = parse_where(where, plan.campaign.rules)  # which rules and wildcards there are is known now
    rows = [account for account in accounts(plan) if chosen is None or chosen(account)]
    if arguments.flag("json"):
        from json import dumps

        for account in rows:
            sys.stdout.write(dumps(account.plain(), separators=(",", ":")) + "\n")
        return 0
    if not rows:
        sys.stderr.write("no task is like that\n" if where else "there are no tasks\n")
        return 0
    head = ("STATE", "TRIES", "TIME", "MEMORY", "NODE", "TASK", "LOG")
    table = [_cells(account) for account in rows]
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


def status(arguments: Arguments) -> int:
    """Show the campaign at a glance.  Raises Trouble."""
    plan = Opened(arguments).plan()
    counts: dict[str, dict[str, int]] = {}
    failed: list[Account] = []
    for table in plan.graph.tables:
        of_rule = counts.setdefault(table.rule.name, {})
        for row in range(table.count):
            if table.state[row] == 0:
                of_rule["done"] = of_rule.get("done", 0) + 1
                continue
            account = Account(plan, table, row)
            of_rule[account.state] = of_rule.get(account.state, 0) + 1
            if account.state == "failed":
                failed.append(account)
    holder = find_holder(FOLDER)
    expected = _expected(plan, counts)
    if arguments.flag("json"):
        from json import dumps

        row_: dict[str, object] = {
            "kind": "status",
            "rules": counts,
            "unknown": len(plan.unknown()),
            "expected": expected,
        }
        row_["driver"] = holder.plain() if holder is not None else None
        sys.stdout.write(dumps(row_, separators=(",", ":")) + "\n")
        return 0
    states = [
        state
        for state in ("done", "stale", "failed", "interrupted", "given up", "unknown", "omitted")
        if any(state in each for each in counts.values())
    ]
    width = max([len(name) for name in counts] + [4])
    sys.stdout.write(f"{'RULE':<{width}}" + "".join(f"  {state.upper():>11}" for state in states) + "\n")
    for name, each in counts.items():
        if each:
            sys.stdout.write(
                f"{name:<{width}}" + "".join(f"  {each.get(state, 0) or '-':>11}" for state in states) + "\n"
            )
    for account in failed[:10]:
        sys.stdout.write(f"failed: {account.name}: {account.reason}; `hpcmake log '{account.name}'` shows its output\n")
    after = dict.fromkeys(task for task, _ in plan.unknown())
    if after:
        sys.stdout.write(f"more is known when {', '.join(list(after)[:5])}{' …' if len(after) > 5 else ''} has run\n")  # noqa: PLR2004
    if holder is not None:
        sys.stdout.write(f"running: {holder.words()}\n")
    elif any(state != "done" for each in counts.values() for state in each):
        sys.stdout.write(
            "nothing is running: `hpcmake` starts it"
            + (f" (about {render_duration(expected)} of work)" if expected else "")
            + "\n"
        )
    else:
        sys.stdout.write("all is up to date\n")
    return 0


def _expected(plan: Plan, counts: dict[str, dict[str, int]]) -> float | None:
    """Return the seconds of work that are left, None where nothing is known of some rule."""
    total = 0.0
    for name, each in counts.items():
        left = sum(count for state, count in each.items() if state in {"stale", "failed", "interrupted"})
        if left:
            walls = plan.history.walls(name)
            if not walls:
                return None
            total += left * sum(walls) / len(walls)
    return total or None


def log(arguments: Arguments) -> int:
    """Print the output of a task's last attempt.  Raises Trouble."""
    if len(arguments.words) != 1:
        raise usage(
            "name one file or task", " ".join(["log", *arguments.words]), help_="such as `hpcmake log results.dat`"
        )
    word = arguments.words.pop()
    opened = Opened(arguments)
    plan = opened.plan()
    if word not in plan.graph.files.index and "[" not in word and word not in plan.campaign.by_name:
        plan = opened.plan([word])
    found = find_task(plan, word)
    if found is None:
        raise usage(f"{word} is a source: no task makes it", word)
    account = Account(plan, *found)
    if account.log is None:
        text = "has printed nothing" if account.tries else "has not been run yet"
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
