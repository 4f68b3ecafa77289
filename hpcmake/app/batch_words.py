"""A forecast in words: jobs, node-hours, times, why, what else could be had, the first job, a command of each rule.

Owns these words.  Knows nothing of how jobs are packed.
"""

from __future__ import annotations

from hpcmake.app.batch_layout import WIDTH, continued, hours, table, tasks, wrapped
from hpcmake.app.commands import render_command
from hpcmake.app.forecasting import CROWD
from hpcmake.app.job_words import MISSING, job_script
from hpcmake.planner.costs import charged_in
from hpcmake.planner.grounds import grounds_of, render_alternative
from hpcmake.tasks.estimates import ASSUMED, NONE_GIVEN
from hpcmake.tasks.wait import Wait
from hpcmake.units import render_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hpcmake.app.forecasting import Forecast
    from hpcmake.planner.batches import Job
    from hpcmake.planner.classes import TaskClass
    from hpcmake.planner.pack import Packing

_JOBS, _RULES, _COMMAND, _PIECES, _WORDS = 12, 20, 6, 3, 28
"""How many rows of jobs and rules are shown, lines of a command, pieces of one line, letters of a list of names."""
_MUCH = 0.1
"""Of the node-time held: what idles beyond that is to be explained."""
_SHORT = 900.0
"""Seconds that a task may take where the work is driven, which people share."""


def first_line(forecast: Forecast) -> str:
    """Return how much of which site is used: `512 nodes of theta`."""
    nodes = forecast.wishes.nodes
    some = f"{nodes} node{'s' if nodes != 1 else ''} of" if nodes is not None else "nodes of"
    return f"{some} {forecast.site.name}" + (": a trial, one task of each rule" if forecast.trial is not None else "")


def render_forecast(forecast: Forecast, command: Sequence[str]) -> Iterator[str]:
    """Yield the lines that tell what would run where and when; `command` is what a job would run."""
    if not forecast.packing.jobs:
        alone = [*_rooms(forecast), *_elsewhere(forecast)]
        yield from ["", *alone] if alone else []
        return
    sections = (
        ("jobs", _jobs(forecast)),
        ("node-hours", _costs(forecast)),
        ("time of a task", _times(forecast)),
        ("good to know", _notes(forecast)),
        ("why", _why(forecast)),
        ("instead", _instead(forecast)),
        ("the first job", _script(forecast, command)),
        ("a command of each rule", _commands(forecast)),
    )
    for title, lines in sections:
        body = list(lines)
        if body:
            yield ""
            yield title
            yield from (f"  {line}".rstrip() for line in body)


# ---------------------------------------------------------------- jobs


def _jobs(forecast: Forecast) -> Iterator[str]:
    packing, costs = forecast.packing, forecast.costs
    rows: list[tuple[str, ...]] = [("JOB", "QUEUE", "NODES", "WALLTIME", "TASKS", "NODE-HOURS", "BEGINS", "AFTER")]
    groups = _alike(packing.jobs)
    for group in groups[:_JOBS]:
        job = group[0]
        reserved = sum(each.reserved for each in group)
        after = ",".join(_name(number, packing) for number in job.after)
        rows.append(
            (
                _numbers(group),
                job.shape.queue.name,
                str(job.nodes),
                render_duration(job.walltime),
                str(sum(each.count for each in group)),
                hours(reserved),
                render_duration(round(job.begins)) if job.begins else "at once",
                after or "-",
            )
        )
    yield from table(rows, right={2, 4, 5})
    if len(groups) > _JOBS:
        yield f"… and {sum(map(len, groups[_JOBS:]))} more jobs"
    waves = "" if costs.waves == 1 else f" in {costs.waves} waves"
    rounds = f"; the queue takes them in {costs.rounds} rounds" if costs.rounds > 1 else ""
    limits = "; ".join(_limits(forecast, packing.jobs))
    yield from wrapped(
        f"{costs.jobs} job{'s' if costs.jobs != 1 else ''}{waves}{rounds}" + (f"; {limits}" if limits else "")
    )
    yield from _rooms(forecast)
    yield f"ends {render_duration(round(costs.seconds))} after the first begins, waits in queues not counted"
    if packing.later:
        count = sum(part.stop - part.first for part in packing.later)
        yield from wrapped(f"{tasks(count)} more: their jobs are shaped when the first one has measured the times")


def _name(number: int, packing: Packing) -> str:
    """Return how a job is called: one that is planned by its number, one that is there by its name."""
    return str(number + 1) if number >= 0 else packing.topped[-1 - number].room.name


def _rooms(forecast: Forecast) -> Iterator[str]:
    """Yield what goes to jobs that are there already."""
    for each in forecast.packing.topped:
        room = each.room
        nodes = f"{room.nodes} node{'s' if room.nodes != 1 else ''}"
        rules: dict[str, int] = {}
        for part in each.portions:
            rule = forecast.packing.classes[part.kind].rule
            rules[rule] = rules.get(rule, 0) + part.stop - part.first
        of = ", ".join(f"{count} of {rule}" for rule, count in list(rules.items())[:_PIECES])
        more = ", …" if len(rules) > _PIECES else ""
        text = f"job {room.name}, which is there already, takes {tasks(each.count)} ({of}{more}): "
        yield from wrapped(f"{text}{nodes} of it are free for {render_duration(round(room.seconds))}")


def _limits(forecast: Forecast, jobs: Sequence[Job]) -> Iterator[str]:
    """Yield how many jobs each queue in use lets run and wait, which matters where there are several."""
    if len(jobs) == 1:
        return
    for queue in dict.fromkeys(job.shape.queue for job in jobs):
        found = {limit.what: limit for limit in (*forecast.site.limits, *queue.limits) if limit.what != "node-hours"}
        words = [f"{limit.most} {limit.what} a {limit.scope}" for limit in found.values()]
        if words:
            yield f"{queue.name} takes {' and '.join(words)}"


def _alike(jobs: Sequence[Job]) -> list[list[Job]]:
    """Return jobs in groups that are alike but for what they run."""
    groups: list[list[Job]] = []
    for job in jobs:
        if groups and _look(groups[-1][0]) == _look(job):
            groups[-1].append(job)
        else:
            groups.append([job])
    return groups


def _look(job: Job) -> tuple[object, ...]:
    return job.wave, job.shape.queue.name, job.nodes, job.walltime, job.after, round(job.begins), job.probe


def _numbers(group: Sequence[Job]) -> str:
    first, last = group[0].number + 1, group[-1].number + 1
    return str(first) if first == last else f"{first}-{last}"


# ---------------------------------------------------------------- costs


def _costs(forecast: Forecast) -> Iterator[str]:
    costs = forecast.costs
    rows: list[tuple[str, ...]] = [("", "TASKS", "EXPECTED", "RESERVED", "AT MOST")]
    ordered = sorted(costs.rules, key=lambda rule: -rule.expected)
    rows += [(rule.rule, str(rule.count), hours(rule.expected), "", hours(rule.at_most)) for rule in ordered[:_RULES]]
    if len(ordered) > _RULES:
        rest = ordered[_RULES:]
        most = hours(sum(rule.at_most for rule in rest))
        rows.append(
            (f"{len(rest)} more rules", str(sum(r.count for r in rest)), hours(sum(r.expected for r in rest)), "", most)
        )
    work = sum(rule.expected for rule in costs.rules)
    rows.append(("held, and not used", "", hours(max(0.0, costs.expected - work)), "", ""))
    count = sum(rule.count for rule in costs.rules)
    rows.append(("in all", str(count), hours(costs.expected), hours(costs.reserved), hours(costs.at_most)))
    if forecast.budget is not None:
        rows.append(("budget", "", "", hours(forecast.budget), ""))
    yield from table(rows, right={1, 2, 3, 4})
    site = forecast.site
    if site.charge.unit != "node-hours":
        charged = charged_in(costs.reserved, site.charge.unit, forecast.packing.jobs[0].shape.node)
        yield f"reserved: {hours(charged)} {site.charge.unit}, as {site.name} charges"
    if forecast.budget is None:
        return
    if not forecast.is_within_budget:
        jobs, fit = costs.jobs, forecast.affordable
        over = hours(costs.reserved - forecast.budget)
        what = f"the first {fit} of {jobs} jobs stay within it" if fit else "not even the first job stays within it"
        yield f"THE BUDGET IS PASSED by {over} node-hours: {what}"
    elif costs.at_most > forecast.budget:
        yield "within the budget, but not if every retry is spent"


# ---------------------------------------------------------------- times


def _times(forecast: Forecast) -> Iterator[str]:
    return time_lines(forecast.packing.classes)


def time_lines(classes: Sequence[TaskClass], *, unknown: str = "") -> Iterator[str]:
    """Yield how long the tasks of each rule are expected to take; `unknown` is said where nobody knows."""
    by_rule: dict[str, list[TaskClass]] = {}
    for each in classes:
        by_rule.setdefault(each.rule, []).append(each)
    alike: dict[str, list[str]] = {}
    for rule, same in by_rule.items():
        alike.setdefault(time_words(same, unknown=unknown), []).append(rule)
    names = {words: _names(rules) for words, rules in alike.items()}
    width = min(max(map(len, names.values())), _WORDS)
    for words, rules in list(names.items())[:_RULES]:
        yield from wrapped(words, lead=f"{rules:<{width}}  ")


def _names(rules: Sequence[str]) -> str:
    shown = ", ".join(rules[: _PIECES + 1])
    return shown if len(rules) <= _PIECES + 1 and len(shown) <= _WORDS else f"{rules[0]} and {len(rules) - 1} more"


def time_words(classes: Sequence[TaskClass], *, unknown: str = "") -> str:
    """Return how long the tasks of a rule are expected to take, and what that rests on."""
    first = classes[0].estimate
    seconds = [each.estimate.seconds for each in classes]
    low, high = render_duration(round(min(seconds), 1)), render_duration(round(max(seconds), 1))
    span = low if low == high else f"{low} to {high}"
    if first.basis == NONE_GIVEN:
        return unknown or f"none given: counted as {span} until runs are measured; `time` would tell"
    if first.basis == ASSUMED:
        runs = f" ({first.runs} run{'s' if first.runs != 1 else ''} measured: too few)" if first.runs else ""
        return f"{span}, {first.words()}{runs}"
    return first.words() + (f"; by the size of inputs {span}" if low != high else "")


# ---------------------------------------------------------------- notes


def _notes(forecast: Forecast) -> Iterator[str]:
    costs, site = forecast.costs, forecast.site
    most, asked = max(job.nodes for job in forecast.packing.jobs), forecast.wishes.nodes
    if asked is not None and most > asked:
        yield from wrapped(f"-j {asked} is less than the smallest job that {site.name} gives for this, of {most} nodes")
    if costs.idle >= 0.05:  # noqa: PLR2004  # shown with one digit
        held = sum(job.nodes * job.timeline.seconds for job in forecast.packing.jobs) / 3600
        share = f" ({costs.idle / held:.0%} of what is held)" if held else ""
        tail = f", {hours(costs.tail)} of them in tails, after the last start" if costs.tail >= 0.05 else ""  # noqa: PLR2004
        yield from wrapped(f"idle: {hours(costs.idle)} node-hours{share}{tail}")
        blank = [each.rule for each in forecast.packing.classes if each.estimate.basis == NONE_GIVEN]
        if blank and held and costs.idle > _MUCH * held:
            text = f"part of that is a guess: nobody knows how long {_names(list(dict.fromkeys(blank)))} take"
            yield from wrapped(text, lead="      ")
    yield from wrapped(_launches(forecast))
    folder, count = forecast.crowd
    if count > 1:
        where = f"in one folder, {folder}/" if folder else "in the root of the campaign"
        yield from wrapped(f"files: at most {count} {where}")
        if count > CROWD:
            help_ = "that is slow on file systems that many nodes share: put a wildcard into its folder"
            yield from wrapped(help_, lead="       ")
    yield from _elsewhere(forecast)
    yield from _small_head(forecast)
    for rule, count in forecast.gathered.vague.items():
        yield from wrapped(f"{rule}: what {tasks(count)} will take is known only later, and is not counted here")
    if forecast.unknown:
        after = list(dict.fromkeys(task for task, _ in forecast.unknown))
        more = f" and {len(after) - 3} more" if len(after) > 3 else ""  # noqa: PLR2004
        text = f"not counted: what is known only when {', '.join(after[:3])}{more} ran; it is packed then"
        yield from wrapped(text)
    if forecast.trial is not None and forecast.trial.beyond:
        names = ", ".join(forecast.trial.beyond[:_RULES])
        takes = "takes" if len(forecast.trial.beyond) == 1 else "take"
        yield from wrapped(f"{names}: {takes} more than one task of each rule makes, and cannot be tried by it")
    if "filesystems" in site.needs and not site.filesystems:
        yield from wrapped(f"{site.name} wants to know file systems: `filesystems` in its file")
    if "project" in site.needs and site.project is None:
        yield from wrapped(f"{site.name} wants a project: -A {MISSING}, or `project` in its file")


def _small_head(forecast: Forecast) -> Iterator[str]:
    """Yield what would save the job that runs a single short task for which all others wait."""
    for job in forecast.packing.jobs:
        inside = [forecast.packing.classes[part.kind] for part in job.portions]
        if job.opens and job.count == 1 and not inside[0].resources.nodes and inside[0].estimate.seconds <= _SHORT:
            rule = inside[0].rule
            text = (
                f"job {job.number + 1} is for `{rule}` alone: with `site: local` it would run where the work is driven"
            )
            yield from wrapped(f"{text}, and the others begin at once")


def _launches(forecast: Forecast) -> str:
    costs, launch = forecast.costs, forecast.site.launch
    held = max((job.timeline.seconds for job in forecast.packing.jobs), default=0.0)
    text = f"launches: {costs.launches}"
    ramp = max((job.timeline.ramp for job in forecast.packing.jobs), default=0.0)
    if launch.pause and held:
        busiest = max(job.timeline.launches / max(job.timeline.seconds, 1.0) for job in forecast.packing.jobs)
        text += f", at most {busiest:.2g} a second in a job; the pause of {launch.pause:g}s allows {1 / launch.pause:g}"
    if ramp:
        text += f"; all nodes have begun after {render_duration(round(ramp))}"
    if costs.launch_bound:
        text += f"; launch-bound: nodes wait {costs.launch_bound:.0%} of the time for that pause"
    return text


def _elsewhere(forecast: Forecast) -> Iterator[str]:
    for rule, count in forecast.elsewhere.items():
        yield f"{rule}: {tasks(count)} outside of jobs, where the work is driven (`site: local`)"


# ---------------------------------------------------------------- why, and what else


def _why(forecast: Forecast) -> Iterator[str]:
    packing, site = forecast.packing, forecast.site
    told: dict[tuple[str, ...], list[Job]] = {}
    for job in packing.jobs:
        words = tuple(
            f"{_about(ground.about, job)}: {ground.words()}"
            for ground in grounds_of(job, packing, site, forecast.wishes)
        )
        told.setdefault(words, []).append(job)
    for words, jobs in list(told.items())[:_JOBS]:
        which = ", ".join(_numbers(part) for part in _in_a_row(jobs))
        lead = f"job {which}  " if len(jobs) == 1 else f"jobs {which}  "
        if len(told) == 1 and len(packing.jobs) == 1:
            lead = ""
        for at, line in enumerate(words):
            yield from wrapped(line, lead=lead if at == 0 else " " * len(lead))
    if len(told) > _JOBS:
        yield f"… and {len(told) - _JOBS} more kinds of jobs"


def _about(about: str, job: Job) -> str:
    if about == "nodes":
        return f"{job.nodes} node{'s' if job.nodes != 1 else ''}"
    return render_duration(job.walltime) if about == "walltime" else about


def _in_a_row(jobs: Sequence[Job]) -> list[list[Job]]:
    rows: list[list[Job]] = []
    for job in jobs:
        if rows and rows[-1][-1].number + 1 == job.number:
            rows[-1].append(job)
        else:
            rows.append([job])
    return rows


def _instead(forecast: Forecast) -> Iterator[str]:
    for other in forecast.packing.alternatives:
        yield from wrapped(render_alternative(other, forecast.packing))


# ---------------------------------------------------------------- the first job


def _script(forecast: Forecast, command: Sequence[str]) -> Iterator[str]:
    job = forecast.packing.jobs[0]
    for part in job.portions[:_RULES]:
        each = forecast.packing.classes[part.kind]
        name = forecast.gathered.name(each.members[part.first])
        count = part.stop - part.first
        yield from wrapped(f"{tasks(count)} of {each.rule}, first {name}" if count > 1 else name)
    if len(job.portions) > _RULES:
        yield f"… and {len(job.portions) - _RULES} more kinds of tasks"
    yield "as a script:"
    for line in job_script(forecast.site, job, command):
        yield f"  {line}"


def _commands(forecast: Forecast) -> Iterator[str]:
    seen: set[str] = set()
    for each in forecast.packing.classes:
        if each.rule in seen or len(seen) >= _RULES:
            continue
        seen.add(each.rule)
        of, row = forecast.gathered.task(each.members[0])
        yield of.name(row)
        try:
            attempt = forecast.attempts.make(of, row, id=0, number=1)
        except Wait:
            yield "  known only later"
            continue
        lines = [part for line in render_command(attempt).split("\n") if line.strip() for part in continued(line)]
        for line in lines[:_COMMAND]:
            yield f"  {line if len(line) <= WIDTH - 4 else line[: WIDTH - 5] + '…'}"
        if len(lines) > _COMMAND:
            yield f"  … {len(lines) - _COMMAND} more lines"
