"""`status`: the campaign at a glance, its tasks by rule and its jobs.

Owns what is shown of both.  Knows nothing of how tasks are judged, nor of how jobs are looked at.
"""

from __future__ import annotations

import sys

from hpcmake.app.queue.following import View
from hpcmake.app.tasks import Account
from hpcmake.journal import FOLDER
from hpcmake.lease import find_driver, find_holder
from hpcmake.units import render_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.app.queue.standing import Standing
    from hpcmake.lease import Driver
    from hpcmake.options import Arguments
    from hpcmake.planner.plan import Plan

_STATES = ("done", "running", "queued", "stale", "failed", "interrupted", "given up", "unknown", "omitted")
_LEFT = frozenset({"stale", "failed", "interrupted"})
_WIDE = 11
_FAILED, _AFTER = 10, 5
"""How many of these are told."""


def status(arguments: Arguments) -> int:
    """Show the campaign at a glance.  Raises Trouble."""
    view = View(arguments, places=True)
    plan = view.plan()
    counts, failed = _count(view, plan)
    if view.standing is not None:
        return _with_jobs(arguments, view, plan, counts, failed, view.standing)
    holder = find_holder(FOLDER)
    expected = _expected(plan, counts)
    if arguments.flag("json"):
        driver = holder.plain() if holder is not None else None
        _tell_row(_row(plan, counts) | {"expected": expected, "driver": driver})
        return 0
    _show_tasks(plan, counts, failed)
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


def _count(view: View, plan: Plan) -> tuple[dict[str, dict[str, int]], list[Account]]:
    """Return, by rule, how many tasks are in which state, and the tasks that have failed."""
    counts: dict[str, dict[str, int]] = {}
    failed: list[Account] = []
    for table in plan.graph.tables:
        of_rule = counts.setdefault(table.rule.name, {})
        for row in range(table.count):
            if table.state[row] == 0:
                of_rule["done"] = of_rule.get("done", 0) + 1
                continue
            found = view.jobs.find(table, row) if view.jobs is not None else None
            if found is not None:
                of_rule[found[0]] = of_rule.get(found[0], 0) + 1
                continue
            account = Account(plan, table, row)
            of_rule[account.state] = of_rule.get(account.state, 0) + 1
            if account.state == "failed":
                failed.append(account)
    return counts, failed


def _row(plan: Plan, counts: dict[str, dict[str, int]]) -> dict[str, object]:
    return {"kind": "status", "rules": counts, "unknown": len(plan.unknown())}


def _tell_row(row: dict[str, object]) -> None:
    from json import dumps

    sys.stdout.write(dumps(row, separators=(",", ":")) + "\n")


def _show_tasks(plan: Plan, counts: dict[str, dict[str, int]], failed: list[Account]) -> None:
    states = [state for state in _STATES if any(state in each for each in counts.values())]
    width = max([len(name) for name in counts] + [4])
    wide = _WIDE if width + len(states) * (_WIDE + 2) <= 80 else 0  # noqa: PLR2004  # letters of a terminal
    widths = {
        state: max(wide, len(state), *(len(str(each.get(state, 0))) for each in counts.values())) for state in states
    }
    sys.stdout.write(f"{'RULE':<{width}}" + "".join(f"  {state.upper():>{widths[state]}}" for state in states) + "\n")
    for name, each in counts.items():
        if each:
            cells = "".join(f"  {each.get(state, 0) or '-':>{widths[state]}}" for state in states)
            sys.stdout.write(f"{name:<{width}}{cells}\n")
    for account in failed[:_FAILED]:
        sys.stdout.write(f"failed: {account.name}: {account.reason}; `hpcmake log '{account.name}'` shows its output\n")
    if len(failed) > _FAILED:
        sys.stdout.write(f"and {len(failed) - _FAILED} more: `hpcmake ls --where 'state = failed'` lists them\n")
    after = list(dict.fromkeys(task for task, _ in plan.unknown()))
    if after:
        more = " …" if len(after) > _AFTER else ""
        sys.stdout.write(f"more is known when {', '.join(after[:_AFTER])}{more} has run\n")


def _expected(plan: Plan, counts: dict[str, dict[str, int]]) -> float | None:
    """Return the seconds of work that are left, None where nothing is known of some rule."""
    total = 0.0
    for name, each in counts.items():
        left = sum(count for state, count in each.items() if state in _LEFT)
        if left:
            walls = plan.history.walls(name)
            if not walls:
                return None
            total += left * sum(walls) / len(walls)
    return total or None


# ---------------------------------------------------------------- with jobs


def _with_jobs(
    arguments: Arguments,
    view: View,
    plan: Plan,
    counts: dict[str, dict[str, int]],
    failed: list[Account],
    standing: Standing,
) -> int:
    from hpcmake.app.queue.words import budget_words, ended_badly, ended_line, job_line, job_row, silence_words
    from hpcmake.jobs.fates import render_moment

    is_left = any(state not in {"done", "omitted"} for each in counts.values() for state in each)
    driver = find_driver(FOLDER, ask=standing.ask_for)
    outlook = _outlook(view, standing, driver, is_left=is_left)
    end = _expected_end(standing, counts) if not plan.has_unknown else None
    keys = standing.unfinished()
    silences = [silence_words(asked) for asked in standing.asks.values() if asked.silence]
    if arguments.flag("json"):
        budget = standing.charter.budget if standing.charter is not None else None
        row = _row(plan, counts) | {
            "expected": _expected(plan, counts),
            "driver": driver.holder.plain() if driver is not None else None,
            "outlook": outlook,
            "stopped": standing.is_stopped,
            "node_hours": round(standing.spent(), 6),
            "budget": budget,
            "ends": end,
            "silent": silences,
            "ended_badly": [
                {"key": fate.key, "job": fate.job, "words": fate.words(standing.now)} for fate in ended_badly(standing)
            ],
        }
        _tell_row(row)
        for key in keys:
            _tell_row({"kind": "job", **job_row(standing, key)})
        return 0
    _show_tasks(plan, counts, failed)
    lines = [] if is_left or keys else ["all is up to date"]
    for key in keys:
        done, total = (view.jobs.counts(key) if view.jobs is not None else None) or (None, None)
        lines.append(job_line(standing, key, done=done, total=total))
    if is_left:
        lines += [ended_line(standing, fate) for fate in ended_badly(standing)]
    lines += silences
    lines.append(budget_words(standing))
    if end is not None:
        lines.append(f"expected to end at {render_moment(end, standing.now)}")
    if driver is not None:
        lines.append(f"running: {driver.words()}" if not driver.holder.job else driver.words())
    if outlook:
        lines.append(outlook)
    _show(lines)
    return 0


def _show(lines: list[str]) -> None:
    from hpcmake.app.queue.words import wrapped

    for line in lines:
        sys.stdout.write((line if "\n" in line else wrapped(line)) + "\n")


def _outlook(view: View, standing: Standing, driver: Driver | None, *, is_left: bool) -> str | None:
    """Return who goes on with the campaign, where it is not driven, and what to type; None if nothing is to be said."""
    from hpcmake.jobs.watchers import render_outlook

    if driver is not None or not is_left:
        return None
    living = standing.living()
    words = render_outlook(
        standing.live(),
        standing.after(),
        work_left=True,
        driver=None,
        stopped=standing.is_stopped,
        command=view.command,
    )
    if words is not None:
        for key in living:
            words = words.replace(key, standing.fates[key].job or key)
        return words
    jobs = "the job that is left" if len(living) == 1 else "each job, when it ends,"
    return f"nobody drives now: {jobs} plans again and submits what follows; `{view.command}` watches it"


def _expected_end(standing: Standing, counts: dict[str, dict[str, int]]) -> float | None:
    """Return when the campaign is expected to end, in seconds since 1970, if all that is left is in running jobs."""
    from hpcmake.jobs.fates import Running

    if any(state in {*_LEFT, "unknown"} for each in counts.values() for state in each):
        return None
    ends = []
    for key in standing.living():
        fate, intent = standing.fates[key], standing.intents.get(key)
        if intent is None or intent.role != "work":
            continue
        if not isinstance(fate, Running) or not fate.since or not intent.expected:
            return None
        ends.append(fate.since + intent.expected)
    return max(ends, default=None)
