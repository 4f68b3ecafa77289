"""`why`: the chain of reasons, in words.

Owns the telling.  Knows nothing of how reasons are found.
"""

from __future__ import annotations

import sys

from hpcmake.app.queue.following import View
from hpcmake.app.tasks import Account, find_task
from hpcmake.app.usage import usage
from hpcmake.journal import FOLDER
from hpcmake.lease import find_holder
from hpcmake.model import INPUT_REMADE
from hpcmake.planner.stale import FRESH, GIVEN_UP, OMITTED, UNKNOWN, is_stale
from hpcmake.units import render_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.app.queue.reasons import Reasons
    from hpcmake.options import Arguments
    from hpcmake.planner.graph import Table
    from hpcmake.planner.plan import Plan

MOST = 12
"""Links of a chain that are told."""


def why(arguments: Arguments) -> int:
    """Tell why files are up to date or not, and why their tasks are not running yet.  Raises Trouble."""
    if not arguments.words:
        raise usage("name a file or a task", "why", help_="such as `hpcmake why results.dat`")
    words = list(arguments.words)
    arguments.words = []
    view = View(arguments, places=True)
    plan = view.plan()
    asked = []
    for word in words:
        if word in plan.campaign.targets:
            asked += [plan.graph.files.paths[number] for number in view.opened.plan([word]).roots]
        else:
            asked.append(word)
    if any(word not in plan.graph.files.index for word in asked) and not any("[" in word for word in asked):
        # not wanted by the default target: plan for just these
        plan = view.plan(words)
    queue = None
    if view.jobs is not None:
        from hpcmake.app.queue.reasons import Reasons

        queue = Reasons(view.opened, plan, view.jobs)
    waits = False
    for at, word in enumerate(asked):
        chain = explain(plan, word, queue)
        if arguments.flag("json"):
            from json import dumps

            sys.stdout.write(dumps({"kind": "why", "file": word, "chain": chain}, separators=(",", ":")) + "\n")
        else:
            sys.stdout.write(("\n" if at else "") + "\n".join(_words(link) for link in chain) + "\n")
        waits = waits or any(link["state"] not in {"done", "source", "omitted"} for link in chain)
    if waits and not arguments.flag("json"):
        sys.stdout.write(_driver() if queue is None else queue.driver(view.command))
    return 0


def explain(plan: Plan, word: str, queue: Reasons | None = None) -> list[dict[str, object]]:
    """Return the chain of reasons for a file or task: each link is a task, its state, and what that is about.

    `queue` knows of jobs, where there are any.
    """
    found = find_task(plan, word)
    if found is None:
        takers = plan.graph.consumers_of(plan.graph.files.index[word]) if word in plan.graph.files.index else []
        names = [table.name(row) for table, row in takers[:3]]
        return [{"file": word, "state": "source", "takers": names, "more": max(0, len(takers) - 3)}]
    table, row = found
    chain: list[dict[str, object]] = []
    seen = set()
    while (table.rule.number, row) not in seen:
        seen.add((table.rule.number, row))
        chain.append(_link(plan, table, row))
        if queue is not None:
            queue.note(chain[-1], table, row)
        following = _cause(plan, table, row)
        if following is None:
            break
        table, row = following
    if len(chain) > MOST:
        chain = [*chain[: MOST - 2], {"state": "…", "count": len(chain) - MOST + 1}, chain[-1]]
    return chain


def _link(plan: Plan, table: Table, row: int) -> dict[str, object]:
    account = Account(plan, table, row)
    paths = plan.graph.files.paths
    link: dict[str, object] = {
        "task": account.name,
        "state": account.state,
        "outputs": [paths[c[row]] for c in table.outputs][:4],
    }
    if account.time is not None:
        link["time"] = account.time
    state = table.state[row]
    if is_stale(state):
        reason = plan.judge.explain(table, row)
        if reason is not None:
            link["reason"] = reason.plain()
        if account.state == "failed":
            link["last"] = account.reason
        waits = _waits_for(plan, table, row)
        if waits:
            link["waits for"] = waits[:5]
            link["waits for more"] = max(0, len(waits) - 5)
    elif state == UNKNOWN:
        link["after"] = [plan.maker_of(need) for need in table.waiting.get(row, ())][:5]
    elif state == GIVEN_UP:
        link["words"] = account.reason
    else:
        link["inputs"] = len(plan.graph.inputs_of(table, row))
    return link


def _waits_for(plan: Plan, table: Table, row: int) -> list[str]:
    """Return the names of the tasks that must end before this one can start."""
    files = plan.graph.files
    found: dict[str, None] = {}
    for number in plan.graph.inputs_of(table, row):
        rule = files.rule[number]
        if rule >= 0 and plan.graph.tables[rule].state[files.row[number]] not in {FRESH, GIVEN_UP, OMITTED}:
            found[plan.graph.tables[rule].name(files.row[number])] = None
    return list(found)


def _cause(plan: Plan, table: Table, row: int) -> tuple[Table, int] | None:
    """Return the task because of which a task must run, or must wait."""
    files = plan.graph.files
    reason = plan.judge.explain(table, row)
    if reason is not None and reason.kind == INPUT_REMADE and reason.file is not None:
        number = files.index[reason.file]
        return plan.graph.tables[files.rule[number]], files.row[number]
    if table.state[row] == UNKNOWN:
        for need in table.waiting.get(row, ()):
            if need.rule is not None:
                maker = plan.graph.tables[plan.campaign.by_name[need.rule].number]
                return maker, plan.graph.task_by_values(maker, need.closed)
            number = plan.graph.want(need.path)
            if files.rule[number] >= 0:
                return plan.graph.tables[files.rule[number]], files.row[number]
    return None


def _words(link: dict[str, object]) -> str:
    state = link["state"]
    if state == "…":
        return f"… {link['count']} more such tasks …"
    if state == "source":
        takers = link["takers"]
        assert isinstance(takers, list)  # noqa: S101  # as it was made
        more = f" and {link['more']} more" if link["more"] else ""
        return f"{link['file']} is a source: no rule makes it" + (
            f"; {', '.join(takers)}{more} {'needs' if len(takers) == 1 else 'need'} it"
            if takers
            else "; nothing needs it"
        )
    task = link["task"]
    if state == "done":
        took = f"; it took {render_duration(float(str(link['time'])))}" if "time" in link else ""
        inputs = link["inputs"]
        same = (
            "its command and its input are"
            if inputs == 1
            else "its command is"
            if not inputs
            else f"its command and its {inputs} inputs are"
        )
        return f"{task} is up to date: {same} as recorded, and what it makes is there{took}"
    if state == "unknown":
        after = link.get("after") or ["what it needs"]
        assert isinstance(after, list)  # noqa: S101  # as it was made
        return f"{task} is not known yet: that is told by {', '.join(after)}, which must run first"
    if state == "given up":
        return f"{task} is given up: {link['words']}; it is tried again when its command or inputs change, or by -R"
    if state == "omitted":
        return f"{task} is left out by --omit"
    reason = link.get("reason", {})
    assert isinstance(reason, dict)  # noqa: S101  # as it was made
    about = f" {reason['file']}" if "file" in reason else ""
    detail = f" ({reason['detail']})" if "detail" in reason else ""
    lines = [f"{task} must run: {reason.get('kind', state)}{about}{detail}"]
    if "last" in link:
        lines.append(f"  its last attempt failed: {link['last']}; `hpcmake log '{task}'` shows what it printed")
    if "waits for" in link:
        waits = link["waits for"]
        assert isinstance(waits, list)  # noqa: S101  # as it was made
        more = f" and {link['waits for more']} more" if link["waits for more"] else ""
        lines.append(f"  it waits for {', '.join(waits)}{more}")
    lines += [f"  {words}" for words in (link.get("in job"), link.get("not submitted")) if isinstance(words, str)]
    return "\n".join(lines)


def _driver() -> str:
    holder = find_holder(FOLDER)
    if holder is not None:
        return f"a run is under way: {holder.words()}\n"
    return "nothing is running: `hpcmake` starts it\n"
