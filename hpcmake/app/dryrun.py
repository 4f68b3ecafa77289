"""The dry run: the plan and its reasons, in prose or as JSON lines.

Owns how a plan is shown.  Knows nothing of running it.
"""

from __future__ import annotations

import sys

from hpcmake import model
from hpcmake.app.commands import render_command
from hpcmake.app.placing import LOCAL
from hpcmake.planner.attempts import Attempts
from hpcmake.planner.stale import FRESH, GIVEN_UP, is_stale
from hpcmake.tasks.quoting import quote_word
from hpcmake.tasks.wait import Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hpcmake.app.forecasting import Forecast
    from hpcmake.app.held_plan import HeldForecast
    from hpcmake.options import Arguments
    from hpcmake.planner.graph import Table
    from hpcmake.planner.plan import Plan

_LINES, _NAMES = 20, 8
"""How many tasks that will tell more are named, and how many rules for each: what a screen holds."""


def count_states(plan: Plan) -> tuple[dict[str, dict[str, int]], int, int]:
    """Return how many tasks of each rule are stale for each reason, how many tasks are fresh, and how many given up."""
    stale: dict[str, dict[str, int]] = {}
    fresh = given_up = 0
    for table in plan.graph.tables:
        fresh += table.state.count(FRESH)
        given_up += table.state.count(GIVEN_UP)
        for at, reason in enumerate(model.REASONS, 1):
            count = table.state.count(at)
            if count:
                stale.setdefault(table.rule.name, {})[reason] = count
    return stale, fresh, given_up


def show_plan(plan: Plan, *, as_json: bool, verbose: bool) -> None:
    """Print what would be run and why."""
    _print(_json_lines(plan) if as_json else _prose(plan, verbose=verbose))


def show_forecast(forecast: Forecast, plan: Plan, arguments: Arguments) -> int:
    """Print what would be run and why, and in which jobs of a site; return the exit status.

    It is 3 where a budget lets not even the first job go out.
    """
    from hpcmake.app.batch_words import first_line, render_forecast

    if arguments.flag("json"):
        from hpcmake.app.batch_rows import batch_rows, totals

        _print(_json_lines(plan, rows=batch_rows(forecast), more=totals(forecast)))
    else:
        _print([first_line(forecast)])
        _print(_prose(plan, verbose=arguments.flag("verbose"), attempts=forecast.attempts))
        _print(render_forecast(forecast, again(arguments, forecast)))
    return 3 if forecast.packing.jobs and not forecast.affordable else 0


def show_held(found: HeldForecast, plan: Plan, arguments: Arguments) -> None:
    """Print what would be run and why, on the nodes of the job that we are in."""
    from hpcmake.app.held_plan import held_line, held_rows, render_held

    if arguments.flag("json"):
        _print(_json_lines(plan, rows=held_rows(found)))
        return
    _print([held_line(found)])
    _print(_prose(plan, verbose=arguments.flag("verbose"), attempts=found.attempts))
    _print(render_held(found))


def again(arguments: Arguments, forecast: Forecast) -> list[str]:
    """Return the words by which the first job of a forecast would run the campaign on its nodes.

    What shapes jobs is left out: they have their shape.  A trial is asked for by the files that it makes.
    """
    site = arguments.text("site") or forecast.site.name
    words = ["hpcmake", "--here", "--site", site]
    if forecast.packing.jobs:
        words += ["-j", str(forecast.packing.jobs[0].nodes)]
    for option, key in (
        ("-C", "directory"),
        ("-D", "define"),
        ("--until", "until"),
        ("--omit", "omit"),
        ("-R", "rerun"),
        ("-W", "new_file"),
        ("-o", "old_file"),
    ):
        for text in arguments.texts(key):
            words += [option, text]
    for option, key in (("-f", "file"), ("--check", "check")):
        said = arguments.text(key)
        words += [option, said] if said is not None else []
    retries = arguments.number("retries")
    if retries is not None:
        words += ["--retries", f"{retries:g}"]
    words += [
        option
        for option, key in (("-k", "keep_going"), ("-B", "always_make"), ("--keep-temp", "keep_temp"))
        if arguments.flag(key)
    ]
    targets = forecast.trial.targets if forecast.trial is not None else arguments.words
    return [quote_word(word) for word in [*words, *targets]]


def _print(lines: Iterable[str]) -> None:
    write = sys.stdout.write
    batch: list[str] = []
    for line in lines:
        batch.append(line)
        if len(batch) >= 1000:  # noqa: PLR2004  # a write for each line would be slow
            write("\n".join(batch) + "\n")
            batch.clear()
    if batch:
        write("\n".join(batch) + "\n")
    sys.stdout.flush()


def _json_lines(
    plan: Plan, *, rows: Iterable[dict[str, object]] = (), more: dict[str, object] | None = None
) -> Iterator[str]:
    from json import JSONEncoder

    encode = JSONEncoder(separators=(",", ":")).encode
    stale = 0
    for table, row in plan.stale_in_order():
        stale += 1
        yield encode({"kind": "task", **plain_task(plan, table, row)})
    unknown = plan.unknown()
    for after, rule in unknown:
        yield encode({"kind": "unknown", "after": after, "rule": rule})
    _, fresh, given_up = count_states(plan)
    summary = {"kind": "summary", "stale": stale, "fresh": fresh, "unknown": len(unknown), "given_up": given_up}
    yield from map(encode, rows)
    yield encode({**summary, **(more or {})})


def plain_task(plan: Plan, table: Table, row: int) -> dict[str, object]:
    """Return a stale task as values for JSON."""
    paths = plan.graph.files.paths
    reason = plan.judge.explain(table, row)
    outputs = [paths[column[row]] for column in table.outputs]
    found: dict[str, object] = {
        "task": table.name(row),
        "rule": table.rule.name,
        "wildcards": dict(zip(table.rule.wildcards, table.values(row), strict=True)),
        "inputs": [paths[number] for number in plan.judge.effective_inputs(table, row)],
        "outputs": outputs,
    }
    if table.rule.produces is not None:
        values = dict(zip(table.rule.wildcards, table.values(row), strict=True))
        found["produces"] = table.rule.produces.bind(values).text
    if reason is not None:
        found["reason"] = reason.plain()
    return found


def _prose(plan: Plan, *, verbose: bool, attempts: Attempts | None = None) -> Iterator[str]:
    stale, fresh, given_up = count_states(plan)
    unknown = plan.unknown()
    total = sum(sum(reasons.values()) for reasons in stale.values())
    if not total and not unknown:
        given = f", {given_up} {'is' if given_up == 1 else 'are'} given up" if given_up else ""
        yield f"nothing to do: {_tasks(fresh)} {'is' if fresh == 1 else 'are'} up to date{given}"
        return
    yield f"{_tasks(total)} to run, {fresh} up to date" + (f", {given_up} given up" if given_up else "")
    width = max((len(name) for name in stale), default=0)
    counts = {table.rule.name: table.count for table in plan.graph.tables}
    digits = max((len(str(counts[name])) for name in stale), default=1)
    for name, reasons in stale.items():
        for reason, count in reasons.items():
            of = f" of {counts[name]:>{digits}}" if counts[name] > 1 else ""
            yield f"  {name:<{width}}  {count:>{digits}}{of}  {reason}" + _example(plan, name, reason)
    if verbose:
        yield ""
        yield from _each_task(plan, attempts or _local_attempts(plan))
    after: dict[str, list[str]] = {}
    for task, rule in unknown:
        after.setdefault(task, []).append(rule)
    for task, rules in list(after.items())[:_LINES]:
        names = list(dict.fromkeys(rules))
        more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
        yield f"known only when {task} has run: {', '.join(names[:_NAMES])}{more}"
    if len(after) > _LINES:
        yield f"… and {len(after) - _LINES} more tasks will tell what follows them"


def _tasks(count: int) -> str:
    return "1 task" if count == 1 else f"{count} tasks"


def _example(plan: Plan, rule: str, kind: str) -> str:
    """Return the file that the reason of the first such task is about, in words."""
    if kind == model.INPUT_REMADE:
        return ""
    table = plan.graph.tables[plan.campaign.by_name[rule].number]
    row = table.state.find(model.REASONS.index(kind) + 1)
    reason = plan.judge.explain(table, row)
    if reason is None:
        return ""
    about = f": {reason.file}" if reason.file is not None else ""
    detail = f" ({reason.detail})" if reason.detail else ""
    more = ", …" if about and table.state.count(table.state[row]) > 1 else ""
    return f"{about}{detail}{more}"


def _local_attempts(plan: Plan) -> Attempts:
    return Attempts(plan, site=LOCAL, launch=lambda resources: ["mpiexec", "-n", str(resources.ranks)])


def _each_task(plan: Plan, attempts: Attempts) -> Iterator[str]:
    for table, row in plan.stale_in_order():
        reason = plan.judge.explain(table, row)
        yield f"{table.name(row)}: {reason.words() if reason is not None else ''}"
        try:
            attempt = attempts.make(table, row, id=0, number=1)
        except Wait:
            continue
        yield from (f"    {line}" for line in render_command(attempt).split("\n") if line)


def any_stale(plan: Plan) -> bool:
    """Tell whether something must run, or may have to, or was asked for and has not been produced."""
    if plan.has_unknown or any(any(map(is_stale, table.state)) for table in plan.graph.tables):
        return True
    return any(plan.is_not_produced(number) for number in plan.roots)
