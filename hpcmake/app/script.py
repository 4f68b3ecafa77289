"""`script`: the jobs of a campaign as plain scripts that run without hpcmake.

Owns which files are written, and where.  Knows nothing of the text in them.
"""

from __future__ import annotations

import os
import sys

from hpcmake.app.forecasting import make_forecast
from hpcmake.app.opening import Opened
from hpcmake.app.preparing import tell_warnings
from hpcmake.app.shell_functions import group_of
from hpcmake.app.shell_jobs import MARK, UNNAMED, Step, job_text, submit_text, without_hosts
from hpcmake.app.usage import usage
from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.planner.attempts import Attempts
from hpcmake.planner.classes import fit_on, width_of
from hpcmake.runners.launchers import preview_launch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from hpcmake.app.forecasting import Forecast
    from hpcmake.model import Resources
    from hpcmake.options import Arguments
    from hpcmake.planner.batches import Job
    from hpcmake.planner.classes import TaskClass
    from hpcmake.planner.plan import Plan
    from hpcmake.site import Site

FOLDER = "scripts"
"""Where scripts go if nothing is said."""


def script(arguments: Arguments) -> int:
    """Write the jobs as scripts; return the exit status.  Raises Trouble."""
    words, arguments.words = arguments.words, []
    if len(words) > 1:
        help_ = "such as `hpcmake script jobs --site theta`; `--until TARGET` chooses what is made"
        raise usage("name one folder for the scripts", " ".join(["script", *words]), help_=help_)
    opened = Opened(arguments)
    if opened.site is None or not opened.is_at_site:
        message = "`script` writes the jobs of a site, and no site is named"
        raise usage(message, "script", help_="name one, `--site NAME`; `hpcmake sites` lists them")
    plan = opened.plan()
    tell_warnings(opened, plan)
    forecast = make_forecast(plan, opened.site, arguments)
    _check(forecast)
    if not forecast.packing.jobs:
        sys.stderr.write("nothing to do: there are no scripts to write\n")
        return 0
    folder = os.path.join(opened.root, (words[0] if words else FOLDER).rstrip("/"))
    written = list(_write(forecast, plan, folder, opened.root))
    for path in written:
        sys.stdout.write(os.path.relpath(path, opened.root) + "\n")
    if forecast.budget is not None and not forecast.is_within_budget:
        spent = f"they reserve {forecast.costs.reserved:.0f} node-hours, and the budget is {forecast.budget:g}"
        sys.stderr.write(f"{spent}: the first {forecast.affordable} of {len(written) - 1} jobs stay within it\n")
    for after in dict.fromkeys(task for task, _ in forecast.unknown):
        sys.stderr.write(f"what is known only when {after} has run is not in them: write them anew then\n")
    return 0


def _check(forecast: Forecast) -> None:
    """Refuse what a plain script cannot do.  Raises Trouble."""
    mistakes = []
    for rule, count in forecast.elsewhere.items():
        table = next(table for table in forecast.attempts.plan.graph.tables if table.rule.name == rule)
        tasks = f"{count} task{'s' if count != 1 else ''}"
        message = (
            f"{tasks} of `{rule}` run{'s' if count == 1 else ''} where the work is driven, and a script drives nothing"
        )
        help_ = f"run them before: `hpcmake --until FILE` with a file that `{rule}` makes"
        span = table.rule.site.span if table.rule.site is not None else table.rule.span
        mistakes.append(Diagnostic("E818", message, span, help=help_))
    if mistakes:
        raise Trouble(*mistakes)


def _write(forecast: Forecast, plan: Plan, folder: str, root: str) -> Iterator[str]:
    os.makedirs(folder, exist_ok=True)
    _remove_former(folder)
    jobs = forecast.packing.jobs
    digits = len(str(len(jobs)))
    names = [f"job-{job.number + 1:0{digits}}.sh" for job in jobs]
    for job, name in zip(jobs, names, strict=True):
        path = os.path.join(folder, name)
        steps = _steps(forecast, plan, job, os.path.relpath(folder, root))
        for step in steps:
            for listed, items in step.group.lists:
                _write_text(os.path.join(root, listed), "".join(f"{item}\n" for item in items))
        text = job_text(forecast.site, job, steps, path=path, root=root, of=len(jobs))
        _write_text(path, text, mode=0o755)
        yield path
    path = os.path.join(folder, "submit.sh")
    _write_text(path, submit_text(forecast.site, jobs, names, folder), mode=0o755)
    yield path


def _remove_former(folder: str) -> None:
    """Remove scripts of ours that a former plan has left."""
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if name.startswith("job-") and name.endswith(".sh"):
            with open(path, encoding="utf-8", errors="replace") as file:
                ours = MARK in file.read(4096)
            if ours:
                os.unlink(path)


def _write_text(path: str, text: str, *, mode: int = 0o644) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
    os.chmod(path, mode)


def _steps(forecast: Forecast, plan: Plan, job: Job, folder: str) -> list[Step]:
    """Return what a job runs, in order: tasks of a stage that are alike are one step."""
    site, packing = forecast.site, forecast.packing
    attempts = Attempts(plan, site=site.name, launch=lambda resources: _launch(site, resources))
    attempts.lists_in = os.path.join(folder, "lists")
    alike: dict[tuple[int, str, Resources, tuple[Resources, ...]], list[tuple[TaskClass, int, int]]] = {}
    for part in job.portions:
        each = packing.classes[part.kind]
        alike.setdefault((each.stage, each.rule, each.resources, each.retries), []).append(
            (each, part.first, part.stop)
        )
    names: dict[str, int] = {}
    found = []
    for (stage, rule, resources, retries), parts in sorted(alike.items(), key=lambda item: item[0][0]):
        tasks = [forecast.gathered.task(each.members[at]) for each, first, stop in parts for at in range(first, stop)]
        names[rule] = names.get(rule, 0) + 1
        name = f"task_{rule}" + (f"_{names[rule]}" if names[rule] > 1 else "")
        group = group_of(attempts, tasks[0][0], [row for _, row in tasks], name, prelude=_prelude(resources))
        width = width_of(resources, site.smallest_block)
        beside = 0 if width else max(1, fit_on(resources, job.shape.node))
        found.append(Step(stage, group, width, beside, 1 + len(retries)))
    return found


def _launch(site: Site, resources: Resources) -> list[str]:
    words = preview_launch(site, resources)
    return without_hosts(words) if site.launcher in UNNAMED else words


def _prelude(resources: Resources) -> list[str]:
    """Return the environment of tasks that share a node."""
    if resources.nodes is not None:
        return []
    lines = [f"export OMP_NUM_THREADS={resources.cores}"]
    if resources.gpus:
        first = f"slot * {resources.gpus}"
        devices = f"$(seq -s, $(({first})) $(({first} + {resources.gpus - 1})))"
        lines.append(f"export CUDA_VISIBLE_DEVICES={devices}")
    return lines
