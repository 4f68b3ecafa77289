"""What a campaign would come to on a site: its tasks packed into jobs, and what these cost.

Owns the way from a plan and the words of the command line to jobs.  Knows nothing of how they are shown or submitted.
"""

from __future__ import annotations

from hpcmake.app.refusing import check_wishes, refusals, require_queues, wrong_site
from hpcmake.app.trials import Trial, find_trial
from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.planner.attempts import Attempts
from hpcmake.planner.costs import costs_of
from hpcmake.planner.gathering import gather_plan, stale_rows
from hpcmake.planner.pack import one_each, pack
from hpcmake.planner.queues import Wishes, open_queues
from hpcmake.record import Record
from hpcmake.runners.launchers import preview_launch
from hpcmake.tasks.states import is_stale

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.options import Arguments
    from hpcmake.planner.costs import Costs
    from hpcmake.planner.gathering import Gathered
    from hpcmake.planner.graph import Table
    from hpcmake.planner.pack import Packing, Room
    from hpcmake.planner.plan import Plan
    from hpcmake.site import Site

CROWD = 20_000
"""More files than this in one folder are slow to list and to make on file systems that many nodes share."""


class Forecast(Record):
    """A campaign packed for a site.

    `elsewhere` counts, by rule, tasks that run on the machine that drives (`site: local`).  `budget` is the most that
    may be spent, in node-hours, and `affordable` how many of the jobs, in their order, stay within it.  `crowd` is the
    folder that gets the most files, and how many.  `unknown` are tasks that will tell of more, each with a rule.
    `trial` is what one runs, if this is one.
    """

    site: Site
    wishes: Wishes
    gathered: Gathered
    attempts: Attempts
    packing: Packing
    costs: Costs
    elsewhere: dict[str, int]
    budget: float | None
    affordable: int
    crowd: tuple[str, int]
    unknown: tuple[tuple[str, str], ...] = ()
    trial: Trial | None = None

    @property
    def is_within_budget(self) -> bool:
        """Whether all jobs may be submitted, for what they reserve."""
        return self.affordable == len(self.packing.jobs)


def read_wishes(arguments: Arguments, site: Site) -> Wishes:
    """Return what the command line says of jobs."""
    nodes = arguments.number("jobs")
    job_nodes, queued = arguments.number("job_nodes"), arguments.number("max_queued")
    return Wishes(
        nodes=int(nodes) if nodes is not None else site.jobs,
        job_nodes=None if job_nodes is None else int(job_nodes),
        job_time=arguments.number("job_time"),
        queue=arguments.text("queue"),
        queued=None if queued is None else int(queued),
    )


def make_forecast(plan: Plan, site: Site, arguments: Arguments, *, rooms: Sequence[Room] = ()) -> Forecast:
    """Return what would run where and when.  `rooms` are jobs that are there already, and are filled first.

    Raises Trouble for what the site cannot run, and for what the command line asks for in vain.
    """
    require_queues(site)
    if arguments.text("project") is not None:
        site = site.replace(project=arguments.text("project"))
    wishes = read_wishes(arguments, site)
    check_wishes(site, wishes)
    tables, elsewhere = place_rules(plan, site)
    attempts = Attempts(plan, site=site.name, launch=lambda resources: preview_launch(site, resources))
    trial = arguments.flag("trial")
    purpose = "trial" if trial and any(queue.purpose == "trial" for queue in site.queues) else "work"
    longest = max(band.longest for queue in site.queues for band in queue.bands())
    retries = int(arguments.number("retries") or 0)
    gathered = gather_plan(plan, attempts, tables, retries=retries, longest=longest)
    classes = one_each(gathered.classes) if trial else gathered.classes
    packing = pack(classes, site, wishes, rooms=rooms, purpose=purpose)
    if packing.refused and purpose == "trial":
        purpose = "work"  # the queues for trials are too small
        packing = pack(classes, site, wishes, rooms=rooms, purpose=purpose)
    queues = open_queues(site, wishes, classes, purpose=purpose)
    mistakes = refusals(packing, gathered, arguments, site, queues)
    if mistakes:
        raise Trouble(*mistakes)
    limits = [each for each in (arguments.number("budget"), site.budget) if each is not None]
    budget = min(limits, default=None)
    return Forecast(
        site=site,
        wishes=wishes,
        gathered=gathered,
        attempts=attempts,
        packing=packing,
        costs=costs_of(packing, site.smallest_block),
        elsewhere=elsewhere,
        budget=budget,
        affordable=_affordable(packing, budget),
        crowd=_crowd(plan, tables),
        unknown=tuple(plan.unknown()) if plan.has_unknown else (),
        trial=find_trial(plan, gathered, classes) if trial else None,
    )


def _affordable(packing: Packing, budget: float | None) -> int:
    spent = 0.0
    for count, job in enumerate(packing.jobs):
        spent += job.reserved
        if budget is not None and spent > budget + 1e-9:
            return count
    return len(packing.jobs)


def place_rules(plan: Plan, site: Site) -> tuple[list[Table], dict[str, int]]:
    """Return the rules whose tasks go into jobs, and how many tasks of others run where the work is driven."""
    tables: list[Table] = []
    elsewhere: dict[str, int] = {}
    mistakes: list[Diagnostic] = []
    for table in plan.graph.tables:
        names = site_names(table)
        if names is None or site.name in names:
            tables.append(table)
        elif any(map(is_stale, table.state)):
            if "local" in names:
                elsewhere[table.rule.name] = len(stale_rows(table))
            else:
                mistakes.append(wrong_site(table.rule, names, site))
    if mistakes:
        raise Trouble(*mistakes)
    return tables, elsewhere


def site_names(table: Table) -> list[str] | None:
    """Return the sites on which a rule may run; None: on any."""
    code = table.rule.site
    if code is None or code.names or code.reads:
        return None
    found = code.run({})
    return [str(each) for each in (found if isinstance(found, list) else [found])]


def _crowd(plan: Plan, tables: Sequence[Table]) -> tuple[str, int]:
    """Return the folder into which most files are made, and how many: those that are there, and new ones."""
    counts: dict[str, int] = {}
    paths = plan.graph.files.paths
    for table in tables:
        for column in table.outputs:
            for path in map(paths.__getitem__, column):
                folder = path[: path.rfind("/", 0, -1) + 1]  # with its slash, which a folder's own name may end with
                counts[folder] = counts.get(folder, 0) + 1
    folder, most = max(counts.items(), key=lambda item: item[1], default=("", 0))
    return folder.rstrip("/"), most
